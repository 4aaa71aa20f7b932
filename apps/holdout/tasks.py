"""Taking up what stopped half-way: a freezing, or fingerprints after an import. Work of the evaluation queue."""

from __future__ import annotations

from collections.abc import Iterable

from celery import shared_task
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from apps.core.sweep import Sweep
from apps.holdout.fingerprinting import write_missing_fingerprints
from apps.holdout.models import HoldoutRecord, HoldoutSet, HoldoutStatus
from apps.holdout.services import resume_freeze
from apps.specs.models import Project


@shared_task(name="holdout.resume_freeze")
def resume_freeze_task(holdout_id: int) -> None:
    resume_freeze(holdout=HoldoutSet.objects.get(pk=holdout_id))


@shared_task(name="holdout.write_fingerprints")
def write_fingerprints_task(holdout_id: int) -> None:
    holdout = HoldoutSet.objects.get(pk=holdout_id)
    write_missing_fingerprints(holdout=holdout, project=Project.objects.get(uuid=holdout.project_uuid))


def freezing() -> Iterable[int]:
    due = Q(next_attempt_at=None) | Q(next_attempt_at__lte=timezone.now())
    return HoldoutSet.objects.filter(due, status=HoldoutStatus.FREEZING).values_list("pk", flat=True)


def without_fingerprints() -> Iterable[int]:
    missing = HoldoutRecord.objects.filter(holdout=OuterRef("pk"), is_fingerprinted=False)
    collecting = HoldoutSet.objects.filter(status=HoldoutStatus.COLLECTING)
    return collecting.filter(Exists(missing)).values_list("pk", flat=True)


SWEEPS: tuple[Sweep, ...] = (
    Sweep("freezing holdouts", "evaluation", freezing, resume_freeze_task),
    Sweep("holdout rows without fingerprints", "evaluation", without_fingerprints, write_fingerprints_task),
)
