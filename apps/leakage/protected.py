"""Looking up what is protected: in memory first, and in the tables what may be there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from apps.core.batches import batched
from apps.leakage.models import Digest, ShingleBand, ShingleSet
from apps.leakage.snapshot import State, snapshot_of
from apps.similarity.lookup import pairs_by_key, present
from apps.similarity.minhash import ShingleSet as Shingles

IN_LIST = 500


@dataclass(frozen=True)
class ProtectedSet:
    """The shingles of one protected sentence."""

    uuid: UUID
    shingles: Shingles


class Protected:
    """The fingerprints of one project, as they are when its ``state`` was read or later."""

    def __init__(self, project_uuid: UUID, state: State) -> None:
        self._project_uuid, self._state = project_uuid, state
        self._corpora = [pk for pk, _ in state]

    def known(self, digests: Collection[bytes]) -> AbstractSet[bytes]:
        """Those of ``digests`` that are somebody's; next to none of the others."""
        snapshot = snapshot_of(self._project_uuid, self._state, lookups=len(digests))
        if snapshot is None:
            return present(Digest, "digest", digests)
        return snapshot.may_hold(digests)

    def known_prefixes(self, prefixes: NDArray[np.uint64]) -> NDArray[np.bool_]:
        """Which of ``prefixes`` are those of a protected run."""
        snapshot = snapshot_of(self._project_uuid, self._state, lookups=len(prefixes))
        if snapshot is not None:
            return snapshot.may_begin(prefixes)
        stored = [prefix.tobytes() for prefix in prefixes.astype("<u8")]
        found = present(Digest, "digest", set(stored))
        return np.array([prefix in found for prefix in stored], dtype=bool)

    def items_by_digest(self, digests: Collection[bytes]) -> dict[bytes, set[UUID]]:
        """Digest → the protected rows that have it."""
        found: dict[bytes, set[UUID]] = {}
        # Next to none of them is there: which ones are is asked fast, and what they are of those alone.
        for chunk in batched(self.known(digests), IN_LIST):
            rows = Digest.objects.filter(digest__in=chunk, corpus__in=self._corpora)
            for digest, item_uuid in rows.values_list("digest", "item_uuid"):
                found.setdefault(bytes(digest), set()).add(item_uuid)
        return found

    def candidates(
        self, keys: NDArray[np.int64], wanted: NDArray[np.bool_], *, most: int
    ) -> dict[int, list[int]]:
        """Row of ``keys`` (texts × bands) → the protected sets that share most of its bands, at most ``most``.

        Only of rows that are ``wanted``; those that share none are left out.
        """
        asked = np.broadcast_to(wanted[:, np.newaxis], keys.shape)
        if snapshot := snapshot_of(self._project_uuid, self._state, lookups=int(asked.sum())):
            asked = asked & snapshot.may_share(keys)
        holders: dict[int, list[int]] = {}
        if asked.any():
            for key, pk in pairs_by_key(ShingleBand, "key", "shingle_set_id", set(keys[asked].tolist())):
                holders.setdefault(key, []).append(pk)
        found = {}
        for row in np.flatnonzero(asked.any(axis=1)).tolist():
            shared = Counter(pk for key in keys[row][asked[row]].tolist() for pk in holders.get(key, ()))
            if shared:
                found[row] = [pk for pk, _ in shared.most_common(most)]
        return found

    def sets(self, pks: Iterable[int]) -> dict[int, ProtectedSet]:
        """Key → set, of those that belong to this project."""
        found = {}
        for chunk in batched(pks, IN_LIST):
            rows = ShingleSet.objects.filter(pk__in=chunk, corpus__in=self._corpora)
            for pk, item_uuid, shingles in rows.values_list("pk", "item_uuid", "shingles"):
                hashes = np.frombuffer(bytes(shingles), dtype="<u8").astype(np.uint64)
                found[pk] = ProtectedSet(item_uuid, hashes)
        return found
