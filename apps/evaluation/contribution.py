"""What each arm found of the real rows, by slice: the summary of a comparison.

These figures come from cross-validation on real rows. The frozen holdout has no part in them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from apps.core.statistics.intervals import wilson
from apps.evaluation.scoring import f1
from apps.evaluation.slices import Roles

GROUPS = ("rare", "common", "other")

LabelCounts = Mapping[str, Sequence[int]]
"""label → [rows, of them right, rows that were given this label]."""


def summary(counts: LabelCounts, roles: Roles) -> dict[str, Any]:
    """``overall``, ``groups`` by role, and ``slices`` (one a label): n, hits, recall with 95% interval, F1."""
    slices = [
        {
            "name": label,
            "role": roles.of_row(label),
            **_rate(n, hits),
            "f1": f1(gold=n, given=given, hits=hits),
        }
        for label, (n, hits, given) in counts.items()
        if n
    ]
    slices.sort(key=lambda item: (GROUPS.index(item["role"]), item["name"]))
    return {
        "overall": _pooled(slices),
        "groups": {
            role: _pooled(members)
            for role in GROUPS
            if (members := [item for item in slices if item["role"] == role])
        },
        "slices": slices,
    }


def _pooled(slices: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Recall over all rows of the slices; F1 as the mean over their labels."""
    pooled = _rate(_sum(slices, "n"), _sum(slices, "hits"))
    return {**pooled, "f1": sum(item["f1"] for item in slices) / len(slices) if slices else 0.0}


def _rate(n: int, hits: int) -> dict[str, Any]:
    interval = wilson(hits, n)
    return {
        "n": n,
        "hits": hits,
        "recall": hits / n if n else 0.0,
        "low": interval.low,
        "high": interval.high,
    }


def _sum(slices: Iterable[Mapping[str, Any]], name: str) -> int:
    return sum(item[name] for item in slices)
