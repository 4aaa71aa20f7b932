"""What is true of things and how reliable people are, estimated together from what they say (Dawid and Skene 1979).

Two values only: on the first heap or not. No answer needs to be known, but people must overlap, see the guards of those
who call it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from math import log

ROUNDS = 200
TOLERANCE = 1e-8
TINY = 1e-10

Votes = Sequence[tuple[Hashable, Hashable, bool]]
"""(thing, person, on the first heap)."""


@dataclass(frozen=True)
class Reliability:
    """How often a person puts on the first heap what belongs there, and keeps off it what does not."""

    hits: float
    clears: float


@dataclass(frozen=True)
class Estimate:
    """``chances``: that each thing belongs on the first heap; ``share``: of all things."""

    chances: Mapping[Hashable, float]
    people: Mapping[Hashable, Reliability]
    share: float


def estimate(votes: Votes) -> Estimate:
    """Expectation maximisation from the share of votes on, until the likelihood stands still or ROUNDS are over."""
    by_thing: dict[Hashable, list[tuple[Hashable, bool]]] = defaultdict(list)
    for thing, person, vote in votes:
        by_thing[thing].append((person, vote))
    chances = {thing: sum(vote for _, vote in given) / len(given) for thing, given in by_thing.items()}
    people, share = _maximise(votes, chances)
    before = float("-inf")
    for _ in range(ROUNDS):
        chances, likelihood = _expect(by_thing, people, share)
        people, share = _maximise(votes, chances)
        if abs(likelihood - before) < TOLERANCE:
            break
        before = likelihood
    return Estimate(chances, people, share)


def _maximise(votes: Votes, chances: Mapping[Hashable, float]) -> tuple[dict[Hashable, Reliability], float]:
    hits: dict[Hashable, list[float]] = defaultdict(lambda: [0.0, 0.0, 0.0, 0.0])
    for thing, person, vote in votes:
        of = hits[person]
        chance = chances[thing]
        of[0] += chance * vote
        of[1] += chance
        of[2] += (1 - chance) * (not vote)
        of[3] += 1 - chance
    people = {
        person: Reliability((hit + TINY) / (belongs + 2 * TINY), (clear + TINY) / (not_ + 2 * TINY))
        for person, (hit, belongs, clear, not_) in hits.items()
    }
    return people, sum(chances.values()) / len(chances) if chances else 0.0


def _expect(
    by_thing: Mapping[Hashable, Sequence[tuple[Hashable, bool]]],
    people: Mapping[Hashable, Reliability],
    share: float,
) -> tuple[dict[Hashable, float], float]:
    chances: dict[Hashable, float] = {}
    likelihood = 0.0
    for thing, given in by_thing.items():
        belongs, not_ = share, 1 - share
        for person, vote in given:
            one = people[person]
            belongs *= one.hits if vote else 1 - one.hits
            not_ *= 1 - one.clears if vote else one.clears
        whole = max(belongs + not_, TINY)
        chances[thing] = belongs / whole
        likelihood += log(whole)
    return chances, likelihood
