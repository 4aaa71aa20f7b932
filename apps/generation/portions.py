"""Cutting a run into requests: so many records of one label under one combination of the gap's axes each."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from apps.generation.combinations import combinations_of


@dataclass(frozen=True)
class Portion:
    """One request's share of a run."""

    label: str
    axes: Mapping[str, str]
    count: int
    first: int
    """How many records of this label the portions before it ask for."""


def portions_of(
    *, labels: Sequence[str], axes: Mapping[str, Sequence[str]], count: int, most: int
) -> list[Portion]:
    """``count`` records cut into portions of at most ``most``, labels in turn, combinations of axes spread evenly.

    Portions are made smaller than ``most`` when that lets every combination occur.
    """
    shares = _even(count, len(labels))
    by_label = [
        _portions_of_label(label, number, share, axes, most)
        for number, (label, share) in enumerate(zip(labels, shares, strict=True))
    ]
    return [portion for turn in zip_longest(*by_label) for portion in turn if portion is not None]


def _portions_of_label(
    label: str, number: int, share: int, axes: Mapping[str, Sequence[str]], most: int
) -> list[Portion]:
    sizes = [len(values) for values in axes.values()]
    combinations = math.prod(sizes)
    size = min(most, max(1, share // combinations))
    counts = _even(share, math.ceil(share / size))
    portions = []
    first = 0
    for wanted, digits in zip(counts, combinations_of(sizes, len(counts), start=number), strict=True):
        chosen = {name: values[digit] for (name, values), digit in zip(axes.items(), digits, strict=True)}
        portions.append(Portion(label, chosen, wanted, first))
        first += wanted
    return portions


def _even(total: int, parts: int) -> list[int]:
    """``total`` cut into ``parts`` whole numbers that differ by one at most, larger ones first."""
    if not parts:
        return []
    base, larger = divmod(total, parts)
    return [base + (place < larger) for place in range(parts)]
