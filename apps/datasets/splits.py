"""Which split a record belongs to, the same from release to release.

Near copies and derivatives of one record are one *lineage cluster*. A cluster never straddles two splits, or a
model would be tested on what it was trained on; and a record that was released keeps its split for good.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

NEAR = 0.6
"""Jaccard from which two records are of one lineage."""

_HASH_RANGE = 2**64


@dataclass(frozen=True)
class SplitPlan:
    """``split_of``: record id → split, for every record that is in; ``bridging``: ids of those left out."""

    split_of: dict[int, str]
    bridging: list[int]


class _Clusters:
    """Union-find over record ids; each root knows its members' split, if one is settled."""

    def __init__(self) -> None:
        self.parent: dict[int, int] = {}
        self.split: dict[int, str] = {}

    def add(self, pk: int, split: str | None = None) -> None:
        self.parent[pk] = pk
        if split is not None:
            self.split[pk] = split

    def find(self, pk: int) -> int:
        root = pk
        while self.parent[root] != root:
            root = self.parent[root]
        while self.parent[pk] != root:
            self.parent[pk], pk = root, self.parent[pk]
        return root

    def union(self, one: int, other: int) -> None:
        """Joins two clusters; they must not have different splits."""
        left, right = self.find(one), self.find(other)
        if left != right:
            self.parent[right] = left
            if right in self.split:
                self.split[left] = self.split.pop(right)


def plan_splits(
    *,
    uuids: Mapping[int, UUID],
    edges: Iterable[tuple[int, int]],
    earlier: Mapping[int, str],
    shares: Sequence[tuple[str, float]],
) -> SplitPlan:
    """Gives every record a split.

    ``uuids``: the records by id, in the order in which they are let in. ``edges``: pairs of one lineage; pairs
    with a record that is not in ``uuids`` are ignored. ``earlier``: the splits of records released before. A
    new record that touches two clusters of different splits stays out: it is ``bridging``.
    """
    near: dict[int, set[int]] = defaultdict(set)
    for one, other in edges:
        if one != other and one in uuids and other in uuids:
            near[one].add(other)
            near[other].add(one)
    clusters = _Clusters()
    for pk in uuids:
        if pk in earlier:
            clusters.add(pk, earlier[pk])
            # What was released apart stays apart, whatever has been found out since.
            for other in near[pk]:
                if other in clusters.parent and earlier[other] == earlier[pk]:
                    clusters.union(pk, other)
    bridging = [pk for pk in uuids if pk not in earlier and not _let_in(clusters, pk, near[pk])]
    return SplitPlan(_settled(clusters, uuids, shares), bridging)


def _let_in(clusters: _Clusters, pk: int, near: set[int]) -> bool:
    roots = {clusters.find(other) for other in near if other in clusters.parent}
    if len({clusters.split[root] for root in roots if root in clusters.split}) > 1:
        return False
    clusters.add(pk)
    for root in sorted(roots):
        clusters.union(pk, root)
    return True


def _settled(
    clusters: _Clusters, uuids: Mapping[int, UUID], shares: Sequence[tuple[str, float]]
) -> dict[int, str]:
    smallest: dict[int, UUID] = {}
    for pk in clusters.parent:
        root = clusters.find(pk)
        smallest[root] = min(smallest.get(root, uuids[pk]), uuids[pk])
    chosen = {
        root: clusters.split.get(root) or split_of(cluster_uuid, shares)
        for root, cluster_uuid in smallest.items()
    }
    return {pk: chosen[clusters.find(pk)] for pk in clusters.parent}


def split_of(cluster_uuid: UUID, shares: Sequence[tuple[str, float]]) -> str:
    """The split of a new cluster, by a stable hash of its smallest record uuid."""
    place = int.from_bytes(hashlib.sha256(cluster_uuid.bytes).digest()[:8], "big") / _HASH_RANGE
    reached = 0.0
    for split, share in shares:
        reached += share
        if place < reached:
            return split
    return shares[-1][0]
