"""Doing due work: in this process (embedded default, commands) or by handing it to Celery."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable

from django.db import close_old_connections

from apps.operations.sweeps import QUEUES, sweeps_of

logger = logging.getLogger(__name__)


def work_once(queue: str) -> int:
    """Runs every due task of ``queue`` in this process; returns how many it ran.

    A task that raises has failed to write its own error down: it is logged and the rest goes on.
    """
    done = 0
    for sweep in sweeps_of(queue):
        for pk in sweep.due():
            try:
                sweep.task(pk)
            except Exception:
                logger.exception("%s of %s failed", sweep.name, pk)
            done += 1
    return done


def hand_out(queue: str) -> int:
    """Sends every due task of ``queue`` to Celery; returns how many. Sending twice is harmless."""
    sent = 0
    for sweep in sweeps_of(queue):
        for pk in sweep.due():
            sweep.task.apply_async(args=(pk,), queue=queue, expires=60)
            sent += 1
    return sent


def drain(queues: Iterable[str] = QUEUES) -> None:
    """Works until nothing is due in any of ``queues``. For commands: no worker has to run."""
    queues = tuple(queues)
    while sum(work_once(queue) for queue in queues):
        pass


def work_forever(queues: Iterable[str], *, pause: float) -> None:
    """The embedded worker: sweep, work, and pause (seconds) only when nothing was due."""
    queues = tuple(queues)
    while True:
        try:
            done = sum(work_once(queue) for queue in queues)
        except Exception:
            # The database is away or a sweep is wrong: say so and come back, losing nothing.
            logger.exception("The sweep of %s failed", ", ".join(queues))
            done = 0
        close_old_connections()
        if not done:
            time.sleep(pause)
