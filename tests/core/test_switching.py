"""How closely the next lot is looked at, and what a reduced sample can tell."""

from __future__ import annotations

import random

import pytest

from apps.core.statistics.sequential import Plan, Verdict, run_plan
from apps.core.statistics.switching import Carried, Level, level_of, reduced_point, run_reduced, tightened


@pytest.mark.parametrize(
    ("history", "level"),
    [
        ("", Level.NORMAL),
        ("+", Level.REDUCED),
        ("-", Level.NORMAL),
        ("+-", Level.NORMAL),
        ("-+", Level.REDUCED),
        ("--", Level.TIGHTENED),
        ("-+++-", Level.TIGHTENED),
        ("-++++-", Level.NORMAL),
        ("--++++", Level.TIGHTENED),
        ("--+++++", Level.NORMAL),
        ("--++-+++++", Level.NORMAL),
        ("--+++++-", Level.NORMAL),
        ("--+++++--", Level.TIGHTENED),
        ("--++++-++++", Level.TIGHTENED),
        ("--+-+-+-+-+-", Level.ENDED),
        ("-------", Level.ENDED),
        ("------", Level.TIGHTENED),
    ],
)
def test_the_level_follows_from_how_the_lots_before_went(history: str, level: Level) -> None:
    assert level_of(mark == "+" for mark in history) == level


def test_tightened_means_less_is_fine() -> None:
    assert tightened(Plan()).poor == pytest.approx(0.10)
    assert tightened(Plan()).good == 0.05


def test_a_reduced_sample_passes_when_it_is_through_and_fails_at_once() -> None:
    rule = Plan()
    assert run_reduced(rule, Carried(), [False] * 4, is_through=False)[0].verdict == Verdict.UNDECIDED
    sample, carried = run_reduced(rule, Carried(), [False, True, False], is_through=True)
    assert (sample.verdict, carried) == (Verdict.ACCEPTED, Carried(3, 1))
    sample, carried = run_reduced(rule, Carried(), [True, True, True, False], is_through=True)
    assert (sample.reviewed, sample.bad, sample.verdict, carried) == (3, 3, Verdict.REFUSED, Carried())


def test_small_samples_of_lots_in_a_row_are_one_sequence() -> None:
    """Two bad of five pass alone; the same again after them does not."""
    rule, sample = Plan(), [True, False, True, False, False]
    first, carried = run_reduced(rule, Carried(), sample, is_through=True)
    assert first.verdict == Verdict.ACCEPTED
    second, _ = run_reduced(rule, carried, sample, is_through=True)
    assert second.verdict == Verdict.REFUSED
    assert run_plan(rule, sample * 2).verdict == Verdict.REFUSED


def test_a_sequence_that_is_accepted_begins_anew() -> None:
    clean = [False] * 21
    assert run_plan(Plan(), clean).verdict == Verdict.ACCEPTED
    assert run_reduced(Plan(), Carried(), clean, is_through=True)[1] == Carried()
    assert run_reduced(Plan(), Carried(), [*clean, False], is_through=True)[1] == Carried(1, 0)


@pytest.mark.parametrize("share", [0.05, 0.15, 0.30])
def test_the_operating_point_is_what_simulation_finds(share: float) -> None:
    dice, rounds, sampled = random.Random(3), 4000, 30
    passed = sum(
        run_reduced(Plan(), Carried(), [dice.random() < share for _ in range(sampled)], is_through=True)[
            0
        ].verdict
        == Verdict.ACCEPTED
        for _ in range(rounds)
    )
    assert reduced_point(Plan(), share, sampled=sampled).accepts == pytest.approx(passed / rounds, abs=0.025)
