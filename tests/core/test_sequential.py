"""Wald's sequential plan agrees with its golden cases, and with what it promises."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

import pytest

from apps.core.statistics.sequential import Plan, Verdict, run_plan

GOLDEN = Path(__file__).resolve().parent.parent / "golden" / "06_acceptance_sampling.json"
CASES = [case for case in json.loads(GOLDEN.read_text())["cases"] if case["inputs"]["kind"] == "sprt"]
DECISIONS = {"accept": Verdict.ACCEPTED, "reject": Verdict.REFUSED, "continue": Verdict.UNDECIDED}


def test_there_are_golden_cases() -> None:
    assert len(CASES) >= 2


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["expected"]["decision"]))
def test_it_decides_as_the_golden_cases_do(case: dict[str, Any]) -> None:
    inputs, expected = case["inputs"], case["expected"]
    plan = Plan(good=inputs["p0"], poor=inputs["p1"], alpha=inputs["alpha"], beta=inputs["beta"])
    assert plan.slope == pytest.approx(expected["slope"])
    assert plan.refuse_offset == pytest.approx(expected["h_reject"])
    assert plan.accept_offset == pytest.approx(expected["h_accept"])
    sample = run_plan(plan, map(bool, inputs["outcomes"]))
    assert sample.verdict == DECISIONS[expected["decision"]]
    if sample.verdict != Verdict.UNDECIDED:
        assert (sample.reviewed, sample.bad) == (expected["at"], expected["bad"])


def test_more_needed_is_enough_and_one_less_is_not() -> None:
    plan = Plan()
    for reviewed, bad in [(0, 0), (10, 1), (30, 3)]:
        more = plan.more_needed(reviewed, bad)
        assert plan.verdict(reviewed + more, bad) == Verdict.ACCEPTED
        assert plan.verdict(reviewed + more - 1, bad) == Verdict.UNDECIDED


def test_a_decision_is_not_undone_by_what_comes_later() -> None:
    assert run_plan(Plan(), [True] * 3 + [False] * 500).verdict == Verdict.REFUSED


@pytest.mark.parametrize(("share", "at_least"), [(0.05, 0.94), (0.15, 0.0)])
def test_fine_lots_pass_and_poor_ones_rarely_do(share: float, at_least: float) -> None:
    dice = Random(7)
    accepted = sum(
        run_plan(Plan(), (dice.random() < share for _ in range(2000))).verdict == Verdict.ACCEPTED
        for _ in range(1000)
    )
    assert accepted / 1000 >= at_least
    if share == 0.15:
        assert accepted / 1000 <= 0.12
