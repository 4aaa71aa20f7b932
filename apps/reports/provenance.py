"""Which prompt or model started producing bad labels? First form: acceptance by each, with Wilson intervals."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from django.db.models import Count, F

from apps.core.charts.bars import Rate, rate_bars
from apps.core.statistics.intervals import wilson
from apps.review.models import Action, Decision, DecisionQuerySet, TaskKind
from apps.specs.models import Project

MIN_TO_RANK = 20
"""Fewer decisions than this are shown as counts and not ranked."""

DIMENSIONS = (
    ("prompt", "Prompt version", "record__prompt_version"),
    ("model", "Model", "record__generator_model"),
    ("label", "Label", "record__label"),
    ("reviewer", "Reviewer", "reviewer__username"),
)


@dataclass(frozen=True)
class RateRow:
    """Acceptance of one prompt version, model, label or reviewer. Edited counts as accepted, flags not at all."""

    name: str
    accepted: int
    edited: int
    rejected: int
    low: float
    high: float
    reasons: list[tuple[str, int]]
    is_odd: bool

    @property
    def decided(self) -> int:
        return self.accepted + self.edited + self.rejected

    @property
    def rate(self) -> float:
        return (self.accepted + self.edited) / self.decided

    @property
    def can_rank(self) -> bool:
        return self.decided >= MIN_TO_RANK


@dataclass(frozen=True)
class Dimension:
    key: str
    title: str
    rows: list[RateRow]
    chart: str

    @property
    def criterion(self) -> str:
        """What the recall page calls it."""
        return {"prompt": "prompt_version", "model": "generator_model"}.get(self.key, self.key)


@dataclass(frozen=True)
class ProvenanceReport:
    headline: str
    decided: int
    by_script: int
    dimensions: list[Dimension]


def provenance_report(project: Project) -> ProvenanceReport:
    """Two queries per dimension, whatever the number of decisions."""
    standing = _standing(project)
    dimensions = [_dimension(project, *dimension) for dimension in DIMENSIONS]
    return ProvenanceReport(
        headline=_headline(dimensions),
        decided=standing.count(),
        by_script=standing.filter(reviewer__is_script=True).count(),
        dimensions=dimensions,
    )


def _standing(project: Project) -> DecisionQuerySet:
    """Of gold items nothing is learnt about a prompt or model."""
    decisions = Decision.objects.filter(project=project).standing().exclude(action=Action.FLAGGED)
    return decisions.exclude(task__kind=TaskKind.GOLD)


def _dimension(project: Project, key: str, title: str, path: str) -> Dimension:
    standing = _standing(project)
    counts: dict[str, Counter[str]] = {}
    for name, action, n in (
        standing.annotate(name=F(path)).values_list("name", "action").annotate(n=Count("id")).order_by("name")
    ):
        counts.setdefault(name or "none", Counter())[action] += n
    reasons: dict[str, Counter[str]] = {}
    for name, codes in (
        standing.filter(action=Action.REJECTED).annotate(name=F(path)).values_list("name", "reasons")
    ):
        reasons.setdefault(name or "none", Counter()).update(codes)
    words = {reason["code"]: reason["text"] for reason in project.reject_reasons}
    rows = [_row(name, count, reasons.get(name, Counter()), words, counts) for name, count in counts.items()]
    rows.sort(key=lambda row: (not row.can_rank, row.rate, row.name))
    return Dimension(key, title, rows, _chart(title, rows))


def _chart(title: str, rows: list[RateRow]) -> str:
    """The rates as bars with their intervals; nothing where nothing was decided."""
    if not rows:
        return ""
    return rate_bars(
        [Rate(r.name, r.accepted + r.edited, r.decided, r.low, r.high, "", r.is_odd) for r in rows],
        title=f"Acceptance by {title.lower()}",
        measure="accepted or edited",
    )


def _row(
    name: str,
    count: Counter[str],
    reasons: Counter[str],
    words: dict[str, str],
    everything: dict[str, Counter[str]],
) -> RateRow:
    good, n = count[Action.ACCEPTED] + count[Action.EDITED], sum(count.values())
    interval = wilson(good, n)
    others = sum((other for key, other in everything.items() if key != name), Counter())
    rest_good, rest_n = others[Action.ACCEPTED] + others[Action.EDITED], sum(others.values())
    # Odd: its whole interval lies below the interval of everybody else together.
    is_odd = n >= MIN_TO_RANK and rest_n >= MIN_TO_RANK and interval.high < wilson(rest_good, rest_n).low
    return RateRow(
        name,
        count[Action.ACCEPTED],
        count[Action.EDITED],
        count[Action.REJECTED],
        interval.low,
        interval.high,
        [(words.get(code, code), k) for code, k in reasons.most_common(3)],
        is_odd,
    )


def _headline(dimensions: list[Dimension]) -> str:
    for dimension in dimensions:
        odd = [row for row in dimension.rows if row.is_odd]
        if odd:
            worst = min(odd, key=lambda row: row.rate)
            why = f", mostly for “{worst.reasons[0][0]}”" if worst.reasons else ""
            return (
                f"{dimension.title} {worst.name} stands out: {worst.accepted + worst.edited} of {worst.decided} "
                f"accepted ({worst.rate:.0%}){why}."
            )
    decided = sum(row.decided for row in dimensions[0].rows)
    if not decided:
        return "Nothing was reviewed yet, so there is nothing to trace."
    if decided < MIN_TO_RANK:
        return f"{decided} decisions are too few to tell prompts or models apart; {MIN_TO_RANK} each is the least."
    return "No clear change: no prompt, model, label or reviewer stands clearly below the others."
