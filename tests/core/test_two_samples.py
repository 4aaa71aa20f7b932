"""Fisher's mid-p against the definition in exact fractions."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest

from apps.core.statistics.two_samples import midp_more


def exactly(k: int, n: int, before: int, of: int) -> float:
    def ways(value: int) -> Fraction:
        return Fraction(math.comb(k + before, value) * math.comb(n + of - k - before, n - value))

    above = sum((ways(value) for value in range(k + 1, n + 1)), Fraction(0))
    return float((above + ways(k) / 2) / math.comb(n + of, n))


@pytest.mark.parametrize(
    "table", [(0, 5, 3, 5), (3, 5, 0, 5), (5, 50, 5, 200), (30, 50, 1, 60), (1, 1, 1, 3)]
)
def test_it_is_what_its_definition_says(table: tuple[int, int, int, int]) -> None:
    assert midp_more(*table) == pytest.approx(exactly(*table), rel=1e-9)


@pytest.mark.parametrize("table", [(0, 50, 0, 500), (50, 50, 500, 500), (0, 0, 3, 9), (3, 9, 0, 0)])
def test_nothing_to_tell_apart_is_a_half(table: tuple[int, int, int, int]) -> None:
    assert midp_more(*table) == 0.5


def test_large_samples_stay_exact_enough() -> None:
    assert midp_more(60, 500, 12_000, 100_000) == pytest.approx(0.5, abs=0.03)
    assert midp_more(120, 500, 12_000, 100_000) < 1e-12
