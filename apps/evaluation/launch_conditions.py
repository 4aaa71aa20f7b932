"""The five conditions of the launch rule, each on paired counts of real holdout rows and said in words."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from apps.core.statistics.intervals import NORMAL
from apps.core.statistics.paired import Stratum, midp_gain, tango_z, weighted_gain
from apps.core.statistics.sample_size import least_changed, least_rows, rows_for_gain, rows_for_no_loss

Role = Literal["rare", "common", "other"]

LEAST_RARE_ROWS = 30
TRIPWIRE_ROWS = 4
TRIPWIRE_PERCENT = 8
POWER = 0.8
NO_GAIN = "No gain was seen, so no number of rows can be named."
GROUP_NAMES = {
    "overall": "The holdout as a whole",
    "common": "The common labels",
    "rare": "The gap",
}


@dataclass(frozen=True)
class SliceCounts:
    """One label's rows: ``fixed`` went from wrong to right, ``broken`` the other way, of ``n``."""

    label: str
    role: Role
    n: int
    fixed: int
    broken: int

    def __post_init__(self) -> None:
        if min(self.fixed, self.broken) < 0 or self.fixed + self.broken > self.n:
            raise ValueError(f"{self.label}: {self.fixed} fixed and {self.broken} broken of {self.n} rows.")


@dataclass(frozen=True)
class LaunchRule:
    """What was declared before anybody looked. ``alpha`` is per look and one-sided; ``delta`` a share."""

    alpha: float
    delta: float
    least_rare: int
    least_common: int
    least_changed: int


@dataclass(frozen=True)
class Gate:
    """One of the conditions that all have to hold, and why it does or does not.

    ``statistic`` must be at most ``threshold`` for kinds p and count, at least that for z. ``passed`` is None where
    the condition does not apply. A failed one says in ``remedy`` what would help, with ``rows_needed`` if it is rows.
    ``change`` is the share of rows gained that it judges: weighted, where the condition is.
    """

    name: str
    kind: Literal["p", "z", "count"]
    statistic: float | None
    threshold: float | None
    text: str
    passed: bool | None
    change: float | None = None
    rows_needed: int | None = None
    remedy: str = ""


def rule_for(*, alpha: float, looks: int, delta: float) -> LaunchRule:
    """Divides α once by the declared looks and derives the guards from it."""
    if not (0 < alpha <= 0.5 and looks >= 1 and 0 < delta < 1):
        raise ValueError(f"alpha {alpha}, {looks} looks and delta {delta} are no launch rule.")
    per_look = alpha / looks
    return LaunchRule(
        alpha=per_look,
        delta=delta,
        least_rare=LEAST_RARE_ROWS,
        least_common=least_rows(alpha=per_look, delta=delta),
        least_changed=least_changed(alpha=per_look),
    )


def overall_gate(
    counts: Mapping[str, SliceCounts], rule: LaunchRule, shares: Mapping[str, float] | None
) -> Gate:
    """All rows gain; weighted by role → share of production where ``shares`` say that gap labels are over-sampled."""
    if shares is None:
        return gain_gate("overall", counts["overall"], rule)
    unseen = _unseen_roles(counts, shares)
    if unseen:
        text = f"The holdout has no rows of {', '.join(unseen)} labels, so it cannot be weighted as production is."
        return Gate("overall", "p", None, rule.alpha, text, passed=False)
    strata = [
        Stratum(counts[role].n, counts[role].fixed, counts[role].broken, share)
        for role, share in shares.items()
        if share
    ]
    gain = weighted_gain(strata)
    text = f"Weighted as production is, the whole holdout changes by {points(gain.difference)}"
    # The standard error falls with √n, so z has to grow to the sum of both quantiles.
    wanted = NORMAL.inv_cdf(1 - rule.alpha) + NORMAL.inv_cdf(POWER)
    needed = math.ceil(counts["overall"].n * (wanted / gain.z) ** 2) if gain.z > 0 else None
    return _by_p("overall", gain.p, gain.difference, text, rule, needed)


def _unseen_roles(counts: Mapping[str, SliceCounts], shares: Mapping[str, float]) -> list[str]:
    """Roles that production has and the holdout has not; refuses shares that do not describe production."""
    roles = {"rare", "common", "other"}
    uncovered = [role for role in roles - set(shares) if counts[role].n]
    if set(shares) - roles or uncovered or min(shares.values()) < 0 or abs(sum(shares.values()) - 1) > 1e-6:
        raise ValueError(
            f"Production shares must cover every role of the holdout and sum to 1: {dict(shares)}."
        )
    return sorted(role for role, share in shares.items() if share and not counts[role].n)


def gain_gate(name: Literal["overall", "rare"], pool: SliceCounts, rule: LaunchRule) -> Gate:
    """More rows were fixed than broken: one-sided mid-p of McNemar's test."""
    text = f"{GROUP_NAMES[name]} has {_counted(pool)}"
    return _gain(name, text, pool, rule)


def control_gate(control: tuple[int, int] | None, n: int, rule: LaunchRule) -> Gate:
    """The gap gains also against a model that saw the same real rows re-weighted or duplicated, and no new text."""
    if control is None:
        return Gate("control", "p", None, rule.alpha, "No real-only control was compared.", passed=None)
    pool = SliceCounts("control", "rare", n, *control)
    return _gain("control", f"Against the real-only control the gap has {_counted(pool)}", pool, rule)


def _gain(name: str, text: str, pool: SliceCounts, rule: LaunchRule) -> Gate:
    p = midp_gain(pool.fixed, pool.broken)
    return _by_p(name, p, _change(pool), text, rule, _rows_for_gain(pool, rule))


def _rows_for_gain(pool: SliceCounts, rule: LaunchRule) -> int | None:
    """Rows at which the rates seen would prove a gain; None where none was seen."""
    if pool.fixed <= pool.broken:
        return None
    fixed, broken = pool.fixed / pool.n, pool.broken / pool.n
    formula = rows_for_gain(share_fixed=fixed, share_broken=broken, alpha=rule.alpha, power=POWER)
    # The formula approximates an exact test: it may name a number that was just seen not to do.
    return max(formula, pool.n + 1)


def _by_p(name: str, p: float, change: float, text: str, rule: LaunchRule, needed: int | None) -> Gate:
    text = f"{text} (p {p_value(p)}, at most {rule.alpha:.3g} is needed)."
    if p <= rule.alpha:
        return Gate(name, "p", p, rule.alpha, text, passed=True, change=change)
    remedy = f"At these rates about {needed} rows would be needed." if needed else NO_GAIN
    return Gate(
        name, "p", p, rule.alpha, text, passed=False, change=change, rows_needed=needed, remedy=remedy
    )


def common_gate(pool: SliceCounts, rule: LaunchRule) -> Gate:
    """A loss of δ on the common labels is ruled out: Tango's score test of non-inferiority."""
    z_needed = NORMAL.inv_cdf(1 - rule.alpha)
    z = tango_z(pool.fixed, pool.broken, pool.n, -rule.delta) if pool.n else 0.0
    passed = z >= z_needed
    text = (
        f"The common labels have {_counted(pool)}; a loss beyond {rule.delta * 100:.1f} points is "
        f"{'ruled out' if passed else 'not ruled out'} (z = {z:.2f}, at least {z_needed:.2f} is needed)."
    )
    gate = Gate("common", "z", z, z_needed, text, passed=passed, change=_change(pool))
    if passed:
        return gate
    needed = _rows_for_no_loss(pool, rule)
    if needed <= pool.n:
        return replace(gate, remedy=f"{needed} rows would do if nothing were lost, so the loss may be real.")
    remedy = f"If nothing is truly lost, about {needed} rows would show it."
    return replace(gate, rows_needed=needed, remedy=remedy)


def _rows_for_no_loss(pool: SliceCounts, rule: LaunchRule) -> int:
    """Rows that would rule a loss out if the model broke as much as it fixes."""
    # Rounded, so that the simulation behind it is found in its cache.
    churn = round((pool.fixed + pool.broken) / pool.n, 3) if pool.n else 0.0
    if churn == 0:
        return rule.least_common
    return rows_for_no_loss(churn=churn, delta=rule.delta, alpha=rule.alpha, power=POWER)


def trips(row: SliceCounts) -> bool:
    """A gap label that lost, or a common label that lost four rows and eight percent or more."""
    lost = row.broken - row.fixed
    if row.role == "common":
        return lost >= TRIPWIRE_ROWS and 100 * lost >= TRIPWIRE_PERCENT * row.n
    return row.role == "rare" and lost > 0


def tripwire_gate(tripped: Sequence[SliceCounts]) -> Gate:
    """No single label lost, however the groups did."""
    lost = "; ".join(f"{row.label} has {_counted(row)}" for row in tripped)
    text = f"Single labels lost: {lost}." if tripped else "No gap label lost, no common label lost much."
    return Gate("tripwire", "count", float(len(tripped)), 0.0, text, passed=not tripped)


def _change(pool: SliceCounts) -> float:
    return (pool.fixed - pool.broken) / pool.n if pool.n else 0.0


def _counted(pool: SliceCounts) -> str:
    return f"{pool.fixed} fixed and {pool.broken} broken of {pool.n} rows"


def points(change: float) -> str:
    # Adding nought turns a rounded −0.0 into +0.0.
    return f"{round(change * 100, 1) + 0.0:+.1f} points"


def p_value(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"= {value:.3g}"
