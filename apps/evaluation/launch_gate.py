"""The launch rule: ship only if the real holdout improves, the common labels do not regress, the gap gains.

Pure functions over paired counts of real holdout rows; a score on synthetic rows is not among the inputs. The
order of the rules, their tests and their guards follow docs/decisions/0002-launch-rule.md.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from apps.core.statistics.intervals import NORMAL
from apps.core.statistics.multiplicity import holm
from apps.core.statistics.paired import Stratum, midp_gain, midp_loss, tango_interval, tango_z, weighted_gain
from apps.core.statistics.sample_size import least_changed, least_rows, rows_for_gain, rows_for_no_loss

Role = Literal["rare", "common", "other"]
Verdict = Literal["SHIP", "DO_NOT_SHIP", "NOT_PROVEN", "INVALID"]

LEAST_RARE_ROWS = 30
TRIPWIRE_ROWS = 4
TRIPWIRE_SHARE = 0.08
POWER = 0.8


@dataclass(frozen=True)
class SliceCounts:
    """One label's rows: ``fixed`` went from wrong to right, ``broken`` the other way, of ``n``."""

    label: str
    role: Role
    n: int
    fixed: int
    broken: int


@dataclass(frozen=True)
class LaunchRule:
    """What was declared before anybody looked. ``alpha`` is per look and one-sided; ``delta`` a share."""

    alpha: float
    delta: float
    least_rare: int
    least_common: int
    least_changed: int


@dataclass(frozen=True)
class InvalidReason:
    """Why the comparison itself cannot be trusted."""

    code: str
    text: str


@dataclass(frozen=True)
class Gate:
    """One of the conditions that all have to hold. ``statistic`` is p (at most) or z (at least) by ``kind``."""

    name: str
    passed: bool | None
    kind: Literal["p", "z", "count"]
    statistic: float | None
    threshold: float | None
    text: str
    rows_needed: int | None = None


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
    verdict: Verdict
    reasons: list[str]
    gates: list[Gate]
    groups: dict[str, Group]
    harmed_labels: list[str]
    harmed_groups: list[str]
    tripwire_labels: list[str]
    rule: LaunchRule
    invalid: list[InvalidReason] = field(default_factory=list)

    @property
    def overall(self) -> Group:
        return self.groups["overall"]


def rule_for(*, alpha: float, looks: int, delta: float) -> LaunchRule:
    """Divides α once by the declared looks and derives the guards from it."""
    per_look = alpha / looks
    return LaunchRule(
        alpha=per_look,
        delta=delta,
        least_rare=LEAST_RARE_ROWS,
        least_common=least_rows(alpha=per_look, delta=delta),
        least_changed=least_changed(alpha=per_look),
    )


def judge(
    slices: Sequence[SliceCounts],
    *,
    rule: LaunchRule,
    control: tuple[int, int] | None,
    invalid: Sequence[InvalidReason] = (),
    production_shares: Mapping[str, float] | None = None,
) -> LaunchOutcome:
    """Applies the rule.

    ``control``: (fixed, broken) of the candidate against the real-only control on the rare rows.
    ``production_shares``: role → share of production traffic, where gap labels are over-sampled.
    """
    counts = {name: _pool(slices, name) for name in ("overall", "rare", "common", "other")}
    tripped = _tripwire(slices)
    gates = [
        _overall_gate(counts, rule, production_shares),
        _common_gate(counts["common"], rule),
        _rare_gate(counts["rare"], rule),
        _control_gate(control, counts["rare"].n, rule),
        _tripwire_gate(tripped),
    ]
    common_holds = gates[1].passed is True
    harmed_labels = _harmed_labels(slices, "common", rule) + _harmed_labels(slices, "rare", rule)
    harmed_groups = _harmed_groups(counts, rule, common_holds=common_holds)
    thin = _too_few(counts, rule)
    verdict, reasons = _verdict(list(invalid), harmed_labels, harmed_groups, thin, gates)
    return LaunchOutcome(
        verdict=verdict,
        reasons=reasons,
        gates=gates,
        groups={name: _group(pool) for name, pool in counts.items() if pool.n},
        harmed_labels=harmed_labels,
        harmed_groups=harmed_groups,
        tripwire_labels=tripped,
        rule=rule,
        invalid=list(invalid),
    )


def headline(outcome: LaunchOutcome) -> str:
    """The one sentence that says the finding."""
    rare, common = outcome.groups.get("rare"), outcome.groups.get("common")
    if outcome.verdict == "INVALID":
        return f"No verdict: {_lower(outcome.reasons[0])}"
    if outcome.verdict == "DO_NOT_SHIP":
        return f"Do not ship: {_lower(outcome.reasons[0])}"
    if outcome.verdict == "NOT_PROVEN":
        return f"Not proven: {_lower(outcome.reasons[0])}"
    gain = f"the gap gains {_points(rare.change)}" if rare else "the gap gains"
    rest = f", the common labels hold ({_points(common.change)})" if common else ""
    return f"Ship: {gain}{rest}, and the holdout as a whole improves by {_points(outcome.overall.change)}."


def to_dict(outcome: LaunchOutcome) -> dict[str, Any]:
    """Plain JSON: ``verdict``, ``reasons``, ``gates`` by name, ``overall``, ``groups`` and what was found harmed."""
    plain = asdict(outcome)
    plain["gates"] = {gate["name"]: gate for gate in plain["gates"]}
    plain["overall"] = plain["groups"]["overall"]
    plain["headline"] = headline(outcome)
    return plain


def _pool(slices: Sequence[SliceCounts], name: str) -> SliceCounts:
    members = [s for s in slices if name in ("overall", s.role)]
    role: Role = "rare" if name == "rare" else "common" if name == "common" else "other"
    return SliceCounts(
        name, role, sum(s.n for s in members), sum(s.fixed for s in members), sum(s.broken for s in members)
    )


def _group(pool: SliceCounts) -> Group:
    interval = tango_interval(pool.fixed, pool.broken, pool.n)
    change = (pool.fixed - pool.broken) / pool.n
    return Group(pool.n, pool.fixed, pool.broken, change, interval.low, interval.high)


def _overall_gate(
    counts: Mapping[str, SliceCounts], rule: LaunchRule, shares: Mapping[str, float] | None
) -> Gate:
    pool = counts["overall"]
    if shares:
        strata = [
            Stratum(counts[role].n, counts[role].fixed, counts[role].broken, share)
            for role, share in shares.items()
            if counts[role].n
        ]
        gain = weighted_gain(strata)
        text = f"Weighted as production is, the holdout changes by {_points(gain.difference)} (p = {_p(gain.p)})."
        return Gate("overall", gain.p <= rule.alpha, "p", gain.p, rule.alpha, text)
    p = midp_gain(pool.fixed, pool.broken)
    text = f"All rows: {pool.fixed} fixed, {pool.broken} broken of {pool.n} (p = {_p(p)})."
    return Gate("overall", p <= rule.alpha, "p", p, rule.alpha, text, _rows_for_gain(pool, rule))


def _common_gate(pool: SliceCounts, rule: LaunchRule) -> Gate:
    z_needed = NORMAL.inv_cdf(1 - rule.alpha)
    z = tango_z(pool.fixed, pool.broken, pool.n, -rule.delta) if pool.n else 0.0
    passed = pool.n > 0 and z >= z_needed
    text = (
        f"Common labels: {pool.fixed} fixed, {pool.broken} broken of {pool.n}; a loss beyond "
        f"{_points(rule.delta).lstrip('+')} is {'ruled out' if passed else 'not ruled out'} (z = {z:.2f})."
    )
    return Gate("common", passed, "z", z, z_needed, text, None if passed else _rows_for_no_loss(pool, rule))


def _rare_gate(pool: SliceCounts, rule: LaunchRule) -> Gate:
    p = midp_gain(pool.fixed, pool.broken)
    text = f"The gap: {pool.fixed} fixed, {pool.broken} broken of {pool.n} (p = {_p(p)})."
    return Gate("rare", p <= rule.alpha, "p", p, rule.alpha, text, _rows_for_gain(pool, rule))


def _control_gate(control: tuple[int, int] | None, n: int, rule: LaunchRule) -> Gate:
    if control is None:
        return Gate("control", None, "p", None, rule.alpha, "No real-only control was compared.")
    fixed, broken = control
    p = midp_gain(fixed, broken)
    text = f"Against the real-only control, on the gap: {fixed} fixed, {broken} broken (p = {_p(p)})."
    needed = _rows_for_gain(SliceCounts("control", "rare", n, fixed, broken), rule)
    return Gate("control", p <= rule.alpha, "p", p, rule.alpha, text, needed)


def _tripwire(slices: Sequence[SliceCounts]) -> list[str]:
    """Gap labels that lost, and common labels that lost four rows and eight percent or more."""
    return [
        s.label
        for s in slices
        if (s.role == "rare" and s.fixed < s.broken)
        or (s.role == "common" and s.broken - s.fixed >= max(TRIPWIRE_ROWS, math.ceil(TRIPWIRE_SHARE * s.n)))
    ]


def _tripwire_gate(tripped: Sequence[str]) -> Gate:
    lost = f"Single labels that lost: {', '.join(tripped)}."
    text = lost if tripped else "No gap label lost, no common label lost much."
    return Gate("tripwire", not tripped, "count", float(len(tripped)), 0.0, text)


def _harmed_labels(slices: Sequence[SliceCounts], role: Role, rule: LaunchRule) -> list[str]:
    members = [s for s in slices if s.role == role]
    adjusted = holm([midp_loss(s.fixed, s.broken) for s in members])
    return [s.label for s, p in zip(members, adjusted, strict=True) if p <= rule.alpha]


def _harmed_groups(counts: Mapping[str, SliceCounts], rule: LaunchRule, *, common_holds: bool) -> list[str]:
    names = ("overall", "common", "rare")
    adjusted = holm([midp_loss(counts[name].fixed, counts[name].broken) for name in names])
    # A common loss that is proven to be smaller than the tolerated δ is what δ was declared for.
    return [
        name
        for name, p in zip(names, adjusted, strict=True)
        if p <= rule.alpha and not (name == "common" and common_holds)
    ]


def _too_few(counts: Mapping[str, SliceCounts], rule: LaunchRule) -> list[str]:
    rare, common = counts["rare"], counts["common"]
    found = []
    if rare.n < rule.least_rare:
        found.append(f"The gap has {rare.n} holdout rows; at least {rule.least_rare} are needed.")
    if common.n < rule.least_common:
        found.append(
            f"The common labels have {common.n} holdout rows; at least {rule.least_common} are needed."
        )
    if rare.fixed + rare.broken < rule.least_changed:
        found.append(
            f"Only {rare.fixed + rare.broken} rows of the gap changed; "
            f"fewer than {rule.least_changed} can prove nothing."
        )
    return found


def _verdict(
    invalid: Sequence[InvalidReason],
    labels: Sequence[str],
    groups: Sequence[str],
    thin: Sequence[str],
    gates: Sequence[Gate],
) -> tuple[Verdict, list[str]]:
    if invalid:
        return "INVALID", [reason.text for reason in invalid]
    names = {"overall": "the holdout as a whole", "common": "the common labels", "rare": "the gap"}
    harm = [f"{names[group].capitalize()} got clearly worse." for group in groups]
    if labels:
        harm.append(f"Clearly worse: {', '.join(labels)}.")
    if harm:
        return "DO_NOT_SHIP", harm
    if thin:
        return "NOT_PROVEN", list(thin)
    failed = [gate for gate in gates if gate.passed is False]
    if failed:
        return "NOT_PROVEN", [_said(gate) for gate in failed]
    return "SHIP", [gate.text for gate in gates if gate.passed]


def _said(gate: Gate) -> str:
    needed = f" With these rates about {gate.rows_needed} rows would be needed." if gate.rows_needed else ""
    return gate.text + needed


def _rows_for_gain(pool: SliceCounts, rule: LaunchRule) -> int | None:
    """Rows at which the rates seen would prove a gain; None where no gain was seen or it is proven already."""
    if not pool.n or pool.fixed <= pool.broken or midp_gain(pool.fixed, pool.broken) <= rule.alpha:
        return None
    return rows_for_gain(
        share_fixed=pool.fixed / pool.n, share_broken=pool.broken / pool.n, alpha=rule.alpha, power=POWER
    )


def _rows_for_no_loss(pool: SliceCounts, rule: LaunchRule) -> int | None:
    """Rows that would rule a loss out if the model broke as much as it fixes; None for an empty slice."""
    if not pool.n:
        return None
    churn = round((pool.fixed + pool.broken) / pool.n, 3)
    if churn == 0:
        return rule.least_common
    return rows_for_no_loss(churn=churn, delta=rule.delta, alpha=rule.alpha, power=POWER)


def _points(change: float) -> str:
    return f"{change * 100:+.1f} points"


def _p(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def _lower(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]
