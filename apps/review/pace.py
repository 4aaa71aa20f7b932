"""How fast people decide: for the lead a warning about long runs in which nobody can have read, and no ranking."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from statistics import median

from apps.core.charts.format import DASH, count
from apps.records.models import ReviewMethod
from apps.review.models import Decision
from apps.specs.models import Project

LATEST = 5_000
"""Decisions that are looked at, newest first: a lead is told of what goes on now."""
TOO_FAST = 1_500
"""Milliseconds within which nobody has read a record."""
LONG_RUN = 20
"""So many in a row are no slip of the finger."""


@dataclass(frozen=True)
class Pace:
    """Of one person's latest decisions. Times are known where our script measured them."""

    decisions: int
    median_ms: int | None
    fast_run: int
    """The longest unbroken run of decisions under TOO_FAST."""

    @property
    def is_too_fast(self) -> bool:
        return self.fast_run >= LONG_RUN

    @property
    def seconds_words(self) -> str:
        return DASH if self.median_ms is None else f"{self.median_ms / 1000:.1f} s"

    @property
    def decisions_words(self) -> str:
        return f"{count(LATEST)} or more" if self.decisions >= LATEST else count(self.decisions)


NO_PACE = Pace(0, None, 0)


def paces_of(project: Project, *, person: int | None = None) -> dict[int, Pace]:
    """By user id, of people who decided one by one lately; with ``person`` of that one alone. One query."""
    decisions = Decision.objects.filter(project=project, method=ReviewMethod.PERSON)
    if person is not None:
        decisions = decisions.filter(reviewer=person)
    newest = decisions.order_by("-decided_at", "-id").values_list("reviewer_id", "milliseconds")[:LATEST]
    times: dict[int, list[int]] = defaultdict(list)
    for reviewer, milliseconds in newest:
        times[reviewer].append(milliseconds)
    return {reviewer: _pace(of_one) for reviewer, of_one in times.items()}


def _pace(times: list[int]) -> Pace:
    # Zero is "not measured": a plain form without our script. It says nothing, so it ends no run either.
    measured = [time for time in times if time]
    return Pace(len(times), int(median(measured)) if measured else None, _longest_run(measured))


def _longest_run(times: list[int]) -> int:
    longest = run = 0
    for time in times:
        run = run + 1 if time < TOO_FAST else 0
        longest = max(longest, run)
    return longest
