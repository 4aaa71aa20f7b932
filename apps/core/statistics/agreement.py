"""How far people who sort the same things agree."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from itertools import permutations

from apps.core.statistics.intervals import Interval

DRAWS = 2000
SEED = 20260101


@dataclass(frozen=True)
class Agreement:
    """``both`` and ``neither``: things both, or neither, put on the first heap; the others are where they differ."""

    both: int
    first_only: int
    second_only: int
    neither: int

    @property
    def n(self) -> int:
        return self.both + self.first_only + self.second_only + self.neither

    @property
    def agreed(self) -> int:
        return self.both + self.neither

    @property
    def raw(self) -> float:
        """Share on which they agree; 0 of nothing."""
        return self.agreed / self.n if self.n else 0.0

    @property
    def kappa(self) -> float:
        """Cohen's kappa (Cohen 1960). Falls below 0 where one heap is nearly everything; 0 where that is all of it."""
        first, second = self._shares()
        return self._beyond(first * second + (1 - first) * (1 - second))

    @property
    def ac1(self) -> float:
        """Gwet's AC1 (Gwet 2008): agreement beyond chance that does not fall when one heap is nearly everything."""
        mean = sum(self._shares()) / 2
        return self._beyond(2 * mean * (1 - mean))

    @property
    def alpha(self) -> float:
        """Krippendorff's alpha of two values; as kappa, it falls where one heap is nearly everything."""
        counts = zip(
            ((1, 1), (1, 0), (0, 1), (0, 0)),
            (self.both, self.first_only, self.second_only, self.neither),
            strict=True,
        )
        return krippendorff_alpha(pair for pair, times in counts for _ in range(times))

    def _shares(self) -> tuple[float, float]:
        n = self.n or 1
        return (self.both + self.first_only) / n, (self.both + self.second_only) / n

    def _beyond(self, chance: float) -> float:
        return (self.raw - chance) / (1 - chance) if self.n and chance < 1 else 0.0


def krippendorff_alpha(units: Iterable[Sequence[Hashable]]) -> float:
    """Krippendorff's alpha for nominal values (Krippendorff 2004, ch. 11), from the values given to each unit.

    Units may have any number of values; those with fewer than two say nothing. 1 where all values are the same
    one, 0 where there is nothing to compare.
    """
    coincidences: dict[tuple[Hashable, Hashable], float] = defaultdict(float)
    for values, times in Counter(tuple(unit) for unit in units).items():
        for pair in permutations(values, 2):
            coincidences[pair] += times / (len(values) - 1)
    totals: dict[Hashable, float] = defaultdict(float)
    for (value, _), weight in coincidences.items():
        totals[value] += weight
    n = sum(totals.values())
    if not n:
        return 0.0
    observed = sum(weight for (one, other), weight in coincidences.items() if one != other) / n
    expected = (n * n - sum(total * total for total in totals.values())) / (n * (n - 1))
    return 1 - observed / expected if expected else 1.0


@dataclass(frozen=True)
class AgreementIntervals:
    raw: Interval
    ac1: Interval
    alpha: Interval


def bootstrap(found: Agreement, *, confidence: float = 0.95) -> AgreementIntervals:
    """Percentile intervals over DRAWS resamples of the things that both sorted (seeded, so repeatable).

    A resample in which everything lies on one heap says nothing of chance: AC1 and alpha are 1 there, as above.
    """
    import numpy as np  # noqa: PLC0415  seldom needed, and dear to import in the web process

    cells = np.array([found.both, found.first_only, found.second_only, found.neither])
    n = found.n
    both, first, second, neither = np.random.default_rng(SEED).multinomial(n, cells / n, size=DRAWS).T
    raw = (both + neither) / n
    mean = (2 * both + first + second) / (2 * n)
    ac1_chance = 2 * mean * (1 - mean)
    marked, unmarked = 2 * both + first + second, 2 * neither + first + second
    expected = 2 * marked * unmarked / (2 * n * (2 * n - 1))
    alpha = np.where(expected > 0, 1 - (1 - raw) / np.where(expected > 0, expected, 1), 1.0)
    ends = [(1 - confidence) / 2 * 100, (1 + confidence) / 2 * 100]
    found_ends = [
        np.percentile(draws, ends).tolist() for draws in (raw, (raw - ac1_chance) / (1 - ac1_chance), alpha)
    ]
    return AgreementIntervals(*(Interval(low, high) for low, high in found_ends))
