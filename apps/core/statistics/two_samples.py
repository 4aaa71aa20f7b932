"""Rates of two independent samples."""

from __future__ import annotations

import math


def midp_more(k: int, n: int, before: int, of: int) -> float:
    """One-sided mid-p of Fisher's exact test that ``k`` of ``n`` is a higher rate than ``before`` of ``of``.

    P(X > k) + P(X = k)/2 for the hypergeometric X (Lancaster 1961); 0.5 when there is nothing to tell apart.
    """
    marked, everything = k + before, n + of
    if not n or not of or marked in (0, everything):
        return 0.5
    whole = _log_choose(everything, n)

    def probability(value: int) -> float:
        return math.exp(_log_choose(marked, value) + _log_choose(everything - marked, n - value) - whole)

    return min(
        1.0, probability(k) / 2 + sum(probability(value) for value in range(k + 1, min(n, marked) + 1))
    )


def _log_choose(n: int, k: int) -> float:
    if not 0 <= k <= n:
        return -math.inf
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
