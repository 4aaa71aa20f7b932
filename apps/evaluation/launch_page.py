"""The launch review as people read it: figures, chart, conditions in words, and the same numbers as a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from apps.core.charts import format as number
from apps.core.charts.dumbbell import DumbbellRow, Estimate, Outcome, dumbbell, legend
from apps.core.statistics.intervals import wilson
from apps.evaluation.models import LaunchReview, Training, Verdict
from apps.evaluation.scores_page import ScoresPage, scores_page
from apps.evaluation.scoring import PARTS

GROUP_TITLES = {
    "rare": "The gap",
    "common": "Common labels",
    "other": "Other labels",
    "overall": "All records",
}
GATE_TITLES = {
    "overall": "The whole holdout improves",
    "common": "The common labels hold",
    "rare": "The gap gains",
    "control": "The gain is more than reweighting",
    "tripwire": "No single label pays for it",
}
LEAST_CHANGED = 4
"""Fewer changed rows than this cannot tell yet, whatever their interval."""
MOST_LABELS = {"rare": 12, "common": 5}
"""Labels that the chart draws, those first that moved most; the table has them all."""

CSV_HEADER = (
    "name", "role", "n", "baseline", "control", "candidate", "change", "low", "high", "fixed", "broken",
    "f1_baseline", "f1_control", "f1_candidate",
    "precision_baseline", "precision_control", "precision_candidate",
)  # fmt: skip


@dataclass(frozen=True)
class Figure:
    """What it is, how much, and what to read it against."""

    title: str
    value: str
    note: str


@dataclass(frozen=True)
class GateLine:
    """One condition: ``state`` is pass, fail or none, ``word`` says it."""

    title: str
    state: str
    word: str
    text: str
    remedy: str


@dataclass(frozen=True)
class TableRow:
    """One slice or group in words; ``outcome`` is gain, loss or unclear."""

    name: str
    role: str
    n: int
    baseline: str
    control: str
    candidate: str
    change: str
    interval: str
    fixed: int
    broken: int
    f1_before: str
    f1_after: str
    outcome: Outcome
    is_group: bool


@dataclass(frozen=True)
class SensitivityLine:
    """One group with all rows and without the near ones."""

    name: str
    change: str
    without: str
    n: int


@dataclass(frozen=True)
class TrainedOn:
    """What one of the three models says of its training. ``releases``: their numbers."""

    part: str
    model: str
    words: str
    releases: list[int]
    predictions_hash: str


@dataclass(frozen=True)
class LaunchPage:
    review: LaunchReview
    figures: list[Figure]
    chart: str
    legend: str
    undrawn: str
    """Which labels are in the table alone; empty when the chart has them all."""
    gates: list[GateLine]
    rows: list[TableRow]
    scores: ScoresPage
    sensitivity: list[SensitivityLine]
    near_verdict: str
    """What the rule would say without the near rows; empty when there are none."""
    trained_on: list[TrainedOn]
    scope: str
    declared: str
    other_reasons: list[str]
    """Reasons of a verdict other than SHIP that no condition says already."""


def launch_page(review: LaunchReview) -> LaunchPage:
    report: Mapping[str, Any] = review.report
    drawn = _drawn(report["slices"])
    return LaunchPage(
        review=review,
        figures=_figures(report),
        chart=_chart(report, drawn) if report["overall"] else "",
        legend=legend(),
        undrawn=_undrawn(report["slices"], drawn),
        gates=_gates(report["gates"]),
        rows=[
            _table_row(name, role, scores, is_group=is_group) for name, role, scores, is_group in _all(report)
        ],
        scores=scores_page(report),
        sensitivity=_sensitivity(report),
        near_verdict=_near_verdict(report),
        trained_on=[_trained_on(part, report["trained_on"][part]) for part in PARTS],
        scope=_scope(report),
        declared=_declared(report),
        other_reasons=_other_reasons(report),
    )


def csv_rows(review: LaunchReview) -> Iterator[list[object]]:
    """Header, then groups, then every label; shares as numbers."""
    yield list(CSV_HEADER)
    for name, role, scores, _ in _all(review.report):
        yield [
            name,
            role,
            scores["n"],
            *(
                scores[key]
                for key in ("baseline", "control", "candidate", "change", "low", "high", "fixed", "broken")
            ),
            *(scores["f1"][part] for part in PARTS),
            *(scores.get("precision", {}).get(part) for part in PARTS),
        ]


def outcome_of(scores: Mapping[str, Any]) -> Outcome:
    """Clear when the interval of the paired change leaves zero out and enough rows changed at all."""
    if scores["fixed"] + scores["broken"] < LEAST_CHANGED:
        return "unclear"
    if scores["low"] > 0:
        return "gain"
    return "loss" if scores["high"] < 0 else "unclear"


def _all(report: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any], bool]]:
    """(name, role, scores, whether it is a group): the groups first."""
    for key, title in GROUP_TITLES.items():
        if key in report["groups"]:
            yield title, key, report["groups"][key], True
    for item in report["slices"]:
        yield item["name"], item["role"], item, False


def _figures(report: Mapping[str, Any]) -> list[Figure]:
    figures = [
        Figure(GROUP_TITLES[key], number.points(group["change"]), _before_and_after(group))
        for key in ("rare", "common", "overall")
        if (group := report["groups"].get(key))
    ]
    looks = report["looks"]
    left = looks["declared"] - looks["used"]
    return [*figures, Figure("Looks", f"{looks['used']} of {looks['declared']}", f"used; {left} left")]


def _before_and_after(group: Mapping[str, Any]) -> str:
    before, after = number.percent(group["baseline"]), number.percent(group["candidate"])
    f1 = f"{number.level(group['f1']['baseline'])} → {number.level(group['f1']['candidate'])}"
    return f"{before} → {after} of {number.count(group['n'])}; F1 {f1}"


def _drawn(slices: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Labels of the gap and common ones."""
    drawn: list[Mapping[str, Any]] = []
    for role in MOST_LABELS:
        members = [item for item in slices if item["role"] == role]
        most = sorted(members, key=lambda item: -abs(item["change"]))[: MOST_LABELS[role]]
        drawn += [item for item in members if item in most]
    return drawn


def _near_verdict(report: Mapping[str, Any]) -> str:
    verdict = (report["sensitivity"] or {}).get("verdict")
    return str(Verdict(verdict).label) if verdict else ""


def _undrawn(slices: Sequence[Mapping[str, Any]], drawn: Sequence[Mapping[str, Any]]) -> str:
    left = [item for item in slices if item not in drawn]
    counts = [(role, [item for item in left if item["role"] == role]) for role in ("rare", "common", "other")]
    return ", ".join(
        f"{len(members)} {'gap' if role == 'rare' else role} label{'s' if len(members) > 1 else ''}"
        for role, members in counts
        if members
    )


def _scope(report: Mapping[str, Any]) -> str:
    holdout = report["holdout"]
    return f" on {number.count(holdout['rows'])} real rows of the frozen holdout" if report["overall"] else ""


def _declared(report: Mapping[str, Any]) -> str:
    holdout = report["holdout"]
    if holdout is None:
        return ""
    delta = number.points(holdout["delta"]).lstrip("+")
    return (
        f"Declared before anybody looked: common labels may lose at most {delta}; "
        f"α = {holdout['alpha']:g}, one-sided, divided by {report['looks']['declared']} looks."
    )


def _other_reasons(report: Mapping[str, Any]) -> list[str]:
    if report["verdict"] == Verdict.SHIP:
        return []
    said = tuple(gate["text"].rstrip(".") for gate in report["gates"].values())
    return [reason for reason in report["reasons"] if not reason.startswith(said)]


def _trained_on(part: str, said: Mapping[str, Any]) -> TrainedOn:
    words = said["note"] or Training(said["how"]).label.capitalize()
    if said["note"] and said["how"] == Training.DECLARED:
        words = f"Declared: {said['note']}"
    return TrainedOn(part.capitalize(), said["model"], words, said["releases"], said["predictions_hash"])


def _chart(report: Mapping[str, Any], drawn: Sequence[Mapping[str, Any]]) -> str:
    groups = report["groups"]
    rows = []
    for role in ("rare", "common", "other"):
        members = [item for item in drawn if item["role"] == role]
        rows += [_dumbbell_row(item["name"], item) for item in members]
        # A group of one label that is drawn already would be the same row twice.
        if role in groups and (groups[role]["labels"] > 1 or not members):
            note = f"{groups[role]['labels']} label{'s' if groups[role]['labels'] > 1 else ''}"
            rows.append(_dumbbell_row(GROUP_TITLES[role], groups[role] | {"role": role}, note=note))
    rows.append(_dumbbell_row(GROUP_TITLES["overall"], groups["overall"] | {"role": "overall"}))
    return dumbbell(
        rows, title="Recall by slice, before and after", metric="Recall on the frozen holdout", unit="percent"
    )


def _dumbbell_row(name: str, scores: Mapping[str, Any], *, note: str = "") -> DumbbellRow:
    notes = [note, "targeted" if scores["role"] == "rare" else ""]
    return DumbbellRow(
        name=name,
        n=scores["n"],
        before=_estimate(scores["baseline"], scores["n"]),
        after=_estimate(scores["candidate"], scores["n"]),
        change=Estimate(scores["change"], scores["low"], scores["high"]),
        outcome=outcome_of(scores),
        note=" · ".join(filter(None, notes)),
        is_targeted=scores["role"] == "rare",
    )


def _estimate(share: float, n: int) -> Estimate:
    interval = wilson(round(share * n), n)
    return Estimate(share, interval.low, interval.high)


def _gates(gates: Mapping[str, Mapping[str, Any]]) -> list[GateLine]:
    words = {True: ("pass", "passed"), False: ("fail", "failed"), None: ("none", "does not apply")}
    return [
        GateLine(title, *words[gate["passed"]], gate["text"], gate.get("remedy", ""))
        for name, title in GATE_TITLES.items()
        if (gate := gates.get(name))
    ]


def _table_row(name: str, role: str, scores: Mapping[str, Any], *, is_group: bool) -> TableRow:
    return TableRow(
        name=name,
        role=role,
        n=scores["n"],
        baseline=number.percent(scores["baseline"], digits=1),
        control=number.percent(scores["control"], digits=1),
        candidate=number.percent(scores["candidate"], digits=1),
        change=number.points(scores["change"]),
        interval=number.signed_interval(100 * scores["low"], 100 * scores["high"], digits=1),
        fixed=scores["fixed"],
        broken=scores["broken"],
        f1_before=number.level(scores["f1"]["baseline"]),
        f1_after=number.level(scores["f1"]["candidate"]),
        outcome=outcome_of(scores),
        is_group=is_group,
    )


def _sensitivity(report: Mapping[str, Any]) -> list[SensitivityLine]:
    rest = (report["sensitivity"] or {}).get("groups", {})
    return [
        SensitivityLine(
            title,
            number.points(report["groups"][key]["change"]),
            number.points(rest[key]["change"]),
            rest[key]["n"],
        )
        for key, title in GROUP_TITLES.items()
        if key in rest
    ]
