"""Background work: building requested releases."""

from __future__ import annotations

from collections.abc import Iterable

from celery import shared_task
from django.utils import timezone

from apps.core.sweep import Sweep
from apps.datasets import services
from apps.datasets.models import Release


@shared_task(name="datasets.build_release")
def build_release(release_id: int) -> None:
    services.build_release(release_id)


def _due() -> Iterable[int]:
    return Release.objects.due(timezone.now()).order_by("id").values_list("id", flat=True)[:10]


SWEEPS: tuple[Sweep, ...] = (Sweep("build releases", services.QUEUE, _due, build_release),)
