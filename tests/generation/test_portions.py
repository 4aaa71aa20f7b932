"""A run is cut so that nothing is asked twice and every combination of axes gets its share."""

from __future__ import annotations

from collections import Counter
from math import prod

from allpairspy import AllPairs
from hypothesis import assume, given
from hypothesis import strategies as st

from apps.core.spread import spread
from apps.generation.combinations import combinations_of
from apps.generation.portions import Portion, portions_of

AXES = {"tone": ["angry", "polite"], "length": ["short", "long"], "channel": ["email", "chat", "phone"]}
axes = st.dictionaries(
    st.text(min_size=1, max_size=3), st.lists(st.text(), min_size=1, max_size=4), max_size=3
)


@given(st.integers(1, 3000), st.integers(1, 5), axes, st.integers(1, 20))
def test_the_portions_are_the_run(count: int, labels: int, axes: dict[str, list[str]], most: int) -> None:
    names = [f"label {number}" for number in range(labels)]
    portions = portions_of(labels=names, axes=axes, count=count, most=most)
    assert sum(portion.count for portion in portions) == count
    assert all(1 <= portion.count <= most for portion in portions)
    for name in names:
        places = [
            place
            for portion in portions
            if portion.label == name
            for place in range(portion.first, portion.first + portion.count)
        ]
        assert places == list(range(len(places))), "every place once, in order"


def records_by(portions: list[Portion], name: str) -> Counter[str]:
    counts: Counter[str] = Counter()
    for portion in portions:
        counts[portion.axes[name]] += portion.count
    return counts


def test_every_value_of_every_axis_gets_about_the_same_number_of_records() -> None:
    portions = portions_of(labels=["a", "b"], axes=AXES, count=480, most=10)
    for name, values in AXES.items():
        counts = records_by(portions, name)
        assert set(counts) == set(values)
        assert max(counts.values()) - min(counts.values()) <= 0.1 * 480


def test_portions_shrink_so_that_every_combination_occurs() -> None:
    portions = portions_of(labels=["a"], axes=AXES, count=24, most=10)
    assert len({tuple(portion.axes.values()) for portion in portions}) == 12


def test_a_run_smaller_than_the_combinations_still_meets_every_value() -> None:
    portions = portions_of(labels=["a"], axes=AXES, count=6, most=10)
    assert all(set(records_by(portions, name)) == set(values) for name, values in AXES.items())


def test_labels_take_turns() -> None:
    portions = portions_of(labels=["a", "b"], axes={}, count=40, most=10)
    assert [portion.label for portion in portions] == ["a", "b", "a", "b"]


def test_fewer_records_than_labels_leave_some_out() -> None:
    assert [portion.label for portion in portions_of(labels=["a", "b", "c"], axes={}, count=2, most=5)] == [
        "a",
        "b",
    ]


SIZES = st.lists(st.integers(1, 4), min_size=3, max_size=5)


def pairs_of(rows: list[tuple[int, ...]]) -> set[tuple[int, int, int, int]]:
    """(axis, value, axis, value) of every two axes in every row."""
    return {(a, row[a], b, row[b]) for row in rows for a in range(len(row)) for b in range(a)}


@given(SIZES, st.integers(0, 7))
def test_where_not_every_combination_fits_every_pair_of_values_meets_first(
    sizes: list[int], start: int
) -> None:
    product = prod(sizes)
    everything = combinations_of(sizes, product)
    assert len(set(everything)) == product
    needed = len(list(AllPairs([list(range(size)) for size in sizes])))
    if needed < product:
        rows = combinations_of(sizes, needed, start=start)
        assert pairs_of(rows) == pairs_of(everything)
        more = combinations_of(sizes, product - 1, start=start)
        assert len(set(more)) == product - 1


@given(SIZES, st.integers(0, 7), st.data())
def test_no_value_comes_more_than_once_oftener_than_another(
    sizes: list[int], start: int, data: st.DataObject
) -> None:
    product = prod(sizes)
    wanted = data.draw(st.integers(1, 2 * product + 1))
    # Of the last tenth of all combinations there is little left to choose from.
    assume(wanted % product < 0.9 * product)
    rows = combinations_of(sizes, wanted, start=start)
    assert rows == combinations_of(sizes, wanted, start=start)
    for axis, size in enumerate(sizes):
        counts = [sum(row[axis] == value for row in rows) for value in range(size)]
        assert max(counts) - min(counts) <= 1


def test_covering_pairs_alone_would_favour_some_values() -> None:
    """The negative control: what levelling is for."""
    rows = list(AllPairs([list(range(size)) for size in (2, 2, 4, 4)]))
    counts = Counter(row[0] for row in rows)
    assert max(counts.values()) - min(counts.values()) > 1


def test_spreading_alone_would_leave_pairs_out() -> None:
    """The negative control: what the covering rows are for."""
    sizes = [3, 4, 3, 4]
    needed = len(combinations_of(sizes, 16))
    plain = [tuple(spread(place, sizes)) for place in range(needed)]
    everything = pairs_of(combinations_of(sizes, prod(sizes)))
    assert pairs_of(plain) < everything
