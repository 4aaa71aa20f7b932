"""Whether the ledger is as it was written: events by their chains, decisions by their seals, and each by the other.

What it cannot see, a record deleted with everything that names it, the checkpoints show (``checkpoint_proof``).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from apps.records import chain
from apps.records.models import Record, RecordEvent
from apps.records.services import payload_digest
from apps.review.models import Decision, ReviewTask, TaskStatus, Undo
from apps.review.seals import seal_of
from apps.specs.models import Project

SLICE = 500
UNDO_REASON = "undo of "
"""How the event of an undo begins."""


@dataclass(frozen=True)
class Fault:
    """A row that is not as it was written."""

    table: str
    pk: int
    what: str

    def __str__(self) -> str:
        return f"{self.table} {self.pk}: {self.what}"


@dataclass
class Tally:
    """What was looked at."""

    records: int = 0
    events: int = 0
    decisions: int = 0
    unsealed: int = 0
    """Decisions from before there were seals: only their events speak for them."""


def verify(*, project: Project | None, tally: Tally, old_keys: Sequence[str] = ()) -> Iterator[Fault]:
    """Every fault in the ledger of ``project``, or of all. Memory does not grow with it.

    ``old_keys``: secret keys from before, tried where the key of today does not fit a row.
    """
    secrets = ("", *old_keys)
    records = Record.objects.order_by("pk")
    if project is not None:
        records = records.filter(project=project)
    last = 0
    while slice_ := list(records.filter(pk__gt=last)[:SLICE]):
        last = slice_[-1].pk
        tally.records += len(slice_)
        yield from _events(slice_, secrets, tally)
        yield from _decisions(slice_, secrets, tally)


def _events(records: Sequence[Record], secrets: Sequence[str], tally: Tally) -> Iterator[Fault]:
    events: dict[int, list[RecordEvent]] = defaultdict(list)
    found = (
        RecordEvent.objects.filter(record__in=records).select_related("actor").order_by("record_id", "seq")
    )
    for event in found:
        events[event.record_id].append(event)
    for record in records:
        chained = events[record.pk]
        tally.events += len(chained)
        yield from _chain(record, chained, secrets)


def _chain(record: Record, events: Sequence[RecordEvent], secrets: Sequence[str]) -> Iterator[Fault]:
    previous = ""
    for number, event in enumerate(events, start=1):
        if event.seq != number:
            yield Fault("records_recordevent", event.pk, f"an event is missing before number {event.seq}")
            return
        if event.previous_hash != previous:
            yield Fault("records_recordevent", event.pk, "does not follow the event before it")
        elif event.hash not in (_link(record, event, secret) for secret in secrets):
            yield Fault("records_recordevent", event.pk, "was changed after it was written")
        previous = event.hash
    if not events:
        yield Fault("records_record", record.pk, "has no event")
    elif (record.event_seq, record.event_hash) != (events[-1].seq, previous):
        yield Fault(
            "records_record", record.pk, f"has {len(events)} events, not the {record.event_seq} it counts"
        )
    elif record.status != events[-1].status_to:
        yield Fault(
            "records_record", record.pk, f"is {record.status}, its last event says {events[-1].status_to}"
        )
    elif events[-1].payload_digest != payload_digest(record.current_input, record.current_output):
        yield Fault("records_record", record.pk, "says something else than at its last event")


def _link(record: Record, event: RecordEvent, secret: str) -> str:
    return chain.link(
        previous_hash=event.previous_hash,
        record_uuid=record.uuid,
        seq=event.seq,
        status_from=event.status_from,
        status_to=event.status_to,
        reason=event.reason,
        actor=event.actor,
        payload_digest=event.payload_digest,
        happened_at=event.happened_at,
        secret=secret,
    )


def _decisions(records: Sequence[Record], secrets: Sequence[str], tally: Tally) -> Iterator[Fault]:
    decisions = list(Decision.objects.filter(record__in=records).select_related("reviewer", "record"))
    tally.decisions += len(decisions)
    for decision in decisions:
        if not decision.seal:
            tally.unsealed += 1
        elif decision.seal not in (seal_of(decision, secret=secret) for secret in secrets):
            yield Fault("review_decision", decision.pk, "was changed after it was made")
    known = {decision.uuid: decision.record_id for decision in decisions}
    for record in records:
        if record.decision_uuid is not None and known.get(record.decision_uuid) != record.pk:
            yield Fault("records_record", record.pk, f"its decision {record.decision_uuid} is gone")
    done = ReviewTask.objects.filter(record__in=records, status=TaskStatus.DONE, decision=None)
    for pk in done.order_by("pk").values_list("pk", flat=True):
        yield Fault("review_reviewtask", pk, "is done, but its decision is gone")
    yield from _undone(records)


def _undone(records: Iterable[Record]) -> Iterator[Fault]:
    """Undo rows and the events that they left, one for one."""
    undone = Counter(
        Undo.objects.filter(decision__record__in=records).values_list("decision__record", flat=True)
    )
    told = Counter(
        RecordEvent.objects.filter(record__in=records, reason__startswith=UNDO_REASON).values_list(
            "record", flat=True
        )
    )
    for pk in sorted(set(undone) | set(told)):
        if undone[pk] < told[pk]:
            yield Fault(
                "records_record", pk, f"{told[pk]} decisions were undone, {undone[pk]} undos are left"
            )
