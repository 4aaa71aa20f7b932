"""Intervals of what no formula gives one for: rows are drawn anew, within their labels, and the figure is taken again.

Two models answer the same rows, so a row is drawn with both answers. Rows that are alike are drawn together, which
is the same draw for less work.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from apps.core.statistics.intervals import Interval

DRAWS = 2_000
SEED = 20260101
MOST_CELLS = 4_000_000
"""Of one table of draws: more rows are drawn in portions of draws."""

Figures = NDArray[np.float64]
_Row = tuple[str, float | None, float | None]


@dataclass(frozen=True)
class Answered:
    """One row of a labelled set: what it is, what two models called it, and whether they were right."""

    label: str
    said: tuple[str, str]
    right: tuple[bool, bool]


def change_of_means(
    strata: Sequence[str],
    before: Sequence[float | None],
    after: Sequence[float | None],
    *,
    confidence: float = 0.95,
) -> Interval:
    """Percentile interval of mean(after) − mean(before); None is a row that a model has no value for.

    ``strata``: what each row is drawn among. Both models need a value somewhere.
    """
    patterns = sorted(Counter(zip(strata, before, after, strict=True)).items(), key=_by_name)
    changes = [
        _mean(counts, [row[2] for row, _ in patterns]) - _mean(counts, [row[1] for row, _ in patterns])
        for counts in _draws([row[0] for row, _ in patterns], [n for _, n in patterns])
    ]
    return _percentiles(np.concatenate(changes), confidence)


def change_of_macro_f1(rows: Sequence[Answered], *, confidence: float = 0.95) -> Interval:
    """Percentile interval of the change of macro-F1 over the labels that rows have."""
    labels = sorted({row.label for row in rows})
    tally = sorted(Counter((row.label, row.said, row.right) for row in rows).items())
    gold = _places([label for (label, _, _), _ in tally], labels)
    given = [_places([said[part] for (_, said, _), _ in tally], labels) for part in (0, 1)]
    hit = [gold * np.array([[right[part]] for (_, _, right), _ in tally], dtype=float) for part in (0, 1)]
    changes = []
    for counts in _draws([label for (label, _, _), _ in tally], [n for _, n in tally]):
        f1 = [
            (2 * (counts @ hit[part]) / np.maximum(counts @ gold + counts @ given[part], 1)).mean(axis=1)
            for part in (0, 1)
        ]
        changes.append(f1[1] - f1[0])
    return _percentiles(np.concatenate(changes), confidence)


def _by_name(pair: tuple[_Row, int]) -> tuple[str, float, float]:
    """An order that does not hang on the order of the rows: the same rows give the same interval."""
    stratum, before, after = pair[0]
    return stratum, -1.0 if before is None else before, -1.0 if after is None else after


def _draws(strata: Sequence[str], counts: Sequence[int]) -> Iterator[Figures]:
    """Tables (draws × patterns) of how often each pattern was drawn; patterns of a stratum stand together."""
    generator = np.random.default_rng(SEED)
    size = max(1, min(DRAWS, MOST_CELLS // max(1, len(counts))))
    n = np.array(counts)
    starts = [place for place, name in enumerate(strata) if place == 0 or strata[place - 1] != name]
    for start in range(0, DRAWS, size):
        table = np.empty((min(size, DRAWS - start), len(n)))
        for first, end in zip(starts, [*starts[1:], len(n)], strict=True):
            members = n[first:end]
            table[:, first:end] = generator.multinomial(
                members.sum(), members / members.sum(), size=len(table)
            )
        yield table


def _mean(counts: Figures, values: Sequence[float | None]) -> Figures:
    """Of each draw; not a number where it drew no row with a value."""
    has = np.array([value is not None for value in values], dtype=float)
    what = np.array([value or 0.0 for value in values])
    drawn = counts @ has
    means: Figures = np.divide(counts @ what, drawn, out=np.full(len(counts), np.nan), where=drawn > 0)
    return means


def _places(names: Sequence[str], labels: Sequence[str]) -> Figures:
    """Patterns × labels: which label each names."""
    places: Figures = (np.array(names)[:, None] == np.array(labels)[None, :]).astype(float)
    return places


def _percentiles(changes: Figures, confidence: float) -> Interval:
    known = changes[~np.isnan(changes)]
    if not known.size:
        return Interval(-1.0, 1.0)
    tail = (1 - confidence) / 2
    low, high = np.quantile(known, [tail, 1 - tail])
    return Interval(float(low), float(high))
