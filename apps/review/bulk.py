"""Deciding many records at once. The same ledger: a task, a decision and an event for each of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID, uuid4, uuid5

from django.db import transaction
from django.db.models import Q

from apps.accounts.models import User
from apps.core.clock import database_now
from apps.core.errors import NotAllowedError, StaleStateError
from apps.records.models import Record, ReviewMethod
from apps.records.states import RecordStatus
from apps.review.decisions import apply_to_record, check_words, decide, published_guide_version
from apps.review.models import Action, Decision, LotDelta, ReviewTask, TaskKind, TaskQuerySet, TaskStatus
from apps.review.opening import open_tasks
from apps.review.seals import seal_of
from apps.specs.models import Membership, Project, Role

SLICE = 100
"""Decisions per transaction: on SQLite nobody else can write meanwhile."""
REVIEWERS = frozenset({Role.REVIEWER, Role.LEAD})


@dataclass(frozen=True)
class BulkResult:
    """How many records were decided, and how many were left because somebody has them in hand."""

    decided: int
    held_by_others: int


def bulk_decide(
    *,
    project: Project,
    actor: User,
    action: Action = Action.ACCEPTED,
    reasons: Sequence[str] = (),
    prompt_version: str = "",
) -> BulkResult:
    """Decides every record that waits in ``project`` (of one prompt version, if given), by method ``bulk``.

    ``actor`` answers for all of them and must be a reviewer or lead (NotAllowedError). Records in the hands
    of other people are left to them.
    """
    membership = Membership.objects.filter(project=project, user=actor).first()
    if membership is None or not membership.has_any(REVIEWERS):
        raise NotAllowedError(
            f"{actor} is neither reviewer nor lead of {project}, only they decide its records."
        )
    check_words(project, action=action, reasons=reasons)
    open_tasks(project=project)
    waiting = ReviewTask.objects.open().filter(
        project=project, kind=TaskKind.REVIEW, record__status=RecordStatus.AWAITING_REVIEW
    )
    if prompt_version:
        waiting = waiting.filter(lot__prompt_version=prompt_version)
    decided = 0
    while size := _decide_slice(project, waiting, actor=actor, action=action, reasons=list(reasons)):
        decided += size
    return BulkResult(decided, held_by_others=waiting.count())


@dataclass(frozen=True)
class PileResult:
    """Decisions on picked cards, and the records of those that were no longer in this person's hands."""

    decisions: list[Decision]
    lost: list[Record]


def decide_pile(
    *,
    project: Project,
    actor: User,
    key: UUID,
    fences: Mapping[int, int],
    action: Action,
    reasons: Sequence[str] = (),
    note: str = "",
) -> PileResult:
    """Decides the tasks in ``fences`` (task id → fence) one by one as ``decide`` does, by method ``bulk``.

    Sent twice under one ``key`` it is done once. A card whose lease is gone is left out and named; the rest stands.
    """
    check_words(project, action=action, reasons=reasons, note=note.strip())
    decisions, lost = [], []
    tasks = ReviewTask.objects.filter(project=project, pk__in=fences).select_related("project", "record")
    for task in tasks.order_by("pk"):
        try:
            decision = decide(
                task=task,
                actor=actor,
                fence=fences[task.pk],
                key=uuid5(key, str(task.pk)),
                action=action,
                reasons=reasons,
                note=note,
                is_bulk=True,
            )
        except StaleStateError:
            lost.append(task.record)
        else:
            decisions.append(decision)
    return PileResult(decisions, lost)


@transaction.atomic
def _decide_slice(
    project: Project, waiting: TaskQuerySet, *, actor: User, action: Action, reasons: list[str]
) -> int:
    now = database_now()
    free_or_own = Q(lease_until=None) | Q(lease_until__lte=now) | Q(lease_holder=actor)
    chosen = waiting.filter(free_or_own).order_by("id").select_related("record")
    tasks = list(chosen.select_for_update(skip_locked=True, of=("self", "record"))[:SLICE])
    closed = ReviewTask.objects.open().filter(free_or_own, pk__in=[task.pk for task in tasks])
    if closed.update(status=TaskStatus.DONE, lease_holder=None, lease_until=None) != len(tasks):
        raise StaleStateError("Somebody took one of these records meanwhile. Run it again for the rest.")
    guide_version = published_guide_version(project)
    decisions = [
        Decision(
            uuid=uuid4(),
            project=project,
            task=task,
            record=task.record,
            reviewer=actor,
            action=action,
            method=ReviewMethod.BULK,
            reasons=reasons,
            guide_version=guide_version,
            fence=task.fence,
            decided_at=now,
        )
        for task in tasks
    ]
    for decision in decisions:
        decision.seal = seal_of(decision)
    Decision.objects.bulk_create(decisions)
    for decision in decisions:
        apply_to_record(decision)
    per_lot: dict[int, int] = {}
    for task in tasks:
        per_lot[task.lot_id] = per_lot.get(task.lot_id, 0) + 1
    LotDelta.objects.bulk_create(LotDelta(lot_id=lot, **{action: count}) for lot, count in per_lot.items())
    return len(tasks)
