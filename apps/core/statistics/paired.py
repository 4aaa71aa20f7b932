"""Paired comparisons of two models on the same rows: ``fixed`` became right, ``broken`` became wrong."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from apps.core.statistics.intervals import NORMAL, Interval, wilson


def midp_gain(fixed: int, broken: int) -> float:
    """One-sided mid-p of McNemar's exact test for fixed > broken (Fagerland 2013).

    P(X > fixed) + P(X = fixed)/2 for X ~ Binomial(fixed + broken, ½); 0.5 when nothing changed.
    """
    changed = fixed + broken
    at_least, exactly = _tail(changed, fixed)
    # 1 << n: an integer for certain, where ** might be a float to a type checker.
    return (2 * at_least - exactly) / (1 << (changed + 1))


def midp_loss(fixed: int, broken: int) -> float:
    """One-sided mid-p for broken > fixed."""
    return midp_gain(broken, fixed)


def midp_two_sided(fixed: int, broken: int) -> float:
    """Two-sided mid-p: twice the smaller one-sided one, so 1 when fixed = broken."""
    return min(1.0, 2 * min(midp_gain(fixed, broken), midp_loss(fixed, broken)))


def _tail(tosses: int, heads: int) -> tuple[int, int]:
    """Of the 2^``tosses`` outcomes: how many have at least ``heads`` heads, and how many exactly that many."""
    exactly = ways = math.comb(tosses, heads)
    at_least = ways
    for k in range(heads, tosses):
        ways = ways * (tosses - k) // (k + 1)
        at_least += ways
    return at_least, exactly


def tango_z(fixed: int, broken: int, n: int, difference: float) -> float:
    """Tango's score statistic that the true difference (fixed − broken)/n is ``difference`` (Tango 1998).

    Closed form of the constrained maximum-likelihood estimate of the probability to break. Infinite, with the
    sign of the distance, where the variance under the hypothesis is nil.
    """
    a = 2 * n
    b = -fixed - broken + (2 * n - fixed + broken) * difference
    c = -broken * difference * (1 - difference)
    breaking = (math.sqrt(max(0.0, b * b - 4 * a * c)) - b) / (2 * a)
    distance = fixed - broken - n * difference
    variance = n * (2 * breaking + difference * (1 - difference))
    if variance <= 0:
        return math.copysign(math.inf, distance) if distance else 0.0
    return distance / math.sqrt(variance)


def tango_interval(fixed: int, broken: int, n: int, confidence: float = 0.95) -> Interval:
    """Two-sided score interval of (fixed − broken)/n: all differences that the test does not reject."""
    z = NORMAL.inv_cdf((1 + confidence) / 2)
    estimate = (fixed - broken) / n
    return Interval(
        _boundary(lambda d: tango_z(fixed, broken, n, d) <= z, -1.0, estimate),
        _boundary(lambda d: tango_z(fixed, broken, n, d) < -z, estimate, 1.0),
    )


def _boundary(is_right_of_it: Callable[[float], bool], low: float, high: float) -> float:
    """Where a monotone condition turns true between ``low`` and ``high``, to print precision."""
    for _ in range(60):
        middle = (low + high) / 2
        if is_right_of_it(middle):
            high = middle
        else:
            low = middle
    return (low + high) / 2


@dataclass(frozen=True)
class Stratum:
    """Rows of one role with its share of production traffic (shares of all strata sum to 1)."""

    n: int
    fixed: int
    broken: int
    production_share: float


@dataclass(frozen=True)
class WeightedGain:
    difference: float
    standard_error: float
    z: float
    p: float


def weighted_gain(strata: Sequence[Stratum]) -> WeightedGain:
    """Gain as production would see it, for a holdout that over-samples some roles; one-sided p.

    The variance adds half a row to each of the two changed cells of a stratum, so that a stratum without changes
    is not taken for certain.
    """
    difference = variance = 0.0
    for stratum in strata:
        gain = (stratum.fixed - stratum.broken) / stratum.n
        difference += stratum.production_share * gain
        rows = stratum.n + 1
        fixed, broken = (stratum.fixed + 0.5) / rows, (stratum.broken + 0.5) / rows
        variance += stratum.production_share**2 * (fixed + broken - (fixed - broken) ** 2) / rows
    error = math.sqrt(variance)
    z = difference / error
    return WeightedGain(difference, error, z, NORMAL.cdf(-z))


@dataclass(frozen=True)
class RegressionRate:
    """How often a row broke: of all rows, and of those that were right before."""

    of_all: float
    of_all_interval: Interval
    of_right: float
    of_right_interval: Interval
    net: float


def regression_rate(*, n: int, was_right: int, fixed: int, broken: int) -> RegressionRate:
    """Negative flips of ``n`` > 0 rows with Wilson's 95% intervals; ``was_right`` rows could break at all."""
    return RegressionRate(
        of_all=broken / n,
        of_all_interval=wilson(broken, n),
        of_right=broken / was_right if was_right else 0.0,
        of_right_interval=wilson(broken, was_right),
        net=(fixed - broken) / n,
    )
