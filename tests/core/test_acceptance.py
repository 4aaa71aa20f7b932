"""Lot bounds and operating characteristics agree with the golden cases and with what was simulated."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

import pytest

from apps.core.statistics.acceptance import (
    chance_of_at_most,
    most_bad,
    sequential_point,
    single_point,
    single_verdict,
)
from apps.core.statistics.sequential import Plan, Verdict, run_plan

GOLDEN = Path(__file__).resolve().parent.parent / "golden" / "06_acceptance_sampling.json"
CASES: list[dict[str, Any]] = json.loads(GOLDEN.read_text())["cases"]
BOUNDS = [case for case in CASES if case["inputs"]["kind"] == "lot_upper95"]
SINGLE = [case for case in CASES if case["inputs"]["kind"] == "single_plan" and case["inputs"]["N"]]


def test_there_are_golden_cases() -> None:
    assert len(BOUNDS) >= 8
    assert len(SINGLE) >= 3


@pytest.mark.parametrize("case", BOUNDS, ids=lambda case: str(case["inputs"]))
def test_the_bound_is_that_of_the_golden_cases(case: dict[str, Any]) -> None:
    inputs = case["inputs"]
    assert most_bad(inputs["N"], inputs["n"], inputs["bad"]) == case["expected"]["max_bad"]


def test_the_bound_of_a_whole_lot_is_what_was_seen() -> None:
    assert most_bad(40, 40, 3) == 3
    assert most_bad(40, 0, 0) == 40


def test_counts_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match="cannot be"):
        most_bad(10, 20, 0)


@pytest.mark.parametrize("case", SINGLE, ids=lambda case: str(case["inputs"]["N"]))
def test_a_sample_of_settled_size_decides_as_the_golden_plans_do(case: dict[str, Any]) -> None:
    lot, sampled, most = case["inputs"]["N"], case["expected"]["n"], case["expected"]["c"]
    assert single_verdict(Plan(), lot=lot, sampled=sampled, bad=most) == Verdict.ACCEPTED
    assert single_verdict(Plan(), lot=lot, sampled=sampled, bad=most + 1) != Verdict.ACCEPTED
    at_good = single_point(Plan(), 0.05, lot=lot, sampled=sampled)
    at_poor = single_point(Plan(), 0.15, lot=lot, sampled=sampled)
    assert at_good.accepts == pytest.approx(case["expected"]["p_accept_at_aql"], abs=1e-6)
    assert at_poor.accepts == pytest.approx(case["expected"]["p_accept_at_rql"], abs=1e-6)


def test_a_bad_sample_is_refused_and_a_middling_one_undecided() -> None:
    verdicts = [single_verdict(Plan(), lot=1000, sampled=50, bad=bad) for bad in (0, 5, 12)]
    assert verdicts == [Verdict.ACCEPTED, Verdict.UNDECIDED, Verdict.REFUSED]


def test_chances_add_up() -> None:
    assert chance_of_at_most(20, lot=100, bad_in_lot=20, sampled=30) == pytest.approx(1)
    assert chance_of_at_most(-1, lot=100, bad_in_lot=20, sampled=30) == 0
    assert chance_of_at_most(0, lot=100, bad_in_lot=20, sampled=90) == 0


@pytest.mark.parametrize(
    ("share", "accepts", "reviews"),
    # Simulated 4,000 times for the design: accepts .961 and 42 reviews; rejects .906 and 40; a coin toss and 60.
    [(0.05, 0.961, 42), (0.15, 0.094, 40), (0.10, 0.5, 60)],
)
def test_the_sequential_plan_does_what_its_simulation_did(share: float, accepts: float, reviews: int) -> None:
    point = sequential_point(Plan(), share)
    assert point.accepts == pytest.approx(accepts, abs=0.015 if share != 0.10 else 0.06)
    assert point.reviews == pytest.approx(reviews, abs=2)


def test_the_exact_figures_are_those_of_the_rule_itself() -> None:
    dice = Random(5)
    samples = [run_plan(Plan(), (dice.random() < 0.1 for _ in range(3000))) for _ in range(2000)]
    accepted = sum(sample.verdict == Verdict.ACCEPTED for sample in samples) / len(samples)
    point = sequential_point(Plan(), 0.1)
    assert accepted == pytest.approx(point.accepts, abs=0.04)
    assert sum(s.reviewed for s in samples) / len(samples) == pytest.approx(point.reviews, rel=0.08)
