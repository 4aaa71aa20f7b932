"""A lineage cluster never straddles two splits, and keeps its split from release to release."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.datasets.splits import plan_splits, split_of
from apps.records.models import Record
from apps.validation.services import index_real_slice
from tests.datasets.scene import Warehouse, splits_of

HALVES = (("train", 0.5), ("test", 0.5))


def uuids(count: int) -> dict[int, UUID]:
    return {pk: UUID(int=pk * 7919) for pk in range(1, count + 1)}


def test_a_cluster_shares_one_split() -> None:
    chain = [(pk, pk + 1) for pk in range(1, 50)]
    plan = plan_splits(uuids=uuids(50), edges=chain, earlier={}, shares=HALVES)
    assert len(set(plan.split_of.values())) == 1
    assert plan.bridging == []


def test_shares_are_met_roughly_and_by_hash_alone() -> None:
    shares = (("train", 0.8), ("dev", 0.1), ("test", 0.1))
    plan = plan_splits(uuids=uuids(2000), edges=[], earlier={}, shares=shares)
    splits = list(plan.split_of.values())
    assert 0.77 < splits.count("train") / 2000 < 0.83
    assert plan.split_of[1] == split_of(UUID(int=7919), shares)


def test_a_new_record_joins_the_split_of_its_released_kin() -> None:
    plan = plan_splits(uuids=uuids(2), edges=[(2, 1)], earlier={1: "dev"}, shares=(("train", 1.0),))
    assert plan.split_of == {1: "dev", 2: "dev"}


def test_a_record_that_bridges_two_splits_stays_out_and_its_neighbours_stay_in() -> None:
    plan = plan_splits(
        uuids=uuids(4), edges=[(3, 1), (3, 2), (4, 1)], earlier={1: "train", 2: "test"}, shares=HALVES
    )
    assert plan.bridging == [3]
    assert plan.split_of == {1: "train", 2: "test", 4: "train"}


def test_of_a_bridge_of_two_new_records_only_the_later_stays_out() -> None:
    edges = [(1, 3), (3, 4), (4, 2)]
    plan = plan_splits(uuids=uuids(4), edges=edges, earlier={1: "train", 2: "test"}, shares=HALVES)
    assert plan.bridging == [4]
    assert plan.split_of[3] == "train"


def test_records_that_were_released_apart_stay_apart() -> None:
    plan = plan_splits(uuids=uuids(2), edges=[(1, 2)], earlier={1: "train", 2: "test"}, shares=HALVES)
    assert plan.split_of == {1: "train", 2: "test"}


@given(
    edges=st.lists(st.tuples(st.integers(1, 12), st.integers(1, 12)), max_size=20),
    earlier=st.dictionaries(st.integers(1, 12), st.sampled_from(["train", "test"]), max_size=5),
)
def test_no_edge_to_a_new_record_ever_crosses_splits(
    edges: list[tuple[int, int]], earlier: dict[int, str]
) -> None:
    plan = plan_splits(uuids=uuids(12), edges=edges, earlier=earlier, shares=HALVES)
    assert sorted([*plan.split_of, *plan.bridging]) == list(range(1, 13))
    assert all(plan.split_of[pk] == split for pk, split in earlier.items())
    for one, other in edges:
        is_new = not {one, other} <= set(earlier)
        if is_new and one in plan.split_of and other in plan.split_of:
            assert plan.split_of[one] == plan.split_of[other]


FIRST = "the refund that was promised last month has never come back to my card"
MIDDLE = "your assistant told me twice that a supervisor would call about it on monday"
LAST = "i would rather cancel the whole subscription than wait for another week"


def _bridge(warehouse: Warehouse) -> tuple[Record, Record]:
    """Two accepted records whose hashes put them into different splits."""
    records = [warehouse.accept(f"renewal question number {number}") for number in range(12)]
    splits = {split_of(record.uuid, HALVES): record for record in records}
    return splits["train"], splits["test"]


@pytest.mark.django_db(databases=["default", "leakage"])
def test_a_released_record_keeps_its_split_whatever_the_next_policy_says(warehouse: Warehouse) -> None:
    for number in range(8):
        warehouse.accept(f"renewal question number {number}")
    first = splits_of(warehouse.release(splits=dict(HALVES)))
    warehouse.accept("a later one about renewals")
    second = splits_of(warehouse.release(splits={"train": 1.0}))
    assert {pk: second[pk] for pk in first} == first
    assert set(first.values()) == {"train", "test"}


@pytest.mark.django_db(databases=["default", "leakage"])
def test_a_bridging_record_stays_out_of_the_release_and_is_named_in_the_manifest(
    warehouse: Warehouse,
) -> None:
    left, right = _bridge(warehouse)
    warehouse.say(left, f"{FIRST} {MIDDLE}")
    warehouse.say(right, f"{MIDDLE} {LAST}")
    warehouse.release(splits=dict(HALVES))
    bridge = warehouse.accept("it will be near both of them")
    warehouse.say(bridge, f"{FIRST} {MIDDLE} {LAST}")
    far = warehouse.accept("it will be near one, far from the other")
    warehouse.say(far, f"{FIRST} {MIDDLE} thanks")
    release = warehouse.release(splits=dict(HALVES))
    splits = splits_of(release)
    assert bridge.pk not in splits
    assert splits[far.pk] == splits[left.pk] == "train"
    assert release.manifest["left_out"] == [
        {"reason": "would bridge two splits of earlier releases", "count": 1, "records": [str(bridge.uuid)]}
    ]


@pytest.mark.django_db(databases=["default", "leakage"])
def test_derivatives_share_the_split_of_their_parent(warehouse: Warehouse) -> None:
    parents = [warehouse.accept(f"renewal question number {number}") for number in range(6)]
    children = [warehouse.accept(f"said otherwise, {parent.pk}", derived_from=parent) for parent in parents]
    splits = splits_of(warehouse.release(splits=dict(HALVES)))
    assert all(splits[child.pk] == splits[parent.pk] for parent, child in zip(parents, children, strict=True))


@pytest.mark.django_db(databases=["default", "leakage"])
def test_siblings_share_a_split_although_their_parent_is_not_in(warehouse: Warehouse) -> None:
    parent = warehouse.waiting("never decided")
    warehouse.scene.decide(warehouse.scene.claim_one(), action="rejected")  # type: ignore[arg-type]
    siblings = [warehouse.accept(f"said otherwise, {n}", derived_from=parent) for n in range(6)]
    splits = splits_of(warehouse.release(splits=dict(HALVES)))
    assert len({splits[sibling.pk] for sibling in siblings}) == 1


@pytest.mark.django_db(databases=["default", "leakage"])
def test_near_real_rows_share_a_split_as_well(warehouse: Warehouse) -> None:
    rows = [warehouse.real(f"{FIRST} {MIDDLE}{'!' * number} {number}", "refund") for number in range(6)]
    index_real_slice()
    warehouse.accept("something that nobody else has said")
    splits = splits_of(warehouse.release(splits=dict(HALVES)))
    assert len({splits[row.pk] for row in rows}) == 1
    assert len({split_of(row.uuid, HALVES) for row in rows}) == 2
