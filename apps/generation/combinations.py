"""Which values of a gap's axes meet in which request, when there is not a request for every combination."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from itertools import chain, product

from allpairspy import AllPairs

from apps.core.spread import spread

Row = tuple[int, ...]


def combinations_of(sizes: Sequence[int], wanted: int, *, start: int = 0) -> list[Row]:
    """``wanted`` combinations of axes with ``sizes`` values each, as places of values; always the same ones.

    All combinations equally often as long as there is room for all of them. Of what is left over, those come first in
    which every pair of values of two axes meets (pairwise testing: Cohen et al. 1997), then others: none of them
    twice, and no value of an axis more than once oftener than another, unless the few combinations that are left give
    no choice. ``start`` turns the order, so that labels of a small run do not all begin with the same one.
    """
    every = math.prod(sizes)
    rounds, left_over = divmod(wanted, every)
    whole = [tuple(spread(place + start, sizes)) for place in range(every)] if rounds else []
    return [*(whole * rounds), *_Choice(sizes, left_over, start).rows]


class _Choice:
    """Fewer rows than there are combinations: pairs first, then the values that were used least."""

    def __init__(self, sizes: Sequence[int], wanted: int, start: int) -> None:
        self.sizes = sizes
        self.used: list[Counter[int]] = [Counter(dict.fromkeys(range(size), 0)) for size in sizes]
        covering = _covering(sizes, start) if len(sizes) > 2 and wanted else []
        self.rows: list[Row] = []
        while covering and len(self.rows) < wanted:
            self._add(covering.pop(covering.index(min(covering, key=self._use))))
        taken = set(self.rows)
        for place in range(start + len(self.rows), start + wanted):
            row = self._least_used(place, taken)
            taken.add(row)
            self._add(row)
        self._level(keep_pairs=not covering)

    def _add(self, row: Row) -> None:
        self.rows.append(row)
        for counts, value in zip(self.used, row, strict=True):
            counts[value] += 1

    def _use(self, row: Row) -> int:
        return sum(counts[value] for counts, value in zip(self.used, row, strict=True))

    def _least_used(self, place: int, taken: set[Row]) -> Row:
        """The next step of the even walk, with values that are behind in place of those that are ahead."""
        digits = spread(place, self.sizes)
        orders = [
            sorted(range(size), key=lambda value: (counts[value], (value - digit) % size))
            for counts, digit, size in zip(self.used, digits, self.sizes, strict=True)
        ]
        return next(row for row in product(*orders) if row not in taken)

    def _level(self, *, keep_pairs: bool) -> None:
        """Puts a value that is behind where one that is ahead is not needed, as long as that is to be had."""
        uneven = [axis for axis, counts in enumerate(self.used) if _difference(counts) > 1]
        if not uneven:
            return
        pairs = Counter(chain.from_iterable(map(_pairs, self.rows)))
        taken = set(self.rows)
        for axis in uneven:
            counts = self.used[axis]
            for place, row in enumerate(self.rows):
                behind = min(counts, key=counts.__getitem__)
                changed = (*row[:axis], behind, *row[axis + 1 :])
                if counts[row[axis]] - counts[behind] < 2 or changed in taken:
                    continue
                if keep_pairs and any(pairs[pair] == 1 for pair in _pairs(row) if axis in pair[::2]):
                    continue
                counts.subtract([row[axis]])
                counts.update([behind])
                pairs.subtract(_pairs(row))
                pairs.update(_pairs(changed))
                taken.remove(row)
                taken.add(changed)
                self.rows[place] = changed


def _covering(sizes: Sequence[int], start: int) -> list[Row]:
    """Rows in which every pair of values of two axes meets."""
    rows = [tuple(row) for row in AllPairs([list(range(size)) for size in sizes])]
    turn = start % len(rows)
    return rows[turn:] + rows[:turn]


def _difference(counts: Counter[int]) -> int:
    return max(counts.values()) - min(counts.values())


def _pairs(row: Row) -> list[tuple[int, int, int, int]]:
    """(axis, value, axis, value) of every two axes."""
    return [(a, row[a], b, row[b]) for a in range(len(row)) for b in range(a)]
