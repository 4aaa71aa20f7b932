"""Making records and moving them: every write here leaves one event per record in the same transaction."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction
from django.utils import timezone

from apps.accounts.models import User
from apps.core.bulk import insert_rows, update_rows
from apps.core.errors import StaleStateError
from apps.core.strict_json import sha256_of
from apps.core.text import canonical
from apps.records import chain
from apps.records.models import Record, RecordEvent, SourceType
from apps.records.states import MACHINE, RecordStatus
from apps.specs.models import Gap, Project
from apps.task_types import task_type_of

BATCH = 500
LONGEST_REASON = 200
"""As wide as the column."""


@dataclass(frozen=True, kw_only=True)
class NewRecord:
    """What a record is made of. ``input`` and ``output`` are JSON objects of the project's task type."""

    source_type: SourceType
    input: dict[str, Any]
    output: dict[str, Any]
    use: str = ""
    gap: Gap | None = None
    generator_provider: str = ""
    generator_model: str = ""
    generator_model_family: str = ""
    prompt_version: str = ""
    schema_version: int | None = None
    run_uuid: UUID | None = None
    submission_uuid: UUID | None = None
    request_id: str = ""
    position: int = 0
    import_uuid: UUID | None = None
    axes: dict[str, Any] = field(default_factory=dict)
    seed_uuids: list[str] = field(default_factory=list)
    derived_from: Record | None = None
    rights_note: str = ""
    reading_note: str = ""
    """What was read otherwise than it came in; the record's first event keeps it."""


def canonical_hash(text: str) -> str:
    """SHA-256 of the canonical form: what "the same text" means throughout."""
    return hashlib.sha256(canonical(text).encode()).hexdigest()


def payload_digest(input_: Any, output: Any) -> str:
    return sha256_of({"input": input_, "output": output})


@transaction.atomic
def create_records(
    *, project: Project, rows: Sequence[NewRecord], actor: User | None, reason: str = ""
) -> list[Record]:
    """Inserts ``rows`` with their first event, due for their next step.

    Real rows enter as ``real`` (to be indexed), all others as ``generated`` (to be checked).
    """
    now = timezone.now()
    records = list(_new_records(project, rows, now))
    events = [
        _next_event(record, status_from="", actor=actor, reason=_reason(reason, row), now=now)
        for record, row in zip(records, rows, strict=True)
    ]
    insert_rows(records)
    for record, event in zip(records, events, strict=True):
        event.record_id = record.pk
    insert_rows(events)
    return records


def _reason(reason: str, row: NewRecord) -> str:
    return "; ".join(filter(None, (reason, row.reading_note)))[:LONGEST_REASON]


def _new_records(project: Project, rows: Sequence[NewRecord], now: datetime) -> Iterator[Record]:
    """Instances by position: a hundred thousand records by keywords would take the ORM several seconds more."""
    task_type = task_type_of(project.task_type)
    fields = Record._meta.concrete_fields
    same = {field.attname: field.get_default() for field in fields}
    same |= {"project_id": project.pk, "created_at": now, "due_at": now}
    for row in rows:
        is_real = row.source_type == SourceType.REAL
        columns = {
            **same,
            **vars(row),
            "uuid": uuid4(),
            "gap_id": row.gap.pk if row.gap else None,
            "derived_from_id": row.derived_from.pk if row.derived_from else None,
            "label": task_type.facet(row.input, row.output),
            "canonical_hash": canonical_hash(task_type.text_of(row.input)),
            "status": RecordStatus.REAL if is_real else RecordStatus.GENERATED,
        }
        yield Record(*[columns[field.attname] for field in fields])


def move_records(
    *,
    records: Sequence[Record],
    to: RecordStatus,
    actor: User | None,
    reason: str = "",
    due_at: datetime | None = None,
    **changes: Any,
) -> None:
    """Moves every one of ``records`` from the status it was read with, or none of them.

    ``changes`` are further columns, the same for all. Raises IllegalMoveError for a move that the machine
    does not have and StaleStateError when any record has moved since it was read; both leave everything as
    it was. The passed instances show the new state afterwards.
    """
    with _all_or_none(records):
        _move(records, to, actor=actor, reason=reason, due_at=due_at, changes=changes)


def _all_or_none(records: Sequence[Record]) -> AbstractContextManager[Any]:
    """One record within a transaction needs no savepoint: it moves by one statement, or nothing was written."""
    is_one = len(records) == 1 and transaction.get_connection().in_atomic_block
    return nullcontext() if is_one else transaction.atomic()


def _move(
    records: Sequence[Record],
    to: RecordStatus,
    *,
    actor: User | None,
    reason: str,
    due_at: datetime | None,
    changes: Mapping[str, Any],
) -> None:
    now = timezone.now()
    was = {name: [getattr(record, name) for record in records] for name in ("status", "event_seq")}
    before = [(record.status, record.due_at, record.event_seq, record.event_hash) for record in records]
    for record in records:
        MACHINE.check(record.status, to)
    events = []
    for record in records:
        status_from, record.status, record.due_at = record.status, to, due_at
        for name, value in changes.items():
            setattr(record, name, value)
        events.append(_next_event(record, status_from=status_from, actor=actor, reason=reason, now=now))
    moved = update_rows(records, ["status", "due_at", "event_seq", "event_hash", *changes], was=was)
    if moved != len(records):
        stale = _first_stale(records)
        for record, old in zip(records, before, strict=True):
            record.status, record.due_at, record.event_seq, record.event_hash = old
        raise StaleStateError(f"Record #{stale.pk} is no longer {stale.status}: reload and look again.")
    insert_rows(events)


def _first_stale(records: Sequence[Record]) -> Record:
    """The first that another has moved: those that this transaction moved have the new head of their chain."""
    rows = Record.objects.filter(pk__in=[record.pk for record in records])
    heads = dict(rows.values_list("pk", "event_hash"))
    return next(record for record in records if heads.get(record.pk) != record.event_hash)


def _next_event(
    record: Record, *, status_from: str, actor: User | None, reason: str, now: datetime
) -> RecordEvent:
    """The event after the last one; advances the chain head that the record carries."""
    seq = record.event_seq + 1
    digest = payload_digest(record.current_input, record.current_output)
    event = RecordEvent(
        record_id=record.pk,
        seq=seq,
        status_from=status_from,
        status_to=record.status,
        reason=reason,
        actor_id=actor.pk if actor else None,
        payload_digest=digest,
        happened_at=now,
        previous_hash=record.event_hash,
        hash=chain.link(
            previous_hash=record.event_hash,
            record_uuid=record.uuid,
            seq=seq,
            status_from=status_from,
            status_to=record.status,
            reason=reason,
            actor=actor,
            payload_digest=digest,
            happened_at=now,
        ),
    )
    record.event_seq, record.event_hash = seq, event.hash
    return event
