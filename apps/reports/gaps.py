"""One gap: how far it is filled, with what, and which axes are still thin."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from django.db.models import Count

from apps.generation.models import EdgeCaseProposal, Run
from apps.records.models import Record
from apps.records.states import RELEASABLE, RecordStatus
from apps.specs.models import Gap, GapStatus
from apps.specs.services import missing_from_gap

HEAT_STEPS = 4


@dataclass(frozen=True)
class Cell:
    """``heat`` is 0 (empty) to 4 (the fullest of its axis)."""

    value: str
    count: int
    heat: int


@dataclass(frozen=True)
class AxisCoverage:
    name: str
    cells: list[Cell]


@dataclass(frozen=True)
class GapPage:
    gap: Gap
    filled: int
    by_status: list[tuple[str, str, int]]
    coverage: list[AxisCoverage]
    runs: list[Run]
    missing: list[str]
    proposals: list[EdgeCaseProposal]
    """Edge cases that a model proposed, the newest first."""


def gap_page(gap: Gap) -> GapPage:
    records = Record.objects.filter(gap=gap)
    by_status = records.values_list("status").annotate(n=Count("id")).order_by("-n")
    accepted = list(records.releasable().values_list("axes", flat=True)) if gap.axes else []
    return GapPage(
        gap=gap,
        filled=sum(n for status, n in by_status if status in RELEASABLE),
        by_status=[(status, RecordStatus(status).label, n) for status, n in by_status],
        coverage=[_coverage(name, values, accepted) for name, values in gap.axes.items()],
        runs=list(gap.runs.select_related("prompt_version__prompt").order_by("-id")[:20]),
        missing=missing_from_gap(gap) if gap.status == GapStatus.DRAFT else [],
        proposals=list(gap.edge_case_proposals.select_related("decided_by").order_by("-id")[:10]),
    )


def _coverage(name: str, values: list[str], axes_of_records: list[dict[str, str]]) -> AxisCoverage:
    counts = Counter(str(axes.get(name)) for axes in axes_of_records)
    most = max((counts[value] for value in values), default=0)
    return AxisCoverage(
        name,
        [
            Cell(value, counts[value], -(-counts[value] * HEAT_STEPS // most) if most else 0)
            for value in values
        ],
    )
