"""The walk through combinations meets each once and is balanced all along."""

from __future__ import annotations

import math
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core.spread import spread

sizes = st.lists(st.integers(1, 7), min_size=0, max_size=4)


@given(sizes)
def test_every_combination_occurs_exactly_once(sizes: list[int]) -> None:
    product = math.prod(sizes)
    assert len({tuple(spread(place, sizes)) for place in range(product)}) == product


@given(sizes, st.integers(0, 10_000))
def test_the_walk_starts_over_after_the_last_combination(sizes: list[int], place: int) -> None:
    assert spread(place, sizes) == spread(place + math.prod(sizes), sizes)


@pytest.mark.parametrize("sizes", [[2, 3], [4, 6], [5, 5], [3, 2, 4]])
def test_after_any_number_of_steps_the_values_of_a_digit_are_used_about_equally(sizes: list[int]) -> None:
    used = [Counter[int]() for _ in sizes]
    for place in range(math.prod(sizes)):
        for counter, digit in zip(used, spread(place, sizes), strict=True):
            counter[digit] += 1
        for counter, size in zip(used, sizes, strict=True):
            counts = [counter[value] for value in range(size)]
            assert max(counts) - min(counts) <= 2
