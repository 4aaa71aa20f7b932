"""From one lot to the next of the same maker: how closely to look at it, by how those before it went.

After ISO 2859-1, with the numbers of measurement.md §5: a lot that passed earns reduced sampling, two refusals within
five lots tighten it, five passes in a row relax it again, five refusals under tightened sampling end it.

A reduced sample is too small to speak for its own lot (10 of 100 with none bad still allow 24 bad). What it can tell is
that the maker got worse: the samples of consecutive lots are one sequence, judged by the sequential test, which begins
anew whenever it accepts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache

from apps.core.statistics.acceptance import NEGLIGIBLE, OperatingPoint
from apps.core.statistics.sequential import Plan, Sample, Verdict

WINDOW = 5
REFUSED_IN_WINDOW = 2
PASSED_IN_A_ROW = 5
REFUSED_WHEN_TIGHT = 5


class Level(StrEnum):
    NORMAL = "normal"
    REDUCED = "reduced"
    TIGHTENED = "tightened"
    ENDED = "ended"
    """Sampling is over: look at everything."""


def level_of(passed: Iterable[bool]) -> Level:
    """For the next lot. ``passed``: of the lots before it that got a verdict, oldest first."""
    level, recent = Level.NORMAL, list[bool]()
    in_a_row = refused = 0
    for each in passed:
        if level == Level.TIGHTENED:
            in_a_row, refused = (in_a_row + 1, refused) if each else (0, refused + 1)
            if refused == REFUSED_WHEN_TIGHT:
                return Level.ENDED
            if in_a_row == PASSED_IN_A_ROW:
                level, recent = Level.NORMAL, []
            continue
        recent = [*recent, each][-WINDOW:]
        if recent.count(False) >= REFUSED_IN_WINDOW:
            level, in_a_row, refused = Level.TIGHTENED, 0, 0
        else:
            level = Level.REDUCED if each else Level.NORMAL
    return level


def tightened(rule: Plan) -> Plan:
    """Half the way between fine and not fine is not fine any more."""
    return replace(rule, poor=(rule.good + rule.poor) / 2)


@dataclass(frozen=True)
class Carried:
    """Where the sequence of reduced samples stands since the test last accepted."""

    reviewed: int = 0
    bad: int = 0


def run_reduced(
    rule: Plan, before: Carried, is_bad: Sequence[bool], *, is_through: bool
) -> tuple[Sample, Carried]:
    """Of one lot: its sample's reviews in order, on top of those ``before`` it. Refused at once where the sequence is;
    accepted when the sample ``is_through`` without that."""
    reviewed, bad = before.reviewed, before.bad
    for number, this_is_bad in enumerate(is_bad, start=1):
        reviewed, bad = reviewed + 1, bad + this_is_bad
        verdict = rule.verdict(reviewed, bad)
        if verdict == Verdict.REFUSED:
            return Sample(number, sum(is_bad[:number]), verdict), Carried()
        if verdict == Verdict.ACCEPTED:
            reviewed = bad = 0
    verdict = Verdict.ACCEPTED if is_through else Verdict.UNDECIDED
    return Sample(len(is_bad), sum(is_bad), verdict), Carried(reviewed, bad)


@lru_cache(maxsize=512)
def reduced_point(rule: Plan, share: float, *, sampled: int) -> OperatingPoint:
    """Of one reduced sample of a large lot of which ``share`` is bad, with nothing carried over: exact."""
    standing: dict[tuple[int, int], float] = {(0, 0): 1.0}
    reviews = 0.0
    for _ in range(sampled):
        reviews += sum(standing.values())
        following: dict[tuple[int, int], float] = defaultdict(float)
        for (reviewed, bad), chance in standing.items():
            for is_bad, part in ((0, chance * (1 - share)), (1, chance * share)):
                state = reviewed + 1, bad + is_bad
                verdict = rule.verdict(*state)
                if part > NEGLIGIBLE * NEGLIGIBLE and verdict != Verdict.REFUSED:
                    following[(0, 0) if verdict == Verdict.ACCEPTED else state] += part
        standing = following
    return OperatingPoint(share, sum(standing.values()), reviews)
