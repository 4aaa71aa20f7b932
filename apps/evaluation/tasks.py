"""Background work: comparing the learner's arms."""

from __future__ import annotations

from collections.abc import Iterable

from celery import shared_task
from django.utils import timezone

from apps.core.sweep import Sweep
from apps.evaluation import comparisons
from apps.evaluation.models import Comparison


@shared_task(name="evaluation.work_on_comparison")
def work_on_comparison(comparison_id: int) -> None:
    comparisons.work_on_comparison(comparison_id)


def _due() -> Iterable[int]:
    return Comparison.objects.due(timezone.now()).order_by("id").values_list("id", flat=True)[:10]


SWEEPS: tuple[Sweep, ...] = (Sweep("compare arms", comparisons.QUEUE, _due, work_on_comparison),)
