"""Reads for the evaluation page: models, the latest comparison of arms, and what a verdict would cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from apps.core.charts import format as number
from apps.core.charts.bars import Rate, rate_bars
from apps.datasets.models import Release, ReleaseQuerySet
from apps.evaluation.learner import ARMS
from apps.evaluation.looks import LookBudget, looked_at
from apps.evaluation.models import Comparison, ComparisonStatus, LaunchReview, ModelUnderTest
from apps.specs.models import HoldoutSeal, Project

ARM_NOTES = {
    "real": "real rows only",
    "control": "real rows, reweighted",
    "synthetic": "gap labels from synthetic rows",
    "blended": "real and synthetic rows",
}
GROUP_TITLES = {"rare": "The gap", "common": "Common labels", "other": "Other labels"}
LEAST_TO_COMPARE = 20
"""Fewer rows than this are shown as counts alone."""


@dataclass(frozen=True)
class Cell:
    """One arm on one slice."""

    arm: str
    recall: str
    f1: str


@dataclass(frozen=True)
class ContributionRow:
    """One slice across the arms. ``is_group`` rows pool several labels."""

    name: str
    role: str
    n: int
    cells: list[Cell]
    is_group: bool = False


@dataclass(frozen=True)
class Contribution:
    """A finished comparison as figure, sentence and table. Cross-validation on real rows, never the holdout."""

    headline: str
    scored_on: str
    chart: str
    arms: list[str]
    groups: list[ContributionRow]
    labels: list[ContributionRow]


@dataclass(frozen=True)
class EvaluationHome:
    seal: HoldoutSeal | None
    looks: LookBudget | None
    releases: ReleaseQuerySet
    models: list[ModelUnderTest]
    free: set[int]
    """Models whose predictions were looked at before."""
    comparison: Comparison | None
    contribution: Contribution | None
    reviews: list[LaunchReview]


def evaluation_home(project: Project) -> EvaluationHome:
    """The same few queries whatever the number of models and reviews; of those the last twenty are shown."""
    seal = project.active_seal()
    seen = looked_at(seal) if seal else set()
    models = models_of(project, seal)
    comparison = Comparison.objects.filter(project=project).order_by("-id").first()
    return EvaluationHome(
        seal=seal,
        looks=LookBudget(len(seen), seal.looks) if seal else None,
        releases=ready_releases(project),
        models=models,
        free={model.pk for model in models if model.predictions_hash in seen},
        comparison=comparison,
        contribution=contribution_of(comparison),
        reviews=list(
            LaunchReview.objects.filter(project=project)
            .defer("report")
            .select_related("baseline", "candidate", "created_by")
            .order_by("-id")[:20]
        ),
    )


def models_of(project: Project, seal: HoldoutSeal | None) -> list[ModelUnderTest]:
    """The newest model of each name that answered the current holdout."""
    if seal is None:
        return []
    latest = ModelUnderTest.objects.filter(project=project).latest_by_name()
    return list(latest.filter(holdout_uuid=seal.holdout_uuid).select_related("created_by").order_by("name"))


def ready_releases(project: Project) -> ReleaseQuerySet:
    return Release.objects.ready().filter(project=project).defer("manifest").order_by("-number")


def contribution_of(comparison: Comparison | None) -> Contribution | None:
    """None until the comparison is done."""
    if comparison is None or comparison.status != ComparisonStatus.DONE:
        return None
    results: Mapping[str, Mapping[str, Any]] = comparison.results["arms"]
    arms = [arm for arm in ARMS if arm in results]
    first = results[arms[0]]
    groups = [
        _row(title, role, [results[arm]["groups"][role] for arm in arms], arms, is_group=True)
        for role, title in GROUP_TITLES.items()
        if role in first["groups"]
    ]
    groups.append(_row("All rows", "", [results[arm]["overall"] for arm in arms], arms, is_group=True))
    labels = [
        _row(item["name"], item["role"], [results[arm]["slices"][place] for arm in arms], arms)
        for place, item in enumerate(first["slices"])
    ]
    return Contribution(
        headline=_headline(results, arms),
        scored_on=comparison.results["scored_on"],
        chart=_chart(results, arms),
        arms=arms,
        groups=groups,
        labels=labels,
    )


def _row(
    name: str, role: str, scores: Sequence[Mapping[str, Any]], arms: Sequence[str], *, is_group: bool = False
) -> ContributionRow:
    cells = [
        Cell(arm, number.percent(score["recall"], digits=1), number.level(score["f1"]))
        for arm, score in zip(arms, scores, strict=True)
    ]
    return ContributionRow(name, role, scores[0]["n"], cells, is_group)


def _chart(results: Mapping[str, Mapping[str, Any]], arms: Sequence[str]) -> str:
    rates = []
    for arm in arms:
        score = results[arm]["groups"].get("rare", results[arm]["overall"])
        is_thin = score["n"] < LEAST_TO_COMPARE
        low, high = (None, None) if is_thin else (score["low"], score["high"])
        rates.append(Rate(arm, score["hits"], score["n"], low, high, ARM_NOTES[arm]))
    has_gap = "rare" in results[arms[0]]["groups"]
    what = "the gap's rows" if has_gap else "all rows"
    return rate_bars(rates, title=f"Recall on {what} by arm", measure=f"Recall on {what}, cross-validated")


def _headline(results: Mapping[str, Mapping[str, Any]], arms: Sequence[str]) -> str:
    """The finding in one sentence, as far as two arms and enough rows allow one."""
    if not {"real", "blended"} <= set(arms):
        return f"Compared on real rows: {', '.join(arms)}."
    real, blended = (results[arm]["groups"].get("rare") for arm in ("real", "blended"))
    if not real or not blended:
        return "No label of the gap has a train row to ask, so cross-validation cannot say what the blend does there."
    if real["n"] < LEAST_TO_COMPARE:
        return (
            f"The gap has {real['n']} train rows to ask, too few to compare: real rows alone find "
            f"{real['hits']}, with synthetic rows {blended['hits']}."
        )
    return (
        f"Of the gap's train rows, a model of real rows finds {number.percent(real['recall'])}, "
        f"with synthetic rows {number.percent(blended['recall'])}."
    )
