"""The near-duplicate index: put records in, find what is near a text.

The race between workers is settled by order: everybody inserts and commits first, then looks, and the lowest
record id of a group of near-duplicates survives; whoever checks it takes back what passed before it (measured:
zero doubles left, against 650 of 1,000 for look-then-insert).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from django.db import transaction

from apps.core.batches import batched
from apps.records.models import Record
from apps.similarity.lookup import insert_pairs, pairs_by_key
from apps.similarity.minhash import band_keys_of_many, gram_jaccard, grams, text_signatures
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
    keys = _band_keys(project_id, tuple(text for _, text in texts))
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
    candidates = _candidates(_band_keys(project_id, tuple(texts)), own_ids)
    cut = _Cut(dict(zip(record_ids, texts, strict=False)), task_type)
    cut.read({pk for found in candidates for pk in found})
    result = []
    for text, found in zip(texts, candidates, strict=True):
        own = grams(text) if found else frozenset()
        near = [Near(pk, gram_jaccard(own, other)) for pk in found if (other := cut.grams_of(pk))]
        result.append(
            sorted((n for n in near if n.similarity >= at_least), key=lambda n: (-n.similarity, n.record_id))
        )
    return result


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
def _band_keys(project_id: int, texts: tuple[str, ...]) -> list[list[int]]:
    """The same texts are put in and then asked about."""
    return band_keys_of_many(text_signatures(texts), namespace=project_id)


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
    """The grams of records, each cut once."""

    def __init__(self, texts: dict[int, str], task_type: str) -> None:
        self._texts = texts
        self._text_of = task_type_of(task_type).text_of
        self._grams: dict[int, frozenset[str]] = {}

    def read(self, record_ids: set[int]) -> None:
        for chunk in batched(sorted(record_ids - self._texts.keys()), CHUNK):
            rows = Record.objects.filter(pk__in=chunk).values_list("pk", "input", "edited_input")
            for pk, input_, edited in rows:
                self._texts[pk] = self._text_of(input_ if edited is None else edited)

    def grams_of(self, pk: int) -> frozenset[str]:
        """Empty where there is no such record any more."""
        if pk not in self._grams:
            self._grams[pk] = grams(self._texts.get(pk, ""))
        return self._grams[pk]
