"""What the submission machine asks of a provider, and what it may answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from apps.core.strict_json import JsonValue

JsonObject: TypeAlias = dict[str, JsonValue]


# Stands in an example record where its text goes.
TEXT_PLACE = "{text}"


class ProviderError(Exception):
    """A call that did not give what was asked for."""


class DefiniteRefusalError(ProviderError):
    """The provider said no and made nothing: a 4xx with a reason. Sending the same again gives the same."""


class RetryLaterError(ProviderError):
    """The provider said "not now" and made nothing (429). ``after`` is how long it asked us to wait."""

    def __init__(self, message: str, *, after: timedelta) -> None:
        super().__init__(message)
        self.after = after


class AmbiguousError(ProviderError):
    """Nobody can tell whether a batch was made: a timeout, a reset, a 5xx. So is any error unforeseen."""


class UnreadableAnswerError(ProviderError):
    """A result line that is JSON but not a result of this provider."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What one batch may hold; a run is cut by these."""

    requests: int
    bytes: int
    records_per_request: int
    """How many records to ask of one request at most: beyond it answers grow alike or get cut off."""


@dataclass(frozen=True, kw_only=True)
class Ask:
    """One request in our own words, before a provider writes it in its format."""

    prompt: JsonValue
    """What the prompt's language rendered: a text, or phrase material for ``rules``."""
    label: str
    count: int
    """Records wanted."""
    first: int
    """Place of the first of them among the run's records of this label, so that none is made twice."""
    seed: int
    example: JsonObject
    """What a record looks like, with ``TEXT_PLACE`` where its text goes."""
    axes: Mapping[str, str] = field(default_factory=dict)
    realism: tuple[str, ...] = ()
    seeds: tuple[str, ...] = ()
    """Texts of real seed rows; never a train row."""


@dataclass(frozen=True, kw_only=True)
class Batch:
    """A submission as a provider sees it."""

    nonce: str
    model: str
    request_file: Path
    """Frozen: one request per line, as ``request_line`` wrote them."""
    request_count: int
    batch_id: str = ""
    """The provider's own name for it, once known."""
    sent_at: datetime | None = None


@dataclass(frozen=True)
class Created:
    batch_id: str


@dataclass(frozen=True)
class Found:
    """A batch that carries our nonce."""

    batch_id: str
    created_at: datetime


class BatchState(StrEnum):
    WAITING = "waiting"
    RUNNING = "running"
    ENDED = "ended"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    FAILED = "failed"


HAS_RESULTS = frozenset({BatchState.ENDED, BatchState.EXPIRED, BatchState.CANCELLED})
"""States after which results may be fetched, if only some."""


@dataclass(frozen=True)
class Poll:
    state: BatchState
    message: str = ""


class AnswerStatus(StrEnum):
    """What became of one request. All but OK come without records and are counted as what they are."""

    OK = "ok"
    REFUSED = "refused"
    TRUNCATED = "truncated"
    FILTERED = "filtered"
    ERROR = "error"
    EXPIRED = "expired"


@dataclass(frozen=True)
class Answer:
    """One result line, understood. ``value`` is what the model answered, for the sink to read."""

    custom_id: str
    status: AnswerStatus
    value: JsonValue = None
    message: str = ""


@dataclass(frozen=True, kw_only=True)
class Volume:
    """How much a run is going to ask for."""

    requests: int
    records: int
    request_bytes: int


@dataclass(frozen=True, kw_only=True)
class Quote:
    """What a volume is expected to cost and take, where that was read, and whether it is a guess."""

    money: Decimal
    currency: str
    seconds: float
    source: str
    is_guess: bool


class Provider(Protocol):
    """One generator behind a batch interface.

    Every call but ``request_line``, ``read_answer`` and ``quote`` may go over the network, is made outside
    any transaction, and is made once: a provider never retries by itself.
    """

    key: str
    title: str
    family: str
    """Default model family of its connections."""
    limits: Limits
    prompt_language: str
    """The language its prompts are written in: ``phrases`` or ``jinja``."""
    poll_every: timedelta
    create_within: timedelta
    """Longer than ``create`` may take: a sender that has been silent this long is dead."""
    offline_model: str
    """Its only model, if it needs neither key nor network and may be used as it is; else empty."""

    def request_line(self, custom_id: str, ask: Ask, *, model: str) -> JsonObject:
        """The request in this provider's format, with the structured output it is asked for.

        Raises DomainError naming the label and the remedy when there is nothing to generate from.
        """

    def quote(self, volume: Volume, *, model: str) -> Quote:
        """Price and time of ``volume``."""

    def create(self, batch: Batch) -> Created:
        """Posts the batch, once.

        Raises DefiniteRefusalError or RetryLaterError only when the provider made nothing for certain; every
        other exception means that nobody knows.
        """

    def find(self, batch: Batch) -> list[Found]:
        """Every batch at the provider that carries ``batch.nonce``, oldest first."""

    def poll(self, batch: Batch) -> Poll:
        """Where ``batch.batch_id`` stands."""

    def results(self, batch: Batch) -> Iterator[bytes]:
        """The raw result lines of ``batch.batch_id``, in any order, successes and errors alike."""

    def read_answer(self, line: JsonValue) -> Answer:
        """What one parsed result line says; UnreadableAnswerError when it is none."""

    def cancel(self, batch: Batch) -> None:
        """Asks to stop ``batch.batch_id``; harmless when it has ended."""


def require_fields(line: JsonValue, names: Mapping[str, type[Any]]) -> JsonObject:
    """``line`` as an object that has ``names`` with these types; UnreadableAnswerError says which not."""
    if not isinstance(line, dict):
        raise UnreadableAnswerError("The line is not a JSON object.")
    for name, kind in names.items():
        if not isinstance(line.get(name), kind):
            raise UnreadableAnswerError(f"The line has no {name!r} of the right type.")
    return line
