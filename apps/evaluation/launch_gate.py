"""The launch rule: ship only if the real holdout improves, the common labels do not regress, the gap gains.

Pure functions over paired counts of real holdout rows; a score on synthetic rows is not among the inputs. The
order of the rules, their tests and their guards follow docs/decisions/0002-launch-rule.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from apps.core.statistics.multiplicity import holm
from apps.core.statistics.paired import midp_loss, tango_interval
from apps.evaluation.launch_conditions import (
    GROUP_NAMES,
    Gate,
    LaunchRule,
    Role,
    SliceCounts,
    common_gate,
    control_gate,
    gain_gate,
    overall_gate,
    p_value,
    points,
    rule_for,
    trips,
    tripwire_gate,
)

__all__ = [
    "Gate", "Group", "HarmTest", "InvalidReason", "LaunchOutcome", "LaunchRule", "Role", "SliceCounts", "Verdict",
    "headline", "judge", "rule_for", "to_dict",
]  # fmt: skip

Verdict = Literal["SHIP", "DO_NOT_SHIP", "NOT_PROVEN", "INVALID"]
HarmFamily = Literal["common labels", "gap labels", "groups"]


@dataclass(frozen=True)
class InvalidReason:
    """Why the comparison itself cannot be trusted."""

    code: str
    text: str


@dataclass(frozen=True)
class HarmTest:
    """Whether a label or a pooled group got worse: ``p`` is one-sided and Holm-adjusted within its family."""

    family: HarmFamily
    name: str
    fixed: int
    broken: int
    n: int
    p: float
    harmed: bool


@dataclass(frozen=True)
class Group:
    """Pooled counts of a role, or of all rows; the change with its two-sided 95% score interval."""

    n: int
    fixed: int
    broken: int
    change: float
    low: float
    high: float


@dataclass(frozen=True)
class LaunchOutcome:
    """The verdict, why, and every number it rests on; ``gates`` in the order of the rule."""

    verdict: Verdict
    reasons: list[str]
    gates: list[Gate]
    groups: dict[str, Group]
    harm_tests: list[HarmTest]
    tripwire_labels: list[str]
    rule: LaunchRule
    invalid: list[InvalidReason] = field(default_factory=list)

    @property
    def overall(self) -> Group:
        return self.groups["overall"]

    @property
    def harmed_labels(self) -> list[str]:
        return [test.name for test in self.harm_tests if test.harmed and test.family != "groups"]

    @property
    def harmed_groups(self) -> list[str]:
        return [test.name for test in self.harm_tests if test.harmed and test.family == "groups"]


def judge(
    slices: Sequence[SliceCounts],
    *,
    rule: LaunchRule,
    control: tuple[int, int] | None,
    invalid: Sequence[InvalidReason] = (),
    production_shares: Mapping[str, float] | None = None,
) -> LaunchOutcome:
    """Applies the rule.

    ``slices``: every label of the holdout once.
    ``control``: (fixed, broken) of the candidate against the real-only control on the rare rows; None only where
    the candidate itself saw no synthetic row, so that there is nothing to control for.
    ``production_shares``: role → share of production traffic (summing to 1), where gap labels are over-sampled.
    """
    if len({s.label for s in slices}) < len(slices):
        raise ValueError("A label is counted twice.")
    counts = {name: _pool(slices, name) for name in ("overall", "rare", "common", "other")}
    tripped = [s for s in slices if trips(s)]
    gates = [
        overall_gate(counts, rule, production_shares),
        common_gate(counts["common"], rule),
        gain_gate("rare", counts["rare"], rule),
        control_gate(control, counts["rare"].n, rule),
        tripwire_gate(tripped),
    ]
    harm = _harm_tests(slices, counts, rule, common_holds=gates[1].passed is True)
    verdict, reasons = _verdict(invalid, harm, _too_few(counts, rule), gates)
    return LaunchOutcome(
        verdict=verdict,
        reasons=reasons,
        gates=gates,
        groups={name: _group(pool) for name, pool in counts.items() if pool.n or name == "overall"},
        harm_tests=harm,
        tripwire_labels=[s.label for s in tripped],
        rule=rule,
        invalid=list(invalid),
    )


def headline(outcome: LaunchOutcome) -> str:
    """The one sentence that says the finding."""
    first = outcome.reasons[0]
    if outcome.verdict == "INVALID":
        return f"No verdict: {first}"
    if outcome.verdict == "DO_NOT_SHIP":
        return f"Do not ship: {_lower(first)}"
    if outcome.verdict == "NOT_PROVEN":
        return f"Not proven: {_lower(first)}"
    changes = {gate.name: points(gate.change) for gate in outcome.gates if gate.change is not None}
    control = f"{changes['control']} over" if "control" in changes else "not compared with"
    return (
        f"Ship: the gap gains ({changes['rare']}; {control} the real-only control), "
        f"the common labels hold ({changes['common']}), the whole holdout improves ({changes['overall']})."
    )


def to_dict(outcome: LaunchOutcome) -> dict[str, Any]:
    """Plain JSON: ``verdict``, ``reasons``, ``gates`` by name, ``overall``, ``groups`` and what was found harmed."""
    plain = asdict(outcome)
    plain["gates"] = {gate["name"]: gate for gate in plain["gates"]}
    plain["overall"] = plain["groups"]["overall"]
    plain["harmed_labels"] = outcome.harmed_labels
    plain["harmed_groups"] = outcome.harmed_groups
    plain["headline"] = headline(outcome)
    return plain


def _pool(slices: Sequence[SliceCounts], name: str) -> SliceCounts:
    members = [s for s in slices if name in ("overall", s.role)]
    role: Role = "rare" if name == "rare" else "common" if name == "common" else "other"
    return SliceCounts(
        name, role, sum(s.n for s in members), sum(s.fixed for s in members), sum(s.broken for s in members)
    )


def _group(pool: SliceCounts) -> Group:
    if not pool.n:
        return Group(0, 0, 0, 0.0, -1.0, 1.0)
    interval = tango_interval(pool.fixed, pool.broken, pool.n)
    change = (pool.fixed - pool.broken) / pool.n
    return Group(pool.n, pool.fixed, pool.broken, change, interval.low, interval.high)


def _harm_tests(
    slices: Sequence[SliceCounts], counts: Mapping[str, SliceCounts], rule: LaunchRule, *, common_holds: bool
) -> list[HarmTest]:
    families: dict[HarmFamily, list[SliceCounts]] = {
        "common labels": [s for s in slices if s.role == "common"],
        "gap labels": [s for s in slices if s.role == "rare"],
        "groups": [counts[name] for name in GROUP_NAMES],
    }
    tests = []
    for family, members in families.items():
        adjusted = holm([midp_loss(s.fixed, s.broken) for s in members])
        for s, p in zip(members, adjusted, strict=True):
            # A common loss that is proven to be smaller than the tolerated δ is what δ was declared for.
            tolerated = family == "groups" and s.label == "common" and common_holds
            harmed = p <= rule.alpha and not tolerated
            tests.append(HarmTest(family, s.label, s.fixed, s.broken, s.n, p, harmed))
    return tests


def _too_few(counts: Mapping[str, SliceCounts], rule: LaunchRule) -> list[str]:
    rare, common = counts["rare"], counts["common"]
    changed = rare.fixed + rare.broken
    found = []
    if rare.n < rule.least_rare:
        found.append(f"The gap has {rare.n} holdout rows; at least {rule.least_rare} are needed.")
    if common.n < rule.least_common:
        found.append(
            f"The common labels have {common.n} holdout rows; at least {rule.least_common} are needed."
        )
    if changed < rule.least_changed:
        found.append(
            f"Only {changed} of {rare.n} rows of the gap changed; fewer than {rule.least_changed} prove nothing."
        )
    return found


def _verdict(
    invalid: Sequence[InvalidReason], harm: Sequence[HarmTest], thin: Sequence[str], gates: Sequence[Gate]
) -> tuple[Verdict, list[str]]:
    if invalid:
        return "INVALID", [reason.text for reason in invalid]
    harmed = sorted((test for test in harm if test.harmed), key=lambda test: test.family != "groups")
    if harmed:
        return "DO_NOT_SHIP", [_harm_said(test) for test in harmed]
    if thin:
        return "NOT_PROVEN", list(thin)
    failed = [gate for gate in gates if gate.passed is False]
    if failed:
        return "NOT_PROVEN", [_failure_said(gate) for gate in failed]
    return "SHIP", [gate.text for gate in gates]


def _harm_said(test: HarmTest) -> str:
    name = GROUP_NAMES[test.name] if test.family == "groups" else f"The label {test.name}"
    seen = f"{test.fixed} fixed, {test.broken} broken of {test.n} rows"
    return f"{name} got clearly worse ({seen}; p {p_value(test.p)})."


def _failure_said(gate: Gate) -> str:
    return f"{gate.text.removesuffix('.')}; {_lower(gate.remedy)}" if gate.remedy else gate.text


def _lower(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]
