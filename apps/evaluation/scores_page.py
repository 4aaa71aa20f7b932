"""Every named score and the calibration of a launch review, as people and spreadsheets read them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from apps.core.charts import format as number
from apps.evaluation.models import LaunchReview
from apps.evaluation.scoring import PARTS

GROUP_TITLES = {
    "overall": "All records",
    "rare": "The gap",
    "common": "Common labels",
    "other": "Other labels",
}
LEAST_CHANGED = 4
"""Fewer rows whose score changed than this cannot tell yet, whatever their interval."""
MOST_LINES = 120
"""Lines by label that the page shows; the file has them all."""
CSV_HEADER = (
    "score", "slice", "role", "n_baseline", "n_control", "n_candidate", "baseline", "control", "candidate", "change",
    "low", "high",
)  # fmt: skip
MACRO_F1 = {
    "kind": "",
    "title": "Macro-F1",
    "says": "mean over the labels of the harmonic mean of their precision and recall",
    "lower_is_better": False,
}


@dataclass(frozen=True)
class ScoreLine:
    """One score on one slice. ``outcome`` is gain, loss, or empty where nothing can be told."""

    slice: str
    n: str
    baseline: str
    control: str
    candidate: str
    change: str
    interval: str
    outcome: str


@dataclass(frozen=True)
class ScoreTable:
    title: str
    says: str
    lower_is_better: bool
    lines: list[ScoreLine]


@dataclass(frozen=True)
class CalibrationLine:
    part: str
    n: int
    brier: str
    ece: str
    slope: str
    intercept: str
    bins: list[tuple[str, str, int]]
    """(how sure it said that it was, how often it was right, rows)."""


@dataclass(frozen=True)
class ScoresPage:
    """All empty for reviews that were kept before there were named scores."""

    groups: list[ScoreTable]
    kinds: list[ScoreTable]
    """By group too, of scores that speak of a single kind each."""
    labels: list[ScoreTable]
    undrawn: int
    """Lines by label that are in the file alone."""
    calibration: list[CalibrationLine]


def scores_page(report: Mapping[str, Any]) -> ScoresPage:
    scores = list(_scores(report))
    calibration = report.get("calibration") or {}
    labels = []
    left = MOST_LINES
    for score in scores:
        lines = [line for line in score["lines"] if not line["is_group"]]
        if shown := lines[: max(0, left)]:
            labels.append(_table(score, shown))
        left -= len(lines)
    return ScoresPage(
        groups=[_table(score, _of_groups(score)) for score in scores if not score["kind"]],
        kinds=[_table(score, _of_groups(score)) for score in scores if score["kind"]],
        labels=labels,
        undrawn=max(0, -left),
        calibration=[_calibration(part, calibration[part]) for part in PARTS if part in calibration],
    )


def csv_of_scores(review: LaunchReview) -> Iterator[list[object]]:
    """Header, then a line for each score and slice; what was not told is empty."""
    yield list(CSV_HEADER)
    for score in _scores(review.report):
        for line in score["lines"]:
            yield [
                score["title"],
                line["slice"],
                line["role"],
                *(line["n"][part] for part in PARTS),
                *(line[key] for key in (*PARTS, "change", "low", "high")),
            ]


def _scores(report: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Those that are kept, and macro-F1 where the answer is a label."""
    yield from report.get("scores") or ()
    if report.get("answers_one_label"):
        yield MACRO_F1 | {"lines": list(_macro_f1(report["groups"]))}


def _macro_f1(groups: Mapping[str, Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """An interval is drawn for all rows alone: what is called a label of the gap may be a row of any other."""
    for name, group in groups.items():
        interval = group.get("f1_change") or {"low": None, "high": None}
        f1 = group["f1"]
        yield {
            "slice": name,
            "role": name,
            "is_group": True,
            "n": dict.fromkeys(PARTS, group["n"]),
            **f1,
            "changed": group["fixed"] + group["broken"],
            "change": f1["candidate"] - f1["baseline"] if group["n"] >= number.MIN_TO_RATE else None,
            **interval,
        }


def _of_groups(score: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [line for line in score["lines"] if line["is_group"]]


def _table(score: Mapping[str, Any], lines: Sequence[Mapping[str, Any]]) -> ScoreTable:
    is_lower_better = score["lower_is_better"]
    shown = [_line(line, is_lower_better=is_lower_better) for line in lines]
    return ScoreTable(score["title"], score["says"], is_lower_better, shown)


def _line(line: Mapping[str, Any], *, is_lower_better: bool) -> ScoreLine:
    has_interval = line["low"] is not None
    return ScoreLine(
        slice=GROUP_TITLES[line["slice"]] if line["is_group"] else line["slice"],
        n=_rows(line["n"]),
        **{part: number.DASH if line[part] is None else number.level(line[part], digits=3) for part in PARTS},
        change="too few rows" if line["change"] is None else number.signed(line["change"], digits=3),
        interval=number.signed_interval(line["low"], line["high"], digits=3) if has_interval else number.DASH,
        outcome=_outcome(line, is_lower_better=is_lower_better) if has_interval else "",
    )


def _rows(n: Mapping[str, int]) -> str:
    """One number where all models have the score on as many rows, else baseline / control / candidate."""
    counts = [number.count(n[part]) for part in PARTS]
    return counts[0] if len(set(counts)) == 1 else " / ".join(counts)


def _outcome(line: Mapping[str, Any], *, is_lower_better: bool) -> str:
    if line["changed"] < LEAST_CHANGED or line["low"] <= 0 <= line["high"]:
        return ""
    return "gain" if (line["low"] > 0) != is_lower_better else "loss"


def _calibration(part: str, said: Mapping[str, Any]) -> CalibrationLine:
    bins: Sequence[Mapping[str, Any]] = said["bins"]
    return CalibrationLine(
        part=part.capitalize(),
        n=said["n"],
        brier=number.level(said["brier"], digits=3),
        ece=_or_dash(said["ece"]),
        slope=_or_dash(said["slope"]),
        intercept=_or_dash(said["intercept"]),
        bins=[
            (number.percent(each["confidence"]), number.percent(each["right"]), each["n"]) for each in bins
        ],
    )


def _or_dash(value: float | None) -> str:
    return number.DASH if value is None else number.level(value, digits=3)
