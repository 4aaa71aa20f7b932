"""Opening review tasks for records that passed their checks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Mapping

from django.db import transaction
from django.db.models import Max

from apps.core.clock import database_now
from apps.critic.models import lowest_scores
from apps.records.models import Record
from apps.records.states import RecordStatus
from apps.review.lots import LotKey, open_lots
from apps.review.models import LotDelta, ReviewTask, TaskKind
from apps.review.overlap import reviewed_by_two
from apps.review.proven import accept_proven
from apps.specs.models import Project
from apps.validation.models import Finding, Outcome

SLICE = 500
CAME_BACK, DOUBTED, WARNED, PLAIN = 0, 20, 50, 100
"""Priorities (smaller comes first): what a person asked for again, what a judge doubts, what a check warned of."""


def open_tasks(*, project: Project | None = None) -> int:
    """Opens a task for each record that waits for one, SLICE at a time; returns how many records it took.

    Taking a record is clearing its ``due_at``, in the transaction that makes its task: a worker that dies
    leaves the record due, two workers at once take different ones (PostgreSQL) or take turns (SQLite).
    """
    taken = 0
    while size := _open_slice(project):
        taken += size
        if size < SLICE:
            break
    return taken


@transaction.atomic
def _open_slice(project: Project | None) -> int:
    # A record without a gap has no lot to be reviewed in; candidates always have one.
    due = Record.objects.due(RecordStatus.AWAITING_REVIEW, database_now()).filter(gap__isnull=False)
    if project is not None:
        due = due.filter(project=project)
    # PostgreSQL passes over what another worker has locked; on SQLite the transaction itself is exclusive.
    due = due.select_for_update(skip_locked=True).order_by("due_at", "id")
    records = list(
        due.only("id", "uuid", "project_id", "gap_id", "prompt_version", "generator_model")[:SLICE]
    )
    if not records:
        return 0
    ids = [record.pk for record in records]
    Record.objects.filter(pk__in=ids).update(due_at=None)
    _make_tasks(accept_proven(records))
    return len(records)


def _make_tasks(records: list[Record]) -> None:
    ids = [record.pk for record in records]
    has_open_task = set(ReviewTask.objects.open().filter(record__in=ids).values_list("record_id", flat=True))
    rounds = dict(
        ReviewTask.objects.filter(record__in=ids).values_list("record").annotate(last=Max("round")).order_by()
    )
    warned = set(
        Finding.objects.filter(record__in=ids, outcome=Outcome.WARN).values_list("record_id", flat=True)
    )
    doubted = lowest_scores(ids)
    keys = {record.pk: lot_key(record) for record in records if record.pk not in has_open_task}
    lots = open_lots(keys.values())
    doubled = reviewed_by_two(records).intersection(keys)
    ReviewTask.objects.bulk_create(
        ReviewTask(
            project_id=key.project_id,
            record_id=pk,
            lot=lots[key],
            kind=TaskKind.OVERLAP if pk in doubled else TaskKind.REVIEW,
            round=rounds.get(pk, 0) + 1,
            slot=slot,
            priority=_priority(pk, doubted, warned),
        )
        for pk, key in keys.items()
        for slot in ((1, 2) if pk in doubled else (1,))
    )
    opened = Counter(lots[key].pk for key in keys.values())
    extra = Counter(lots[keys[pk]].pk for pk in doubled)
    LotDelta.objects.bulk_create(
        LotDelta(lot_id=lot_id, opened=count, extra_opened=extra[lot_id]) for lot_id, count in opened.items()
    )


def _priority(pk: int, doubted: Mapping[int, int], warned: Container[int]) -> int:
    if pk in doubted:
        return priority_of_doubt(doubted[pk])
    return WARNED if pk in warned else PLAIN


def priority_of_doubt(lowest: int) -> int:
    """The lower the lowest score of a doubted record, the earlier it comes."""
    return DOUBTED + lowest


def lot_key(record: Record) -> LotKey:
    """The lot that ``record`` belongs to; it must have a gap."""
    if record.gap_id is None:
        raise ValueError(f"Record #{record.pk} has no gap, so it belongs to no lot.")
    return LotKey(record.project_id, record.gap_id, record.prompt_version, record.generator_model)
