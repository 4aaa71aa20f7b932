"""Dawid and Skene's estimate against crowd-kit's (the golden file names its version)."""

from __future__ import annotations

import pytest

from apps.core.statistics.dawid_skene import estimate
from tests.core.test_statistics import cases


def test_truth_and_reliability_as_crowd_kit_has_them() -> None:
    (case,) = cases("12_dawid_skene")
    expected = case["expected"]
    found = estimate([(thing, person, bool(vote)) for thing, person, vote in case["inputs"]["votes"]])
    assert [int(found.chances[thing] > 0.5) for thing in range(60)] == expected["labels"]
    assert found.share == pytest.approx(expected["prior_bad"], abs=1e-3)
    for person, errors in expected["error_matrix"].items():
        assert found.people[person].hits == pytest.approx(errors["1"]["1"], abs=1e-3)
        assert found.people[person].clears == pytest.approx(errors["0"]["0"], abs=1e-3)


def test_nothing_said_is_nothing_estimated() -> None:
    assert estimate([]).people == {}
