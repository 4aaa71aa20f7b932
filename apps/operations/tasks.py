"""The beat: find due work and hand it out."""

from __future__ import annotations

from celery import shared_task

from apps.operations.work import hand_out


@shared_task(name="operations.sweep")
def sweep(queue: str) -> int:
    return hand_out(queue)
