"""Deciding about a lot as its sample is reviewed, one record after the other: Wald's sequential test (Wald 1945)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from math import log


class Verdict(StrEnum):
    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNDECIDED = "undecided"


@dataclass(frozen=True)
class Plan:
    """``good``: a share of bad records that is fine; ``poor``: one that is not. ``alpha``: how often a fine lot may
    be refused; ``beta``: how often a poor one may be accepted."""

    good: float = 0.05
    poor: float = 0.15
    alpha: float = 0.05
    beta: float = 0.10

    @property
    def slope(self) -> float:
        """Bad records per reviewed one at which neither side gains."""
        return log((1 - self.good) / (1 - self.poor)) / self._scale

    @property
    def accept_offset(self) -> float:
        return log((1 - self.alpha) / self.beta) / self._scale

    @property
    def refuse_offset(self) -> float:
        return log((1 - self.beta) / self.alpha) / self._scale

    @property
    def _scale(self) -> float:
        return log(self.poor * (1 - self.good) / (self.good * (1 - self.poor)))

    def verdict(self, reviewed: int, bad: int) -> Verdict:
        """Of ``bad`` among the first ``reviewed``."""
        if bad >= self.slope * reviewed + self.refuse_offset:
            return Verdict.REFUSED
        if bad <= self.slope * reviewed - self.accept_offset:
            return Verdict.ACCEPTED
        return Verdict.UNDECIDED

    def more_needed(self, reviewed: int, bad: int) -> int:
        """Reviews until acceptance if every further record is good."""
        number = 0
        while self.verdict(reviewed + number, bad) == Verdict.UNDECIDED:
            number += 1
        return number


@dataclass(frozen=True)
class Sample:
    """Where a sequence of reviews stands: at its first decision, or at its end while there is none."""

    reviewed: int
    bad: int
    verdict: Verdict


def run_plan(plan: Plan, is_bad: Iterable[bool]) -> Sample:
    """Goes through reviews in their order and stops at the first decision: later ones do not undo it."""
    reviewed = bad = 0
    for this_is_bad in is_bad:
        reviewed, bad = reviewed + 1, bad + this_is_bad
        verdict = plan.verdict(reviewed, bad)
        if verdict != Verdict.UNDECIDED:
            return Sample(reviewed, bad, verdict)
    return Sample(reviewed, bad, Verdict.UNDECIDED)
