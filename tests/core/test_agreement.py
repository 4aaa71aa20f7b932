"""Agreement of two raters, against scikit-learn's kappa and irrCAC's AC1 (the golden file names their versions)."""

from __future__ import annotations

from typing import Any

import pytest

from apps.core.statistics.agreement import Agreement, bootstrap, krippendorff_alpha
from tests.core.test_statistics import cases

TABLES = [case for case in cases("11_agreement") if "table_accept_reject" in case["inputs"]]


def test_there_are_golden_tables() -> None:
    assert len(TABLES) == 3


@pytest.mark.parametrize("case", TABLES)
def test_raw_kappa_and_ac1(case: dict[str, Any]) -> None:
    (both, first_only), (second_only, neither) = case["inputs"]["table_accept_reject"]
    found, expected = Agreement(both, first_only, second_only, neither), case["expected"]
    assert found.raw == pytest.approx(expected["percent"], abs=1e-4)
    assert found.kappa == pytest.approx(expected["cohen_kappa"], abs=1e-4)
    assert found.ac1 == pytest.approx(expected["gwet_ac1"], abs=1e-4)


def test_nothing_and_one_heap_alone_are_no_division_by_zero() -> None:
    assert (Agreement(0, 0, 0, 0).raw, Agreement(0, 0, 0, 0).kappa, Agreement(0, 0, 0, 0).ac1) == (0, 0, 0)
    assert (Agreement(5, 0, 0, 0).kappa, Agreement(5, 0, 0, 0).ac1) == (0, 1)


@pytest.mark.parametrize("case", TABLES)
def test_alpha_of_two_values(case: dict[str, Any]) -> None:
    (both, first_only), (second_only, neither) = case["inputs"]["table_accept_reject"]
    found = Agreement(both, first_only, second_only, neither)
    assert found.alpha == pytest.approx(case["expected"]["krippendorff_alpha"], abs=1e-4)


def test_alpha_of_many_raters_and_values_some_of_them_missing() -> None:
    (case,) = [case for case in cases("11_agreement") if "reliability_matrix" in case["inputs"]]
    units = [
        [value for value in unit if value is not None]
        for unit in zip(*case["inputs"]["reliability_matrix"], strict=True)
    ]
    expected = case["expected"]["krippendorff_alpha_nominal"]
    assert krippendorff_alpha(units) == pytest.approx(expected, abs=1e-4)


def test_alpha_of_nothing_and_of_one_value_alone() -> None:
    assert krippendorff_alpha([]) == krippendorff_alpha([["a"]]) == 0
    assert krippendorff_alpha([["a", "a"], ["a", "a"]]) == 1


def test_bootstrap_intervals_hold_the_estimate_and_are_the_same_every_time() -> None:
    found = Agreement(180, 6, 6, 8)
    intervals = bootstrap(found)
    assert intervals == bootstrap(found)
    assert found.raw in intervals.raw
    assert found.ac1 in intervals.ac1
    assert found.alpha in intervals.alpha
    # A binomial share of 0.94 of 200 has a standard error of 0.0168.
    assert intervals.raw.high - intervals.raw.low == pytest.approx(2 * 1.96 * 0.0168, abs=0.01)


def test_below_fifty_records_the_range_of_alpha_holds_zero() -> None:
    """Two reviewers who are right 95% of the time, at a tenth bad: why the page waits for fifty."""
    assert 0 in bootstrap(Agreement(34, 2, 1, 1)).alpha
