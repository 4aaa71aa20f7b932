"""``rules``: an offline generator that is honest about itself.

It recombines phrases (``rules_phrases``) or seed examples (``rules_seeds``) under the axes and the realism
that a gap asks for (``rules_axes``, ``rules_noise``). It is no model: it invents nothing, costs nothing,
needs no network, and gives the same answer to the same request line. It goes through the same batch interface
as the network providers.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, cast

from apps.core.errors import DomainError
from apps.core.strict_json import JsonValue, canonical_dumps, iter_lines, loads_line
from apps.providers import rules_journal as journal
from apps.providers.base import (
    TEXT_PLACE,
    Answer,
    AnswerStatus,
    Ask,
    Batch,
    BatchState,
    Created,
    DefiniteRefusalError,
    Endpoint,
    Found,
    JsonObject,
    Limits,
    Poll,
    Setting,
    TokenCount,
    TokenPrice,
    UnreadableAnswerError,
    Volume,
    require_fields,
)
from apps.providers.rules_phrases import material_of
from apps.providers.rules_records import record_of
from apps.providers.rules_writer import Job, write

# Measured on two cores with SQLite: writing, ingest and checks included.
RECORDS_PER_SECOND = 200
MAX_BYTES = 20_000_000
MAX_REQUESTS = 500
SECONDS_PER_BATCH = 2


class Rules:
    key = "rules"
    title = "Rules (offline)"
    settings: tuple[Setting, ...] = ()
    hosts: tuple[str, ...] = ()
    needs_base_url = False
    default_key_name = ""
    prompt_language = "phrases"
    has_batches = True
    has_synchronous = True
    enforces_schema = True
    tags_batches = True
    window: timedelta | None = None
    results_kept: timedelta | None = None
    poll_every = timedelta(seconds=1)
    create_within = timedelta(minutes=1)
    offline_model = "rules-1"

    def limits(self, endpoint: Endpoint) -> Limits:
        return Limits(requests=MAX_REQUESTS, bytes=MAX_BYTES, records_per_request=10)

    def request_line(self, custom_id: str, ask: Ask, *, endpoint: Endpoint) -> JsonObject:
        if not material_of(ask.prompt).phrases.patterns and not ask.seeds:
            raise DomainError(
                f"There is nothing to make {ask.label!r} from: the prompt has no phrases for it and it has "
                f"no seed row. Add patterns and slots for {ask.label!r} to the prompt, or import a real row "
                "of it as seed."
            )
        return {
            "custom_id": custom_id,
            "request": {
                "prompt": ask.prompt,
                "label": ask.label,
                "axes": dict(ask.axes),
                "realism": list(ask.realism),
                "seeds": list(ask.seeds),
                "count": ask.count,
                "first": ask.first,
                "seed": ask.seed,
                "example": ask.example,
            },
        }

    def count_tokens(self, line: JsonObject) -> TokenCount:
        return TokenCount(tokens=0, is_guess=False)

    def price(self, model: str, *, is_batch: bool) -> TokenPrice | None:
        return TokenPrice(input=Decimal(0), output=Decimal(0), source="runs on this machine", as_of="")

    def context_window(self, model: str) -> int | None:
        return None

    def time_for(self, volume: Volume, *, is_batch: bool) -> timedelta | None:
        batches = -(-volume.requests // MAX_REQUESTS)
        return timedelta(seconds=SECONDS_PER_BATCH * batches + volume.records / RECORDS_PER_SECOND)

    def upload(self, batch: Batch) -> str:
        return ""

    def create(self, batch: Batch) -> Created:
        if not batch.request_file.is_file():
            raise DefiniteRefusalError(f"There is no request file {batch.request_file.name}.")
        batch_id = f"rules-{batch.nonce}-{len(self._created(batch.nonce)) + 1}"
        journal.write(batch.nonce, "created", batch_id=batch_id)
        return Created(batch_id)

    def find(self, batch: Batch) -> list[Found]:
        return [
            Found(event["batch_id"], datetime.fromisoformat(event["at"]))
            for event in self._created(batch.nonce)
        ]

    def poll(self, batch: Batch) -> Poll:
        events = [event for event in journal.read(batch.nonce) if event["batch_id"] == batch.batch_id]
        if not events:
            return Poll(BatchState.FAILED, f"There is no batch {batch.batch_id}.")
        return Poll(BatchState.CANCELLED if events[-1]["event"] == "cancelled" else BatchState.ENDED)

    def results(self, batch: Batch) -> Iterator[bytes]:
        with batch.request_file.open("rb") as stream:
            for line in iter_lines(stream, max_bytes=MAX_BYTES):
                yield _answer_line(loads_line(line.data, max_bytes=MAX_BYTES))

    def read_answer(self, line: JsonValue) -> Answer:
        values = require_fields(line, {"custom_id": str, "status": str})
        try:
            status = AnswerStatus(cast("str", values["status"]))
        except ValueError:
            raise UnreadableAnswerError("The line has a status that is not known.") from None
        return Answer(cast("str", values["custom_id"]), status, values.get("answer"))

    def cancel(self, batch: Batch) -> None:
        if self.poll(batch).state == BatchState.ENDED:
            journal.write(batch.nonce, "cancelled", batch_id=batch.batch_id)

    def answer_now(self, line: JsonObject, *, endpoint: Endpoint) -> bytes:
        return _answer_line(line)

    def _created(self, nonce: str) -> list[dict[str, Any]]:
        return [event for event in journal.read(nonce) if event["event"] == "created"]


def _answer_line(line: JsonValue) -> bytes:
    """The answer to one request line: a function of the line alone."""
    values = cast("dict[str, Any]", line)
    request = values["request"]
    job = Job(
        label=request["label"],
        material=material_of(request["prompt"]),
        seeds=tuple(request["seeds"]),
        axes=request["axes"],
        realism=tuple(request["realism"]),
        count=request["count"],
        first=request["first"],
        seed=request["seed"],
    )
    template = job.material.phrases.record
    records = [
        _filled(request["example"], written.text)
        if template is None
        else record_of(template, text=written.text, plain=written.plain, taken=written.taken)
        for written in write(job)
    ]
    return canonical_dumps({"custom_id": values["custom_id"], "status": "ok", "answer": {"records": records}})


def _filled(example: JsonValue, text: str) -> JsonValue:
    if isinstance(example, str):
        return example.replace(TEXT_PLACE, text)
    if isinstance(example, dict):
        return {key: _filled(value, text) for key, value in example.items()}
    if isinstance(example, list):
        return [_filled(value, text) for value in example]
    return example
