"""What a random sample of a lot says about the rest of it, and how often a plan accepts a lot of a given quality.

Draws are without replacement, so counts are hypergeometric.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import lru_cache
from math import ceil, exp, floor, lgamma

from apps.core.statistics.sequential import Plan, Verdict

MOST_REVIEWS = 3000
"""Where the sequential plan is cut when its figures are computed: less than one run in a billion goes on so long."""
NEGLIGIBLE = 1e-9


@dataclass(frozen=True)
class OperatingPoint:
    """How a plan treats lots of which ``share`` is bad: chance of acceptance, and mean number of reviews."""

    share: float
    accepts: float
    reviews: float


def chance_of_at_most(bad: int, *, lot: int, bad_in_lot: int, sampled: int) -> float:
    """P(X ≤ ``bad``) among ``sampled`` of ``lot`` records, ``bad_in_lot`` of which are bad."""
    least = max(0, sampled - (lot - bad_in_lot))
    most = min(bad, sampled, bad_in_lot)
    whole = _log_choose(lot, sampled)
    terms = (
        exp(_log_choose(bad_in_lot, k) + _log_choose(lot - bad_in_lot, sampled - k) - whole)
        for k in range(least, most + 1)
    )
    return min(1.0, sum(terms))


def most_bad(lot: int, sampled: int, bad: int, *, confidence: float = 0.95) -> int:
    """The most bad records that the whole lot may hold: the upper one-sided limit, the ``bad`` seen included.

    For a sample whose size was settled beforehand. Raises ValueError for counts that cannot be.
    """
    if not 0 <= bad <= sampled <= lot:
        raise ValueError(f"{bad} bad of {sampled} sampled of {lot} cannot be.")
    low, high = bad, lot - (sampled - bad)
    while low < high:
        middle = (low + high + 1) // 2
        if chance_of_at_most(bad, lot=lot, bad_in_lot=middle, sampled=sampled) > 1 - confidence:
            low = middle
        else:
            high = middle - 1
    return low


def single_verdict(plan: Plan, *, lot: int, sampled: int, bad: int) -> Verdict:
    """Of a sample of a settled size. Accepted: a lot as bad as ``plan.poor`` would look so good at most with
    ``beta``. Refused: a lot as good as ``plan.good`` would look so bad at most with ``alpha``. Else undecided."""
    poor = min(lot, ceil(plan.poor * lot))
    if chance_of_at_most(bad, lot=lot, bad_in_lot=poor, sampled=sampled) <= plan.beta:
        return Verdict.ACCEPTED
    good = floor(plan.good * lot)
    if 1 - chance_of_at_most(bad - 1, lot=lot, bad_in_lot=good, sampled=sampled) <= plan.alpha:
        return Verdict.REFUSED
    return Verdict.UNDECIDED


@lru_cache(maxsize=512)
def most_accepted(plan: Plan, *, lot: int, sampled: int) -> int:
    """The most bad records with which a sample of a settled size is still accepted; -1 when it is too small."""
    low, high = -1, sampled
    while low < high:
        middle = (low + high + 1) // 2
        if single_verdict(plan, lot=lot, sampled=sampled, bad=middle) == Verdict.ACCEPTED:
            low = middle
        else:
            high = middle - 1
    return low


def single_point(plan: Plan, share: float, *, lot: int, sampled: int) -> OperatingPoint:
    """Of a sample of a settled size out of a lot of which ``share`` is bad."""
    last = most_accepted(plan, lot=lot, sampled=sampled)
    accepts = chance_of_at_most(last, lot=lot, bad_in_lot=round(share * lot), sampled=sampled)
    return OperatingPoint(share, accepts, float(sampled))


@lru_cache(maxsize=512)
def sequential_point(plan: Plan, share: float) -> OperatingPoint:
    """Of the sequential plan in a large lot: exact, by following every count that is still undecided."""
    slope, accept_at, refuse_at = plan.slope, plan.accept_offset, plan.refuse_offset
    undecided: dict[int, float] = {0: 1.0}
    accepts = reviews = 0.0
    for reviewed in range(1, MOST_REVIEWS + 1):
        left = sum(undecided.values())
        if left < NEGLIGIBLE:
            break
        reviews += left
        following: dict[int, float] = defaultdict(float)
        for bad, chance in undecided.items():
            following[bad] += chance * (1 - share)
            following[bad + 1] += chance * share
        undecided = {}
        for bad, chance in following.items():
            if bad >= slope * reviewed + refuse_at:
                continue
            if bad <= slope * reviewed - accept_at:
                accepts += chance
            else:
                undecided[bad] = chance
    return OperatingPoint(share, accepts, reviews)


def _log_choose(of: int, chosen: int) -> float:
    return lgamma(of + 1) - lgamma(chosen + 1) - lgamma(of - chosen + 1)
