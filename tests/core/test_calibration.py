"""Calibration agrees with scikit-learn, and says nothing where rows can tell nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from apps.core.statistics.calibration import (
    Bin,
    bins_of,
    brier,
    expected_calibration_error,
    recalibration,
)

GOLDEN = Path(__file__).resolve().parent.parent / "golden" / "20_calibration.json"
CASES: list[dict[str, Any]] = json.loads(GOLDEN.read_text())["cases"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(len(case["inputs"]["right"])))
def test_brier_error_slope_and_intercept_are_those_of_scikit_learn(case: dict[str, Any]) -> None:
    confidences, right = case["inputs"]["confidences"], [bool(each) for each in case["inputs"]["right"]]
    expected = case["expected"]
    assert brier(confidences, right) == pytest.approx(expected["brier"], abs=1e-6)
    bins = bins_of(confidences, right, least=1)
    assert expected_calibration_error(bins) == pytest.approx(expected["ece"], abs=1e-6)
    line = recalibration(confidences, right)
    assert line is not None
    assert (line.slope, line.intercept) == pytest.approx((expected["slope"], expected["intercept"]), abs=1e-5)


def test_a_thin_bin_joins_the_next_and_the_last_the_one_before() -> None:
    confidences = [0.05, 0.15, 0.15, 0.95]
    (joined,) = bins_of(confidences, [False, True, False, True], least=3)
    assert (joined.n, joined.confidence, joined.right) == pytest.approx((4, 0.325, 0.5))
    assert [each.n for each in bins_of(confidences, [False, True, False, True], least=1)] == [1, 2, 1]
    assert bins_of([1.0], [True], least=3) == [Bin(1, 1.0, 1.0)]


@pytest.mark.parametrize(
    ("confidences", "right"),
    [
        ([0.7, 0.7, 0.7], [True, False, True]),
        ([0.2, 0.7, 0.9], [True, True, True]),
        ([0.2, 0.7, 0.9], [False, True, True]),
    ],
    ids=["one confidence", "all right", "told apart"],
)
def test_there_is_no_line_where_the_rows_cannot_tell(confidences: list[float], right: list[bool]) -> None:
    assert recalibration(confidences, right) is None
