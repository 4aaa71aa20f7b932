"""Intervals of a rate."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

NORMAL = NormalDist()


@dataclass(frozen=True)
class Interval:
    """Both ends belong to it."""

    low: float
    high: float

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high


def wilson(k: int, n: int, confidence: float = 0.95) -> Interval:
    """Wilson's score interval of ``k`` of ``n`` (Wilson 1927); the whole unit interval for n = 0."""
    if n == 0:
        return Interval(0.0, 1.0)
    z = NORMAL.inv_cdf((1 + confidence) / 2)
    share = k / n
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * (share * (1 - share) / n + z * z / (4 * n * n)) ** 0.5
    # At the edges rounding may step over them.
    return Interval(0.0 if k == 0 else max(0.0, centre - half), 1.0 if k == n else min(1.0, centre + half))


def rule_of_three(n: int) -> float:
    """Upper 95% bound of a rate when none of ``n`` showed it: 3/n (Hanley and Lippman-Hand 1983)."""
    return min(1.0, 3 / n) if n else 1.0
