"""How far two who sort the same things into two heaps agree."""

from __future__ import annotations

from dataclasses import dataclass


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

    def _shares(self) -> tuple[float, float]:
        n = self.n or 1
        return (self.both + self.first_only) / n, (self.both + self.second_only) / n

    def _beyond(self, chance: float) -> float:
        return (self.raw - chance) / (1 - chance) if self.n and chance < 1 else 0.0
