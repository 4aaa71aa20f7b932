"""Where the accepted records have no hard example: the red-team view."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Count

from apps.records.models import Record
from apps.specs.models import GapStatus, Project
from apps.validation.models import Finding
from apps.validation.pipeline import checks_of, make_batch

LATEST = 20_000
"""Accepted records looked at: the axes of each are read one by one."""
MESSY = "messy"
BY_AXIS = {
    "contradictory": ("contradict", "inconsisten", "conflicting"),
    "non-native": ("non-native", "non native", "nonnative", "second language", "learner"),
}
"""Column → what the name or value of an axis holds that asks for it."""


@dataclass(frozen=True)
class RedTeamRow:
    """One label. ``counts`` has a number for each column, None where nobody looked."""

    label: str
    accepted: int
    counts: list[int | None]

    @property
    def missing(self) -> int:
        return self.counts.count(0)


@dataclass(frozen=True)
class RedTeamPage:
    columns: list[str]
    rows: list[RedTeamRow]
    is_cut: bool
    """Whether there are more accepted records than were looked at."""

    @property
    def missing(self) -> int:
        return sum(row.missing for row in self.rows)


def red_team_page(project: Project) -> RedTeamPage:
    """Accepted records by label and by what makes them hard. A constant number of queries."""
    accepted = Record.objects.filter(project=project).candidates().releasable()
    latest = accepted.order_by("-id")[: LATEST + 1]
    rows = list(latest.values_list("id", "label", "axes"))
    counted = rows[:LATEST]
    totals = Counter(label for _, label, _ in counted)
    by_axis = Counter((label, column) for _, label, axes in counted for column in _asked_for(axes))
    # Of the same records: those from the oldest that was looked at on.
    found = Finding.objects.filter(record__in=accepted.filter(pk__gte=counted[-1][0] if counted else 0))
    too_clean = _records_by_label(found.filter(check_name="realism"))
    probed = {
        (row["record__label"], row["code"]): row["records"]
        for row in found.filter(check_name="adversarial")
        .order_by()
        .values("record__label", "code")
        .annotate(records=Count("record", distinct=True))
    }
    batch = make_batch(project, [])
    running = {check.name: check for check in checks_of(batch)}
    phrasings = running["adversarial"].option(batch, "phrasings") if "adversarial" in running else ()

    def count(label: str, column: str) -> int | None:
        if column == MESSY:
            return totals[label] - too_clean.get(label, 0) if "realism" in running else None
        if column in BY_AXIS:
            return by_axis[label, column]
        return int(probed.get((label, column), 0))

    columns = [MESSY, *BY_AXIS, *phrasings]
    return RedTeamPage(
        columns,
        [
            RedTeamRow(label, totals[label], [count(label, column) for column in columns])
            for label in sorted({*totals, *_wanted(project)})
        ],
        is_cut=len(rows) > LATEST,
    )


def _asked_for(axes: Mapping[str, Any]) -> Iterator[str]:
    said = " ".join(f"{name} {value}" for name, value in axes.items()).lower().replace("_", " ")
    for column, words in BY_AXIS.items():
        if any(word in said for word in words):
            yield column


def _wanted(project: Project) -> set[str]:
    """Labels that an open gap asks for: no accepted record at all is the largest hole."""
    gaps = project.gaps.filter(status=GapStatus.OPEN).values_list("target_labels", flat=True)
    return {label for labels in gaps for label in labels}


def _records_by_label(findings: Any) -> dict[str, int]:
    counts = findings.order_by().values("record__label").annotate(records=Count("record", distinct=True))
    return {row["record__label"]: row["records"] for row in counts}
