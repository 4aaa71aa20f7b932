"""Waking a worker early. The sweep would find the work without it, so nothing here may fail a request."""

from __future__ import annotations

import logging

from celery import current_app
from django.conf import settings
from django.db import transaction

logger = logging.getLogger(__name__)


def wake(queue: str) -> None:
    """After commit, asks the workers of ``queue`` to sweep now. Without a broker the workers poll anyway."""
    if settings.REDIS_URL:
        transaction.on_commit(lambda: _send(queue), robust=True)


def _send(queue: str) -> None:
    try:
        current_app.send_task("operations.sweep", args=(queue,), queue=queue, retry=False, expires=30)
    except Exception:
        # Whatever the broker does, the row is committed and will be swept.
        logger.warning(
            "Could not wake the %s workers; the next sweep will find the work.", queue, exc_info=True
        )
