"""Doing due work: in this process (embedded default, commands) or by handing it to Celery."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable

from django.db import close_old_connections

from apps.core.collector import spare_what_is_loaded
from apps.core.sweep import Sweep
from apps.operations.sweeps import QUEUES, URGENT, sweeps_of

logger = logging.getLogger(__name__)


def work_once(queue: str, *, urgent_first: bool = False) -> int:
    """Runs every due task of ``queue`` in this process; returns how many did their work.

    ``urgent_first`` serves people who wait before each of them. A task that raises has failed to write its own
    error down: it is logged, does not count and the rest goes on.
    """
    done = 0
    for sweep in sweeps_of(queue):
        for pk in _due(sweep):
            if urgent_first:
                done += work_once(URGENT)
            try:
                sweep.task(pk)
            except Exception:
                logger.exception("%s of %s failed", sweep.name, pk)
            else:
                done += 1
    return done


def hand_out(queue: str) -> int:
    """Sends every due task of ``queue`` to Celery; returns how many. Sending twice is harmless."""
    sent = 0
    for sweep in sweeps_of(queue):
        for pk in _due(sweep):
            sweep.task.apply_async(args=(pk,), queue=queue, expires=60)
            sent += 1
    return sent


def drain(queues: Iterable[str] = QUEUES) -> None:
    """Works until nothing more can be done in any of ``queues``. For commands: no worker has to run.

    What only fails stays due, logged; waiting for it would be waiting for ever.
    """
    queues = tuple(queues)
    while sum(work_once(queue) for queue in queues):
        pass


def _due(sweep: Sweep) -> Iterable[int]:
    try:
        return list(sweep.due())
    except Exception:
        # One wrong query must not starve the sweeps behind it; if the database is away, each of them says so.
        logger.exception("The sweep %r failed", sweep.name)
        return ()


def work_forever(queues: Iterable[str], *, pause: float) -> None:
    """The embedded worker: sweep, work, and pause (seconds) only when nothing could be done."""
    queues = tuple(queues)
    spare_what_is_loaded()
    while True:
        done = sum(work_once(queue, urgent_first=URGENT in queues) for queue in queues)
        close_old_connections()
        if not done:
            time.sleep(pause)
