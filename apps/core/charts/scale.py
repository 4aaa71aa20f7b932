"""A linear axis and its ticks."""

from __future__ import annotations

import math
from dataclasses import dataclass

_NICE_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True, slots=True)
class Scale:
    """Maps values in ``[low, high]`` to drawing units in ``[start, end]``; values outside are clamped."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        share = (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)
        return round(self.start + share * (self.end - self.start), 2)

    def ticks(self, step: float) -> list[float]:
        """The multiples of ``step`` inside the scale."""
        first = math.ceil(self.low / step - 1e-9)
        last = math.floor(self.high / step + 1e-9)
        return [round(index * step, 10) for index in range(first, last + 1)]


def nice_step(span: float, *, at_most: int) -> float:
    """The smallest of 1, 2, 2.5 or 5 times a power of ten that cuts ``span`` into at most ``at_most`` parts.

    Raises ``ValueError`` for a span that is not positive.
    """
    if span <= 0:
        raise ValueError(f"A scale needs a positive span, not {span}.")
    power = math.pow(10, math.floor(math.log10(span / at_most)))
    return next(power * nice for nice in _NICE_STEPS if span / (power * nice) <= at_most + 1e-9)
