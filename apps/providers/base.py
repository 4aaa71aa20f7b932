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


class NotOursError(ProviderError):
    """The batch that was taken for ours is somebody else's: its ids carry another nonce."""


class UnreadableAnswerError(ProviderError):
    """A result line that is JSON but not a result of this provider."""


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One thing that a connection says beside its model: a region, a bucket, a project."""

    name: str
    title: str
    help: str = ""
    is_required: bool = True


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """Where and as whom to call: what a connection says, without the database."""

    model: str
    base_url: str = ""
    """Empty: the vendor's own host."""
    key_name: str = ""
    """Environment variable (or ``…_FILE``) of the generation worker that holds the key; never the key."""
    settings: Mapping[str, str] = field(default_factory=dict)
    """By the names of the provider's ``settings``."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What one batch may hold; a run is cut by these."""

    requests: int
    bytes: int
    records_per_request: int
    """How many records to ask of one request at most: beyond it answers grow alike or get cut off."""
    minimum_requests: int = 1
    """Fewer are refused by the provider."""


@dataclass(frozen=True, kw_only=True)
class Ask:
    """One request in our own words, before a provider writes it in its format."""

    prompt: JsonValue
    """What the prompt's language rendered: a text, or phrase material for ``rules``."""
    schema: JsonObject = field(default_factory=dict)
    """JSON Schema of the whole answer. Providers ask for it by ``structured.strict_schema``."""
    label: str = ""
    count: int = 1
    """Records wanted."""
    first: int = 0
    """Place of the first of them among the run's records of this label, so that none is made twice."""
    seed: int = 0
    example: JsonObject = field(default_factory=dict)
    """What a record looks like, with ``TEXT_PLACE`` where its text goes."""
    axes: Mapping[str, str] = field(default_factory=dict)
    realism: tuple[str, ...] = ()
    seeds: tuple[str, ...] = ()
    """Texts of real seed rows; never a train row."""
    max_output_tokens: int = 4096


@dataclass(frozen=True, kw_only=True)
class Batch:
    """A submission as a provider sees it."""

    nonce: str
    """32 hex digits, ours; every custom id begins with it."""
    endpoint: Endpoint
    request_file: Path
    """Frozen: one request per line, as ``request_line`` wrote them."""
    request_count: int
    upload: str = ""
    """What ``upload`` returned: the provider's name for the request file there."""
    batch_id: str = ""
    """The provider's own name for it, once known."""
    sent_at: datetime | None = None

    @property
    def model(self) -> str:
        return self.endpoint.model


@dataclass(frozen=True)
class Created:
    batch_id: str


@dataclass(frozen=True)
class Found:
    """A batch at the provider that is ours, or may be."""

    batch_id: str
    created_at: datetime
    is_certain: bool = True
    """False when only time and size speak for it, and nothing in it carries our nonce yet."""


class BatchState(StrEnum):
    WAITING = "waiting"
    RUNNING = "running"
    ENDED = "ended"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    FAILED = "failed"
    DEFERRED = "deferred"
    """It ended without doing anything, because too much is enqueued there: to be sent again later."""


HAS_RESULTS = frozenset({BatchState.ENDED, BatchState.EXPIRED, BatchState.CANCELLED})
"""States after which results may be fetched, if only some."""


@dataclass(frozen=True)
class Poll:
    state: BatchState
    message: str = ""
    results_expire_at: datetime | None = None
    """When the provider deletes what it made, where it says so."""


class AnswerStatus(StrEnum):
    """What became of one request. All but OK come without records and are counted as what they are."""

    OK = "ok"
    REFUSED = "refused"
    TRUNCATED = "truncated"
    FILTERED = "filtered"
    ERROR = "error"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    UNREADABLE = "unreadable"
    """The model answered, and not with strict JSON; ``reason`` says why not. It is quarantined."""


@dataclass(frozen=True, kw_only=True)
class Usage:
    """Tokens of one request. ``input_tokens`` includes those that were read from a cache."""

    input_tokens: int = 0
    output_tokens: int = 0
    """Includes what a model thought to itself, where that is billed."""
    cached_tokens: int = 0


NO_USAGE = Usage()


@dataclass(frozen=True)
class Answer:
    """One result line, understood. ``value`` is what the model answered, for the sink to read."""

    custom_id: str
    status: AnswerStatus
    value: JsonValue = None
    message: str = ""
    usage: Usage = NO_USAGE
    reason: str = ""
    """Of UNREADABLE: a ``ReasonCode``, or a short word of our own."""


@dataclass(frozen=True, kw_only=True)
class Volume:
    """How much is going to be asked for."""

    requests: int
    records: int
    request_bytes: int


@dataclass(frozen=True, kw_only=True)
class TokenPrice:
    """Money per million tokens, and where that was read."""

    input: Decimal
    output: Decimal
    cached_input: Decimal | None = None
    """None: cached tokens cost what others do."""
    currency: str = "USD"
    source: str
    as_of: str
    """A day (ISO), for people; of the price list's release where the list names no day."""
    is_guess: bool = False


@dataclass(frozen=True, kw_only=True)
class TokenCount:
    tokens: int
    is_guess: bool
    """True where no tokenizer of this model runs here."""


class Provider(Protocol):
    """One generator behind a batch interface, a synchronous one, or both.

    ``upload`` to ``answer_now`` may go over the network; all of it happens in the generation worker, outside any
    transaction. A provider never retries by itself and never follows a redirect. SDKs are imported inside these
    calls alone: the web process and the demo do without them.
    """

    key: str
    title: str
    settings: tuple[Setting, ...]
    hosts: tuple[str, ...]
    """The vendor's own hosts (``*.example.com`` allowed); any other base URL needs an entry in PROVIDER_HOSTS."""
    needs_base_url: bool
    default_key_name: str
    """Empty: it needs no key."""
    prompt_language: str
    """The language its prompts are written in: ``phrases`` or ``jinja``."""
    has_batches: bool
    has_synchronous: bool
    enforces_schema: bool
    """Whether the provider holds answers to the schema; else the prompt asks, and what is wrong is quarantined."""
    tags_batches: bool
    """False: a lost batch cannot be told from others while it runs, so one at a time may be unresolved."""
    window: timedelta | None
    """How long a batch may take by the vendor's documentation; None: it promises nothing."""
    results_kept: timedelta | None
    """How long results can be fetched after the end; None: as long as we keep them ourselves."""
    poll_every: timedelta
    create_within: timedelta
    """Longer than ``create`` may take: a sender that has been silent this long is dead."""
    offline_model: str
    """Its only model, if it needs neither key nor network and may be used as it is; else empty."""

    def limits(self, endpoint: Endpoint) -> Limits:
        """Of one batch to this endpoint."""

    def request_line(self, custom_id: str, ask: Ask, *, endpoint: Endpoint) -> JsonObject:
        """The request in this provider's format, with the structured output it is asked for.

        Raises DomainError naming the label and the remedy when there is nothing to generate from.
        """

    def count_tokens(self, line: JsonObject) -> TokenCount:
        """Input tokens of a line that ``request_line`` wrote. Never goes over the network."""

    def price(self, model: str, *, is_batch: bool) -> TokenPrice | None:
        """What the vendor asks for tokens of ``model``; None where no list knows. Never over the network."""

    def context_window(self, model: str) -> int | None:
        """Tokens that ``model`` takes at once; None where no list says."""

    def time_for(self, volume: Volume, *, is_batch: bool) -> timedelta | None:
        """How long ``volume`` takes, where that was measured; None where only ``window`` is known."""

    def upload(self, batch: Batch) -> str:
        """Brings the request file to where ``create`` needs it, and returns its name there.

        Costs nothing and may be repeated; "" where create takes the requests themselves.
        """

    def create(self, batch: Batch) -> Created:
        """Posts the batch, once.

        Raises DefiniteRefusalError or RetryLaterError only when the provider made nothing for certain; every
        other exception means that nobody knows.
        """

    def find(self, batch: Batch) -> list[Found]:
        """Every batch at the provider that carries ``batch.nonce`` or its upload; reads every page of the list."""

    def poll(self, batch: Batch) -> Poll:
        """Where ``batch.batch_id`` stands."""

    def results(self, batch: Batch) -> Iterator[bytes]:
        """The raw result lines of ``batch.batch_id``, in any order, successes and errors alike, streamed.

        NotOursError when the ids in them carry another nonce.
        """

    def read_answer(self, line: JsonValue) -> Answer:
        """What one parsed result line says; UnreadableAnswerError when it is none."""

    def cancel(self, batch: Batch) -> None:
        """Asks to stop ``batch.batch_id``; harmless when it has ended."""

    def answer_now(self, line: JsonObject, *, endpoint: Endpoint) -> bytes:
        """Posts one request line synchronously, once, and returns a result line that ``read_answer`` understands.

        Raises like ``create``.
        """


def require_fields(line: JsonValue, names: Mapping[str, type[Any]]) -> JsonObject:
    """``line`` as an object that has ``names`` with these types; UnreadableAnswerError says which not."""
    if not isinstance(line, dict):
        raise UnreadableAnswerError("The line is not a JSON object.")
    for name, kind in names.items():
        if not isinstance(line.get(name), kind):
            raise UnreadableAnswerError(f"The line has no {name!r} of the right type.")
    return line
