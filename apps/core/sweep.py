"""The database is the queue: a sweep finds due rows with one indexed query and hands them to a task."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Sweep:
    """One stage of work.

    ``due`` returns the primary keys of rows whose next step may start now; ``task`` is a Celery task that takes
    one of them, is idempotent, and moves that row on or writes ``next_attempt_at`` and ``last_error`` on it.
    A task that claims its own slice of many rows takes a number that it ignores.
    """

    name: str
    queue: str
    due: Callable[[], Iterable[int]]
    task: Any
