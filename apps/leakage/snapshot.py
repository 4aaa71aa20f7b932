"""A project's fingerprints in memory, to tell fast what is not among them: nearly everything that is screened.

Only the first eight bytes of each digest and the band keys are held, sorted: sixteen million bytes for two million
of them. What they say is there is asked of the tables again, so a row that has been removed meanwhile does no harm;
a row that was added does not stay unseen, because each write gives its corpus a new ``revision`` in the same
transaction, and a snapshot of another revision is not used.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import compress
from threading import Lock
from typing import Any, TypeAlias, TypeVar
from uuid import UUID

import numpy as np
from django.db.models import QuerySet
from numpy.typing import NDArray

from apps.core.errors import RefusedError
from apps.leakage.fingerprints import DIGEST_BYTES, HEAD_BYTES
from apps.leakage.models import SCHEME, Digest, ProtectedCorpus, ShingleBand

State: TypeAlias = tuple[tuple[int, UUID], ...]
"""Key and revision of every corpus of a project."""

MOST_ROWS = 4_000_000
"""Digests and band keys of one project: some 130,000 protected texts. Beyond them the tables are asked."""
WORTH_READING = 4000
"""Lookups at once that are worth reading all the fingerprints for: those of about a hundred records."""
KEPT = 4
"""Projects whose snapshot is kept, those that were asked about last."""
_READ = 20_000

T = TypeVar("T")
Number = TypeVar("Number", np.uint64, np.int64)


@dataclass(frozen=True)
class Snapshot:
    digests: NDArray[np.uint64]
    bands: NDArray[np.int64]

    def may_hold(self, digests: Collection[bytes]) -> set[bytes]:
        """Those of ``digests`` that are protected, and perhaps one in 10¹² that is not."""
        return set(compress(digests, _are_in(self.digests, _heads(digests)).tolist()))

    def may_begin(self, prefixes: NDArray[np.uint64]) -> NDArray[np.bool_]:
        """Which of ``prefixes`` are those of a protected run."""
        return _are_in(self.digests, prefixes)

    def may_share(self, keys: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which of ``keys``, in any shape, are band keys of something protected."""
        return _are_in(self.bands, keys)


def state_of(project_uuid: UUID) -> State:
    """Empty for a project that protects nothing. RefusedError for fingerprints that nothing would match."""
    corpora = ProtectedCorpus.objects.filter(project_uuid=project_uuid).order_by("pk")
    rows = list(corpora.values_list("pk", "revision", "scheme", "name"))
    if outdated := [name for _, _, scheme, name in rows if scheme != SCHEME]:
        raise RefusedError(
            "Nothing can be screened: these fingerprints were made by an earlier version. Protect them again.",
            outdated,
        )
    return tuple((pk, revision) for pk, revision, _, _ in rows)


def snapshot_of(project_uuid: UUID, state: State, *, lookups: int) -> Snapshot | None:
    """The snapshot of ``state``; None where it is too large, or not read yet and ``lookups`` are too few."""
    with _lock:
        kept = _kept.get(project_uuid)
        if kept is None or kept[0] != state:
            if lookups < WORTH_READING:
                return None
            kept = _kept[project_uuid] = (state, _read([pk for pk, _ in state]))
        _kept.move_to_end(project_uuid)
        while len(_kept) > KEPT:
            _kept.popitem(last=False)
        return kept[1]


def forget() -> None:
    """Frees the memory; the next question reads again."""
    with _lock:
        _kept.clear()


_lock = Lock()
_kept: OrderedDict[UUID, tuple[State, Snapshot | None]] = OrderedDict()


def _read(corpora: Collection[int]) -> Snapshot | None:
    digests = Digest.objects.filter(corpus__in=corpora).values_list("digest", flat=True)
    bands = ShingleBand.objects.filter(shingle_set__corpus__in=corpora).values_list("key", flat=True)
    heads = np.fromiter(map(_head, _first(digests)), dtype=np.uint64)
    keys = np.fromiter(_first(bands), dtype=np.int64)
    if len(heads) + len(keys) > MOST_ROWS:
        return None
    return Snapshot(np.unique(heads), np.unique(keys))


def _first(rows: QuerySet[Any, T]) -> Iterator[T]:
    """One more than are held, so that it shows when there are too many."""
    return rows[: MOST_ROWS + 1].iterator(_READ)


def _head(digest: bytes | memoryview) -> int:
    return int.from_bytes(digest[:HEAD_BYTES], "little")


def _heads(digests: Collection[bytes]) -> NDArray[np.uint64]:
    words = DIGEST_BYTES // HEAD_BYTES
    return np.frombuffer(b"".join(digests), dtype="<u8")[::words].astype(np.uint64)


def _are_in(held: NDArray[Number], asked: NDArray[Number]) -> NDArray[np.bool_]:
    if not len(held):
        return np.zeros(asked.shape, dtype=bool)
    places = np.minimum(np.searchsorted(held, asked), len(held) - 1)
    found: NDArray[np.bool_] = held[places] == asked
    return found
