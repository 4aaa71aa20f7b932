"""How many rows a question needs."""

from __future__ import annotations

import math
from functools import lru_cache
from itertools import count

from apps.core.statistics.intervals import NORMAL
from apps.core.statistics.paired import tango_z

SIMULATIONS = 4000
SEED = 20260101


def rows_for_gain(*, share_fixed: float, share_broken: float, alpha: float, power: float = 0.8) -> int:
    """Rows that show a gain with ``power`` at one-sided ``alpha`` in McNemar's test (Connor 1987)."""
    churn, gain = share_fixed + share_broken, share_fixed - share_broken
    if gain <= 0:
        raise ValueError("The gain must be positive.")
    z_alpha, z_power = NORMAL.inv_cdf(1 - alpha), NORMAL.inv_cdf(power)
    root = z_alpha * math.sqrt(churn) + z_power * math.sqrt(churn - gain * gain)
    return math.ceil((root / gain) ** 2)


def least_rows(*, alpha: float, delta: float) -> int:
    """Smallest n at which no changed row at all passes Tango's test against −``delta``.

    Tango's z of no changes is √(n·δ / (1 − δ)).
    """
    z = NORMAL.inv_cdf(1 - alpha)
    return max(1, math.ceil(z * z * (1 - delta) / delta))


def least_changed(*, alpha: float) -> int:
    """Smallest number of changed rows that can pass McNemar's mid-p at ``alpha``: 0.5^(b+1) ≤ α."""
    return next(b for b in count(1) if 0.5 ** (b + 1) <= alpha)


@lru_cache(maxsize=256)
def rows_for_no_loss(*, churn: float, delta: float, alpha: float, power: float = 0.8) -> int:
    """Rows that show no loss beyond ``delta`` with ``power`` when fixed = broken = ``churn``/2 (0 < churn ≤ 1).

    By simulation of Tango's test (seeded, so repeatable; within about 5%): the closed formula is too small where
    churn < delta.
    """
    import numpy as np  # noqa: PLC0415  seldom needed, and dear to import in the web process

    z = NORMAL.inv_cdf(1 - alpha)

    def reached(n: int) -> float:
        random = np.random.default_rng(SEED)
        draws = random.multinomial(n, [churn / 2, churn / 2, 1 - churn], size=SIMULATIONS)
        pairs, times = np.unique(draws[:, :2], axis=0, return_counts=True)
        passed = [
            times_seen
            for (fixed, broken), times_seen in zip(pairs.tolist(), times.tolist(), strict=True)
            if tango_z(fixed, broken, n, -delta) >= z
        ]
        return float(sum(passed) / SIMULATIONS)

    low, high = 1, least_rows(alpha=alpha, delta=delta)
    while reached(high) < power:
        low, high = high, high * 2
    while high - low > max(1, high // 200):
        middle = (low + high) // 2
        low, high = (low, middle) if reached(middle) >= power else (middle, high)
    return high
