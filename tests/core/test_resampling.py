"""Intervals by drawing rows anew: against the normal approximation, and without a say of the order of rows."""

from __future__ import annotations

import math
import random
import statistics

import pytest

from apps.core.statistics.resampling import Answered, change_of_macro_f1, change_of_means


def test_the_interval_of_a_change_is_near_that_of_the_normal_distribution() -> None:
    dice = random.Random(5)
    before = [dice.random() for _ in range(400)]
    after = [min(1.0, value + dice.random() / 5) for value in before]
    interval = change_of_means(["all"] * 400, before, after)
    differences = [b - a for a, b in zip(before, after, strict=True)]
    centre, half = statistics.mean(differences), 1.96 * statistics.stdev(differences) / math.sqrt(400)
    assert (interval.low, interval.high) == pytest.approx((centre - half, centre + half), abs=half / 5)


def test_rows_are_drawn_within_their_labels() -> None:
    """Two labels, each of one value: the shares of the labels are given, so nothing varies."""
    strata, before, after = ["a"] * 30 + ["b"] * 10, [0.0] * 40, [1.0] * 30 + [0.2] * 10
    interval = change_of_means(strata, before, after)
    assert (interval.low, interval.high) == pytest.approx((0.8, 0.8))
    loose = change_of_means(["all"] * 40, before, after)
    assert loose.low < 0.75 < 0.85 < loose.high


def test_a_row_without_a_value_counts_for_the_other_model_alone() -> None:
    before, after = [1.0, 1.0, None, None] * 20, [None, 0.0, 0.0, None] * 20
    interval = change_of_means(["all"] * 80, before, after)
    assert (interval.low, interval.high) == (-1, -1)


def test_the_order_of_rows_changes_nothing() -> None:
    dice = random.Random(2)
    rows = [(dice.choice("ab"), dice.random(), dice.choice([None, 0.5, 1.0])) for _ in range(60)]
    one = change_of_means(*map(list, zip(*rows, strict=True)))
    dice.shuffle(rows)
    assert change_of_means(*map(list, zip(*rows, strict=True))) == one


def test_macro_f1_of_the_same_answers_does_not_change_and_of_better_ones_does() -> None:
    rows = [("a", "b"), ("a", "a"), ("b", "b"), ("b", "a")] * 25

    def answered(*, mended: bool) -> list[Answered]:
        return [
            Answered(gold, (said, gold if mended else said), (said == gold, mended or said == gold))
            for gold, said in rows
        ]

    same, better = change_of_macro_f1(answered(mended=False)), change_of_macro_f1(answered(mended=True))
    assert (same.low, same.high) == (0, 0)
    # Half of each label is found before, all of it afterwards: F1 goes from 0.5 to 1.
    assert 0.35 < better.low < 0.5 < better.high < 0.65
