"""Taking up what stopped half-way: a freezing, or the fingerprints after an import."""

from __future__ import annotations

from collections.abc import Iterable

from celery import shared_task
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from apps.core.sweep import Sweep
from apps.holdout.models import HoldoutRecord, HoldoutSet, HoldoutStatus
from apps.holdout.services import resume_fingerprints, resume_freeze


@shared_task(name="holdout.resume_freeze")
def resume_freeze_task(holdout_id: int) -> None:
    resume_freeze(holdout=HoldoutSet.objects.get(pk=holdout_id))


@shared_task(name="holdout.write_fingerprints")
def write_fingerprints_task(holdout_id: int) -> None:
    resume_fingerprints(holdout=HoldoutSet.objects.get(pk=holdout_id))


def _due(status: HoldoutStatus) -> QuerySet[HoldoutSet]:
    may_start = Q(next_attempt_at=None) | Q(next_attempt_at__lte=timezone.now())
    return HoldoutSet.objects.filter(may_start, status=status)


def freezing() -> Iterable[int]:
    return _due(HoldoutStatus.FREEZING).values_list("pk", flat=True)


def without_fingerprints() -> Iterable[int]:
    missing = HoldoutRecord.objects.filter(holdout=OuterRef("pk"), is_fingerprinted=False)
    return _due(HoldoutStatus.COLLECTING).filter(Exists(missing)).values_list("pk", flat=True)


SWEEPS: tuple[Sweep, ...] = (
    Sweep("freezing holdouts", "evaluation", freezing, resume_freeze_task),
    Sweep("holdout rows without fingerprints", "evaluation", without_fingerprints, write_fingerprints_task),
)
