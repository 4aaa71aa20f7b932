"""Every named score of a task, and how far confidences can be believed: shown beside the verdict, never part of it.

A score that a row does not have (the precision of a model that answered nothing there) is left out of its mean, so
each model has its own ``n``. Intervals are of the paired change on the same rows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from apps.core.statistics.calibration import (
    LEAST_FOR_ECE,
    bins_of,
    brier,
    expected_calibration_error,
    recalibration,
)
from apps.core.statistics.intervals import Interval
from apps.core.statistics.paired import tango_interval
from apps.core.statistics.resampling import Answered, change_of_macro_f1, change_of_means
from apps.evaluation.scoring import PARTS, Scored
from apps.evaluation.slices import Roles
from apps.task_types import TaskType
from apps.task_types.base import Measure

LEAST_TO_COMPARE = 20
"""Rows below which a change is not told."""
LEAST_FOR_INTERVAL = 30
"""Rows below which an interval that is drawn says nothing."""
BRIER = "brier"
_BRIER = Measure(
    "Brier score", "squared distance of the stated confidence from right or wrong", lower_is_better=True
)
_Values = Mapping[str, Sequence[float | None]]


def named_scores(rows: Sequence[Scored], roles: Roles, task_type: TaskType) -> list[dict[str, Any]]:
    """Each score in the order of the task's measures, with a line for all rows, for each role and each label.

    One that speaks of a single kind has lines for the groups alone.
    """
    measures = dict(task_type.measures) | ({BRIER: _BRIER} if _all_confident(rows) else {})
    groups = list(_groups(rows, roles))
    return [
        {
            "name": name,
            "title": measure.title + (f": {kind}" if kind else ""),
            "kind": kind,
            "says": measure.says,
            "lower_is_better": measure.lower_is_better,
            "lines": [
                {"slice": slice_, "role": role, "is_group": is_group, **line}
                for slice_, role, is_group, members in groups
                if (is_group or not kind) and (line := _line(name, members))
            ],
        }
        for name, kind, measure in _named(rows, measures)
    ]


def macro_f1_change(rows: Sequence[Scored]) -> Interval | None:
    """Of the change of macro-F1 from baseline to candidate; None for too few rows."""
    if len(rows) < LEAST_FOR_INTERVAL:
        return None
    return change_of_macro_f1(
        [
            Answered(
                row.label,
                (row.said["baseline"], row.said["candidate"]),
                (row.right["baseline"], row.right["candidate"]),
            )
            for row in rows
        ]
    )


def calibration(rows: Sequence[Scored]) -> dict[str, dict[str, Any]]:
    """By part, of models that said for every row how sure they are, as a share.

    ``ece`` is null for fewer rows than it needs, ``slope`` and ``intercept`` where the rows cannot tell them.
    """
    return {part: _calibration(rows, part) for part in PARTS if rows and _is_confident(rows, part)}


def _calibration(rows: Sequence[Scored], part: str) -> dict[str, Any]:
    confidences = [_confidence(row, part) for row in rows]
    right = [row.right[part] for row in rows]
    bins = bins_of(confidences, right)
    line = recalibration(confidences, right)
    return {
        "n": len(rows),
        "brier": brier(confidences, right),
        "ece": expected_calibration_error(bins) if len(rows) >= LEAST_FOR_ECE else None,
        "slope": line.slope if line else None,
        "intercept": line.intercept if line else None,
        "bins": [{"n": each.n, "confidence": each.confidence, "right": each.right} for each in bins],
    }


def _named(rows: Sequence[Scored], measures: Mapping[str, Measure]) -> Iterator[tuple[str, str, Measure]]:
    """(name, kind that it is about or "", what it tells) of every score that some row has."""
    found = {name for row in rows for scores in row.scores.values() for name in scores}
    for name, measure in measures.items():
        if name in found or name == BRIER:
            yield name, "", measure
    for name, measure in measures.items():
        for other in sorted(found):
            if other.startswith(f"{name}: "):
                yield other, other.removeprefix(f"{name}: "), measure


def _groups(rows: Sequence[Scored], roles: Roles) -> Iterator[tuple[str, str, bool, list[Scored]]]:
    """(name, role, whether it is a group, its rows): all, the roles, then the labels of each role by name."""
    by_role: dict[str, dict[str, list[Scored]]] = {
        role: defaultdict(list) for role in ("rare", "common", "other")
    }
    for row in rows:
        by_role[roles.of_row(row.label)][row.label].append(row)
    yield "overall", "overall", True, list(rows)
    for role, labels in by_role.items():
        if labels:
            yield role, role, True, [row for members in labels.values() for row in members]
    for role, labels in by_role.items():
        for label in sorted(labels):
            yield label, role, False, labels[label]


def _line(name: str, rows: Sequence[Scored]) -> dict[str, Any] | None:
    """Means of the three models, and the change with its interval as far as the rows allow; None for no value."""
    values: _Values = {part: [_value(name, row, part) for row in rows] for part in PARTS}
    n = {part: sum(value is not None for value in values[part]) for part in PARTS}
    if not any(n.values()):
        return None
    means = {
        part: sum(value for value in values[part] if value is not None) / n[part] if n[part] else None
        for part in PARTS
    }
    before, after = means["baseline"], means["candidate"]
    least = min(n["baseline"], n["candidate"])
    is_told = before is not None and after is not None and least >= LEAST_TO_COMPARE
    interval = _interval([row.label for row in rows], values) if least >= LEAST_FOR_INTERVAL else None
    return {
        "n": n,
        **means,
        "changed": sum(b != c for b, c in zip(values["baseline"], values["candidate"], strict=True)),
        "change": after - before if is_told and before is not None and after is not None else None,
        "low": interval.low if interval else None,
        "high": interval.high if interval else None,
    }


def _interval(labels: Sequence[str], values: _Values) -> Interval:
    """Tango's score interval where both models have a yes or no for the same rows, else rows drawn anew.

    Drawn are rows that one of them has the score for: no other can move it.
    """
    pairs = list(zip(values["baseline"], values["candidate"], strict=True))
    both = [(before, after) for before, after in pairs if before is not None and after is not None]
    is_paired = all((before is None) == (after is None) for before, after in pairs)
    if is_paired and all({before, after} <= {0.0, 1.0} for before, after in both):
        fixed = sum(before < after for before, after in both)
        return tango_interval(fixed, sum(before > after for before, after in both), len(both))
    told = [place for place, pair in enumerate(pairs) if pair != (None, None)]
    return change_of_means(
        *([column[place] for place in told] for column in (labels, *zip(*pairs, strict=True)))
    )


def _value(name: str, row: Scored, part: str) -> float | None:
    if name == BRIER:
        return (_confidence(row, part) - row.right[part]) ** 2
    return row.scores[part].get(name)


def _confidence(row: Scored, part: str) -> float:
    confidence = row.confidence.get(part)
    return -1.0 if confidence is None else confidence


def _is_confident(rows: Sequence[Scored], part: str) -> bool:
    return all(0 <= _confidence(row, part) <= 1 for row in rows)


def _all_confident(rows: Sequence[Scored]) -> bool:
    return bool(rows) and all(_is_confident(rows, part) for part in PARTS)
