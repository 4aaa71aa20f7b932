"""The review room's background work: opening tasks, stale leases, counts, recalls, plans, checkpoints."""

from __future__ import annotations

from celery import shared_task

from apps.core.clock import database_now
from apps.core.sweep import Sweep
from apps.records.models import Record
from apps.records.states import RecordStatus
from apps.review import batches, checkpoints, lots, opening, plans, recalls, stale_leases, verdicts
from apps.review.models import LotDelta
from apps.review.plan_models import SamplingPlan
from apps.review.recall_models import Recall
from apps.specs.models import Project


@shared_task(name="review.open_tasks")
def open_tasks(_: int = 0) -> int:
    return opening.open_tasks()


@shared_task(name="review.fold_lots")
def fold_lots(_: int = 0) -> int:
    return lots.fold_lots()


@shared_task(name="review.clear_stale_leases")
def clear_stale_leases(_: int = 0) -> int:
    return stale_leases.clear_stale_leases()


@shared_task(name="review.hear_verdicts")
def hear_verdicts(_: int = 0) -> int:
    return verdicts.hear_verdicts()


@shared_task(name="review.advance_recall")
def advance_recall(recall_id: int) -> bool:
    return recalls.advance_recall(recall_id)


@shared_task(name="review.advance_plan")
def advance_plan(plan_id: int) -> None:
    plans.advance_plan(plan_id)


@shared_task(name="review.begin_batch")
def begin_batch(lot_id: int) -> None:
    batches.begin_batch(lot_id)


@shared_task(name="review.make_checkpoint")
def make_checkpoint(project_id: int) -> None:
    if project_id in checkpoints.projects_due():
        checkpoints.make_checkpoint(project=Project.objects.get(pk=project_id))


def _records_without_task() -> list[int]:
    due = Record.objects.due(RecordStatus.AWAITING_REVIEW, database_now()).filter(gap__isnull=False)
    return [0] if due.exists() else []


def _waiting_deltas() -> list[int]:
    return [0] if LotDelta.objects.exists() else []


def _stale_leases() -> list[int]:
    return [0] if stale_leases.has_stale_leases() else []


def _unheard_verdicts() -> list[int]:
    return [0] if verdicts.has_unheard() else []


def _plans_due() -> list[int]:
    return list(SamplingPlan.objects.due(database_now()).order_by("id").values_list("pk", flat=True))


def _recalls_due() -> list[int]:
    return list(Recall.objects.due(database_now()).order_by("id").values_list("pk", flat=True))


SWEEPS: tuple[Sweep, ...] = (
    # What a lead takes back shall go into no further release.
    Sweep("review.advance_recall", "validation", _recalls_due, advance_recall),
    Sweep("review.advance_plan", "validation", _plans_due, advance_plan),
    Sweep("review.begin_batch", "validation", batches.lots_due, begin_batch),
    Sweep("review.open_tasks", "validation", _records_without_task, open_tasks),
    Sweep("review.hear_verdicts", "validation", _unheard_verdicts, hear_verdicts),
    Sweep("review.clear_stale_leases", "validation", _stale_leases, clear_stale_leases),
    Sweep("review.fold_lots", "validation", _waiting_deltas, fold_lots),
    Sweep("review.make_checkpoint", "validation", checkpoints.projects_due, make_checkpoint),
)
