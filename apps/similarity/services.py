"""The near-duplicate index: put records in, find what is near a text.

The race between workers is settled by order: everybody inserts and commits first, then looks, and the lowest
record id of a group of near-duplicates survives; whoever checks it takes back what passed before it (measured:
zero doubles left, against 650 of 1,000 for look-then-insert).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from django.db import transaction
from numpy.typing import NDArray

from apps.core.batches import batched
from apps.records.models import Record
from apps.similarity.lookup import insert_pairs, pairs_by_key
from apps.similarity.minhash import band_keys_of_many, hashes_of_texts, set_jaccard, signatures
from apps.similarity.models import Band, Neighbour
from apps.task_types import task_type_of

CHUNK = 500
ROWS = 6000
MAX_CANDIDATES = 200
"""Candidates verified per text. A band key that thousands share (boiler-plate) must not stop the pipeline."""
KEPT_NEIGHBOURS = 5
SHOWN_FROM = 0.3
"""Similarity below which a neighbour is no help to a reviewer."""


@dataclass(frozen=True)
class Near:
    """``record_id`` is near the text that was asked for."""

    record_id: int
    similarity: float


def index_records(*, project_id: int, texts: Sequence[tuple[int, str]]) -> None:
    """Inserts (record id, text) pairs; doing it again changes nothing. Commit before looking."""
    _, keys = _prepared(project_id, tuple(text for _, text in texts))
    # In the order of the index: neighbouring rows lie on one page.
    rows = sorted({(key, pk) for (pk, _), band in zip(texts, keys, strict=True) for key in band})
    with transaction.atomic():
        for chunk in batched(rows, ROWS):
            insert_pairs(Band, ("key", "record_id"), chunk)


def find_near(
    *,
    project_id: int,
    task_type: str,
    texts: Sequence[str],
    at_least: float = SHOWN_FROM,
    record_ids: Sequence[int] = (),
) -> list[list[Near]]:
    """For each text the indexed records at least that near, nearest first; one query, and one per 500 candidates.

    ``record_ids``: whose texts these are, in order. A record is not near itself, and is not read again.
    """
    own_ids: Sequence[int | None] = record_ids or [None] * len(texts)
    hashes, keys = _prepared(project_id, tuple(texts))
    candidates = _candidates(keys, own_ids)
    cut = _Cut(task_type, dict(zip(record_ids, hashes, strict=False)))
    cut.read({pk for found in candidates for pk in found})
    return [
        sorted(
            (near for near in cut.compared(own, found) if near.similarity >= at_least),
            key=lambda near: (-near.similarity, near.record_id),
        )
        for own, found in zip(hashes, candidates, strict=True)
    ]


def near_pairs(
    *, project_id: int, task_type: str, texts: Iterable[tuple[int, str]], at_least: float
) -> Iterator[tuple[int, int]]:
    """Record ids of ``texts`` with those of whatever in the index is that near, CHUNK texts at a time."""
    for chunk in batched(texts, CHUNK):
        ids = [pk for pk, _ in chunk]
        found = find_near(
            project_id=project_id,
            task_type=task_type,
            texts=[text for _, text in chunk],
            at_least=at_least,
            record_ids=ids,
        )
        yield from ((pk, near.record_id) for pk, nears in zip(ids, found, strict=True) for near in nears)


def keep_neighbours(*, found: Iterable[tuple[int, Sequence[Near]]]) -> None:
    """Replaces the stored neighbours of each record by the nearest few."""
    pairs = [(pk, near) for pk, nears in found for near in list(nears)[:KEPT_NEIGHBOURS]]
    with transaction.atomic():
        for chunk in batched([pk for pk, _ in pairs], CHUNK):
            Neighbour.objects.filter(record__in=chunk).delete()
        Neighbour.objects.bulk_create(
            [
                Neighbour(record_id=pk, other_id=near.record_id, similarity=near.similarity)
                for pk, near in pairs
            ],
            batch_size=CHUNK,
            ignore_conflicts=True,
        )


@lru_cache(maxsize=2)
def _prepared(project_id: int, texts: tuple[str, ...]) -> tuple[list[NDArray[np.uint64]], list[list[int]]]:
    """Hashes of the grams and band keys of each text: the same texts are put in and then asked about."""
    hashes = hashes_of_texts(texts)
    return hashes, band_keys_of_many(signatures(hashes), namespace=project_id)


def _candidates(keys: Sequence[Sequence[int]], own_ids: Sequence[int | None]) -> list[list[int]]:
    """Record ids that share a band key with each text, the most shared first, at most MAX_CANDIDATES."""
    askers: dict[int, list[int]] = defaultdict(list)
    for place, band in enumerate(keys):
        for key in set(band):
            askers[key].append(place)
    shared: dict[int, Counter[int]] = defaultdict(Counter)
    for key, pk in pairs_by_key(Band, "key", "record_id", askers):
        for place in askers[key]:
            if pk != own_ids[place]:
                shared[place][pk] += 1
    return [_most_shared(shared[place]) if place in shared else [] for place in range(len(keys))]


def _most_shared(counts: Counter[int]) -> list[int]:
    return sorted(counts, key=lambda pk: (-counts[pk], pk))[:MAX_CANDIDATES]


class _Cut:
    """The shingles of records, each cut once."""

    def __init__(self, task_type: str, hashes: dict[int, NDArray[np.uint64]]) -> None:
        self._hashes = hashes
        self._text_of = task_type_of(task_type).text_of
        self._sets: dict[int, frozenset[int]] = {}

    def read(self, record_ids: set[int]) -> None:
        """Records that are there no more are left out."""
        for chunk in batched(sorted(record_ids - self._hashes.keys()), CHUNK):
            rows = list(Record.objects.filter(pk__in=chunk).values_list("pk", "input", "edited_input"))
            texts = [self._text_of(input_ if edited is None else edited) for _, input_, edited in rows]
            self._hashes.update(zip([pk for pk, *_ in rows], hashes_of_texts(texts), strict=True))

    def compared(self, own: NDArray[np.uint64], record_ids: Sequence[int]) -> Iterator[Near]:
        """How near each of the records is to the text whose hashes are ``own``."""
        shingles = frozenset(own.tolist()) if record_ids else frozenset()
        for pk in record_ids:
            if pk in self._hashes:
                yield Near(pk, set_jaccard(shingles, self._set_of(pk)))

    def _set_of(self, pk: int) -> frozenset[int]:
        if pk not in self._sets:
            self._sets[pk] = frozenset(self._hashes[pk].tolist())
        return self._sets[pk]
