"""What the checks that run code share: limits, several records side by side, and what a run without an answer means."""

from __future__ import annotations

import ast
import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from apps.sandbox import Answer, Limits, SandboxUnavailableError, Stop
from apps.sandbox.probing import active
from apps.validation.checks.base import Batch, Check, FindingData, Findings, Item
from apps.validation.checks.quoting import quoted_text

T = TypeVar("T")

SIDE_BY_SIDE = max(2, min(8, os.cpu_count() or 2))
"""Records at a time: starting an interpreter is more waiting than work."""
LONGEST_CODE = 100_000
_START_S = 2.0
"""A generous time to start and to clear away, which the limit of the code does not count."""


class SandboxedCheck(Check):
    """A check that runs code of the record or of the spec. Subclasses write ``look``.

    Each record gets one process, nothing is written, no other process starts. What the code does wrong is its
    own fault and blocks. That nothing could be run is nobody's: SandboxUnavailableError, so "not checked".
    """

    is_on = False
    is_deterministic = False
    """The same code may be a little slower on another day."""
    most_runs: int = 1
    """How often a record's code is started at most."""

    def look(self, item: Item, batch: Batch) -> Sequence[FindingData]:
        """What is wrong with one record. Runs in a thread: no database here."""
        raise NotImplementedError

    def run(self, batch: Batch) -> Findings:
        # Before any thread: the probe is made once, and its answer kept.
        active()
        found = side_by_side(lambda item: self.look(item, batch), batch.items)
        return {position: findings for position, findings in enumerate(found) if findings}

    def extra_seconds(self, batch: Batch) -> float:
        rounds = math.ceil(len(batch.items) / SIDE_BY_SIDE)
        return rounds * self.most_runs * (float(self.option(batch, "seconds")) + _START_S)

    def limits(self, batch: Batch) -> Limits:
        seconds = float(self.option(batch, "seconds"))
        return Limits(
            wall_s=seconds, cpu_s=math.ceil(seconds) + 1, memory_mb=int(self.option(batch, "memory_mb"))
        )


LIMIT_OPTIONS: dict[str, dict[str, Any]] = {
    "seconds": {
        "type": "number",
        "minimum": 0.1,
        "maximum": 30,
        "default": 5,
        "description": "How long the code of one record may run, all its cases together.",
    },
    "memory_mb": {
        "type": "integer",
        "minimum": 32,
        "maximum": 4096,
        "default": 256,
        "description": "Memory that it may take, in MB.",
    },
    "tolerance": {
        "type": "number",
        "minimum": 0,
        "maximum": 1,
        "default": 1e-9,
        "description": "By how much, of the larger one, two numbers may differ when one is a fraction.",
    },
}


def side_by_side(work: Callable[[Item], T], items: Sequence[Item]) -> list[T]:
    """``work`` on each item, some at a time. The first exception is raised, and what has not begun is left."""
    pool = ThreadPoolExecutor(max_workers=SIDE_BY_SIDE, thread_name_prefix="sandboxed")
    try:
        return list(pool.map(work, items))
    finally:
        # Also when the pipeline's time is up: those that run end within their own limit.
        pool.shutdown(cancel_futures=True)


def without_answer(answer: Answer, limits: Limits) -> tuple[str, str]:
    """(code, words) for a run that gave no answer. Raises SandboxUnavailableError when there was no run."""
    match answer.stop:
        case Stop.TIMED_OUT:
            return "did_not_finish", f"did not finish within {limits.wall_s:g} s"
        case Stop.MEMORY | Stop.KILLED | Stop.OUTPUT:
            return "over_the_limit", f"was stopped: {quoted_text(answer.reason, most=120)}"
        case Stop.ENDED | Stop.PROTOCOL:
            return "no_answer", f"gave no answer: {quoted_text(answer.reason, most=120)}"
    raise SandboxUnavailableError(answer.reason)


def source_problems(options: Mapping[str, Any], name: str) -> Iterator[str]:
    """What keeps the Python source in an option from being run at all."""
    if (source := options.get(name)) is None:
        return
    try:
        ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = getattr(error, "lineno", None)
        place = f", line {line}" if line else ""
        yield f"{name}: this is no Python{place}: {getattr(error, 'msg', type(error).__name__)}; mend it"
