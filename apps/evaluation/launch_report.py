"""The launch report: paired counts by slice out of scored rows, and the plain JSON that is kept of a verdict.

Keys that ``manage.py launch_report --json`` promises: ``verdict``, ``reasons``, ``gates``, ``overall`` and
``slices`` with ``name, role, n, baseline, candidate, fixed, broken``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from apps.core.statistics.paired import tango_interval
from apps.evaluation.launch_gate import (
    InvalidReason,
    LaunchOutcome,
    LaunchRule,
    Role,
    SliceCounts,
    judge,
    to_dict,
)
from apps.evaluation.models import ModelUnderTest, Training, Verdict
from apps.evaluation.named_scores import macro_f1_change
from apps.evaluation.near import NearMatches
from apps.evaluation.scoring import PARTS, Scored, f1_by_label, precision_by_label
from apps.evaluation.slices import Roles

ROLE_ORDER: tuple[Role, ...] = ("rare", "common", "other")
CANNOT_CHECK = {
    Training.DECLARED: "What {name} was trained on is declared, not known: leakage cannot be checked.",
    Training.UNKNOWN: "What {name} was trained on is unknown: leakage cannot be checked.",
}


def judge_rows(
    rows: Sequence[Scored], roles: Roles, *, rule: LaunchRule, production_shares: Mapping[str, float]
) -> LaunchOutcome:
    """The verdict on scored rows."""
    rare = [row for row in rows if roles.of_row(row.label) == "rare"]
    return judge(
        slice_counts(rows, roles),
        rule=rule,
        control=_changes(rare, "control", "candidate"),
        production_shares=production_shares or None,
    )


def slice_counts(rows: Sequence[Scored], roles: Roles) -> list[SliceCounts]:
    """One a label, the gap first, then common, then the others; by name."""
    by_label: dict[str, list[Scored]] = defaultdict(list)
    for row in rows:
        by_label[row.label].append(row)
    slices = [
        SliceCounts(label, roles.of_row(label), len(members), *_changes(members, "baseline", "candidate"))
        for label, members in by_label.items()
    ]
    return sorted(slices, key=lambda counts: (ROLE_ORDER.index(counts.role), counts.label))


def scored_report(rows: Sequence[Scored], roles: Roles, outcome: LaunchOutcome) -> dict[str, Any]:
    """The gate's own words and numbers, with the scores of every slice and group beside them."""
    f1 = {part: f1_by_label(rows, part) for part in PARTS}
    precision = {part: precision_by_label(rows, part) for part in PARTS}
    by_label: dict[str, list[Scored]] = defaultdict(list)
    for row in rows:
        by_label[row.label].append(row)
    slices = [
        {
            "name": counts.label,
            "role": counts.role,
            **_scores(by_label[counts.label]),
            "f1": {part: f1[part][counts.label] for part in PARTS},
            "precision": {part: precision[part][counts.label] for part in PARTS},
        }
        for counts in slice_counts(rows, roles)
    ]
    groups: dict[str, dict[str, Any]] = {}
    for name in ("overall", *ROLE_ORDER):
        labels = [item["name"] for item in slices if name in ("overall", item["role"])]
        members = [row for label in labels for row in by_label[label]]
        if members:
            mean_f1 = {part: sum(f1[part][label] for label in labels) / len(labels) for part in PARTS}
            groups[name] = {**_scores(members), "f1": mean_f1, "labels": len(labels)}
    macro = macro_f1_change(rows)
    groups["overall"]["f1_change"] = {"low": macro.low, "high": macro.high} if macro else None
    return to_dict(outcome) | {"slices": slices, "groups": groups, "overall": groups["overall"]}


def invalid_report(reasons: Sequence[InvalidReason]) -> dict[str, Any]:
    """No score was looked at, so there is none to show."""
    return {
        "verdict": str(Verdict.INVALID),
        "headline": f"No verdict: {reasons[0].text}",
        "reasons": [reason.text for reason in reasons],
        "invalid": [{"code": reason.code, "text": reason.text} for reason in reasons],
        "gates": {},
        "overall": None,
        "groups": {},
        "slices": [],
        "sensitivity": None,
    }


def sensitivity(
    rows: Sequence[Scored],
    roles: Roles,
    near: NearMatches,
    *,
    rule: LaunchRule,
    production_shares: Mapping[str, float],
) -> dict[str, Any]:
    """The same comparison without the holdout rows that training rows come near to. Shown, never gating."""
    counts = {
        "training_rows": near.training_rows,
        "holdout_rows": len(near.holdout),
        "unindexed": near.unindexed,
    }
    rest = [row for row in rows if row.record not in near.holdout]
    if not near.holdout or not rest:
        return counts | {"verdict": None, "groups": {}}
    outcome = judge_rows(rest, roles, rule=rule, production_shares=production_shares)
    by_role: dict[str, list[Scored]] = defaultdict(list)
    for row in rest:
        by_role[roles.of_row(row.label)].append(row)
    groups = {"overall": _scores(rest)} | {
        role: _scores(by_role[role]) for role in ROLE_ORDER if by_role[role]
    }
    return counts | {"verdict": outcome.verdict, "groups": groups}


def trained_on(models: Mapping[str, ModelUnderTest], numbers: Mapping[str, int]) -> dict[str, Any]:
    """What each model says of its training. ``numbers``: release uuid → its number."""
    return {
        part: {
            "model": model.name,
            "uuid": str(model.uuid),
            "how": model.trained_on,
            "note": model.training_note,
            "releases": [numbers[uuid] for uuid in model.release_uuids if uuid in numbers],
            "predictions_hash": model.predictions_hash,
        }
        for part, model in models.items()
    }


def caveats(models: Mapping[str, ModelUnderTest]) -> list[str]:
    """What cannot be checked of models that were trained elsewhere; the candidate first."""
    ordered = [models[part] for part in ("candidate", "baseline", "control")]
    named = {model.pk: model for model in ordered}
    return [
        CANNOT_CHECK[Training(model.trained_on)].format(name=model.name)
        for model in named.values()
        if model.trained_on in CANNOT_CHECK
    ]


def _scores(rows: Sequence[Scored]) -> dict[str, Any]:
    """Recall of each model as a share, and the paired change from baseline to candidate with its 95% interval."""
    n = len(rows)
    fixed, broken = _changes(rows, "baseline", "candidate")
    interval = tango_interval(fixed, broken, n)
    right = {part: sum(row.right[part] for row in rows) for part in PARTS}
    return {
        "n": n,
        **{part: right[part] / n for part in PARTS},
        "fixed": fixed,
        "broken": broken,
        "change": (fixed - broken) / n,
        "low": interval.low,
        "high": interval.high,
    }


def _changes(rows: Sequence[Scored], before: str, after: str) -> tuple[int, int]:
    """(fixed, broken): rows that only the later model got right, and rows that only the earlier one did."""
    fixed = sum(row.right[after] and not row.right[before] for row in rows)
    broken = sum(row.right[before] and not row.right[after] for row in rows)
    return fixed, broken
