"""What the holdout page shows: counts and the rule, never a row."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, QuerySet

from apps.holdout.models import HoldoutImport, HoldoutRecord, HoldoutSet, HoldoutStatus
from apps.holdout.rules import per_look_alpha
from apps.specs.models import Commonness, Project

SHOWN_ROWS = 200
ROLES = (Commonness.RARE, Commonness.COMMON, Commonness.OTHER)
FEWEST_RARE_ROWS = 30
"""Below this the launch rule answers NOT_PROVEN, whatever the figures say."""


@dataclass(frozen=True)
class LabelLine:
    name: str
    rows: int
    commonness: str
    """As frozen; before that, as the guide has it."""
    is_in_guide: bool


@dataclass(frozen=True)
class HoldoutPage:
    """``holdout`` is None until the first import."""

    holdout: HoldoutSet | None
    labels: list[LabelLine]
    rows: int
    rows_by_commonness: list[tuple[str, int]]
    guide_version: int | None
    per_look_alpha: float | None
    imports: QuerySet[HoldoutImport]
    problem: str
    overlaps: list[str]

    @property
    def status(self) -> str:
        return self.holdout.status if self.holdout else "empty"

    @property
    def takes_rows(self) -> bool:
        return self.holdout is None or self.holdout.status == HoldoutStatus.COLLECTING

    @property
    def can_freeze(self) -> bool:
        return self.holdout is not None and self.takes_rows and self.rows > 0

    @property
    def is_frozen(self) -> bool:
        return self.holdout is not None and self.holdout.status == HoldoutStatus.FROZEN

    @property
    def unknown_labels(self) -> list[str]:
        return [line.name for line in self.labels if not line.is_in_guide]

    @property
    def has_few_rare_rows(self) -> bool:
        return self.is_frozen and dict(self.rows_by_commonness)[Commonness.RARE] < FEWEST_RARE_ROWS


def holdout_page(project: Project) -> HoldoutPage:
    holdout = HoldoutSet.objects.current_of(project.uuid).first()
    guide = project.published_guide()
    in_guide = dict(guide.labels.filter(is_rejected=False).values_list("name", "commonness")) if guide else {}
    frozen = holdout.commonness if holdout and holdout.status != HoldoutStatus.COLLECTING else None
    counts = _rows_by_label(holdout)
    labels = [
        LabelLine(
            name, counts.get(name, 0), (frozen or in_guide).get(name) or Commonness.OTHER, name in in_guide
        )
        for name in sorted({*counts, *(frozen or in_guide)})
    ]
    totals: Counter[str] = Counter()
    for line in labels:
        totals[line.commonness] += line.rows
    problem, *overlaps = (holdout.last_error if holdout else "").split("\n")
    return HoldoutPage(
        holdout=holdout,
        labels=labels,
        rows=sum(counts.values()),
        rows_by_commonness=[(name, totals[name]) for name in ROLES],
        guide_version=holdout.guide_version if frozen and holdout else guide.version if guide else None,
        per_look_alpha=_per_look_alpha(holdout),
        imports=imports_of(project),
        problem=problem,
        overlaps=overlaps,
    )


def imports_of(project: Project) -> QuerySet[HoldoutImport]:
    """Newest first, without the files themselves."""
    imports = HoldoutImport.objects.filter(project_uuid=project.uuid)
    return imports.defer("content", "report", "refused").order_by("-id")


@dataclass(frozen=True)
class HoldoutImportPage:
    """One import. Before it is committed: what would happen; afterwards: what did, in numbers."""

    import_: HoldoutImport
    is_read: bool
    rows: int
    repeats: int
    notes: list[dict[str, Any]]
    """What was read otherwise than it is written, each with its number of rows."""
    preview: list[dict[str, Any]]
    refused: list[dict[str, Any]]
    refused_count: int

    @property
    def is_committed(self) -> bool:
        return self.import_.committed_at is not None


def import_page(import_: HoldoutImport) -> HoldoutImportPage:
    report = import_.report
    return HoldoutImportPage(
        import_=import_,
        is_read="rows" in report,
        rows=import_.rows_imported if import_.committed_at else report.get("rows", 0),
        repeats=report.get("repeats", 0),
        notes=report.get("notes", []),
        preview=report.get("preview", []),
        refused=import_.refused[:SHOWN_ROWS],
        refused_count=len(import_.refused),
    )


def _rows_by_label(holdout: HoldoutSet | None) -> dict[str, int]:
    rows = HoldoutRecord.objects.filter(holdout=holdout).values_list("label")
    return dict(rows.annotate(rows=Count("pk")).order_by("label")) if holdout else {}


def _per_look_alpha(holdout: HoldoutSet | None) -> float | None:
    if holdout is None or holdout.alpha is None or holdout.looks is None:
        return None
    return per_look_alpha(alpha=holdout.alpha, looks=holdout.looks)
