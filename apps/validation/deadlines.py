"""A time limit for code that we call but did not write for this record."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Never


class DeadlineError(Exception):
    """It took too long."""


@contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """Raises DeadlineError in the block after ``seconds``.

    A signal can only interrupt the main thread, where workers run their tasks; elsewhere (an edit checked in a
    thread of the web server) the block runs on, and the server's own limit holds. Blocks do not nest.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGALRM, _ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _ring(_signal: int, _frame: FrameType | None) -> Never:
    raise DeadlineError("the time is up")
