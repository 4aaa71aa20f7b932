"""Writing and removing the fingerprints of protected texts, and (re-exported) screening other texts by them.

Every write here can be repeated.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from uuid import UUID, uuid4

from django.db import transaction

from apps.core.batches import batched
from apps.leakage.fingerprints import Fingerprinter, Reading
from apps.leakage.models import SCHEME, CorpusKind, Digest, ProtectedCorpus, ShingleBand, ShingleSet
from apps.leakage.request_files import LeakPlace, screen_json_lines
from apps.leakage.screening import LeakVerdict, screen_texts
from apps.similarity.minhash import band_keys_of_many, signatures

__all__ = [
    "LeakPlace",
    "LeakVerdict",
    "add_fingerprints",
    "clear_corpus",
    "ensure_corpus",
    "remove_fingerprints",
    "screen_json_lines",
    "screen_texts",
]

DATABASE = "leakage"
BATCH = 500

Item = tuple[UUID, str]
"""A protected row and its text."""


def ensure_corpus(
    *, corpus_uuid: UUID, project_uuid: UUID, kind: CorpusKind = CorpusKind.HOLDOUT, name: str
) -> ProtectedCorpus:
    """The corpus of that uuid (a holdout's own), made when missing."""
    corpus, _ = ProtectedCorpus.objects.get_or_create(
        uuid=corpus_uuid, defaults={"project_uuid": project_uuid, "kind": kind, "name": name}
    )
    return corpus


def add_fingerprints(*, corpus_uuid: UUID, items: Sequence[Item]) -> None:
    """Makes the fingerprints of ``items``; those that are there already stay as they are.

    Each slice of items is one transaction, so an item has all of its fingerprints or none. Two processes may
    add the same items at once. Raises ProtectedCorpus.DoesNotExist for a corpus that nobody ensured.
    """
    corpus = ProtectedCorpus.objects.get(uuid=corpus_uuid)
    fingerprinter = Fingerprinter(corpus.project_uuid)
    for chunk in batched(items, BATCH):
        with _change_of(corpus_uuid):
            _add_chunk(corpus, fingerprinter, chunk)


def remove_fingerprints(*, corpus_uuid: UUID, item_uuids: Iterable[UUID]) -> None:
    """Forgets rows that were dropped before their holdout was frozen."""
    for chunk in batched(item_uuids, BATCH):
        with _change_of(corpus_uuid):
            Digest.objects.filter(corpus__uuid=corpus_uuid, item_uuid__in=chunk).delete()
            ShingleSet.objects.filter(corpus__uuid=corpus_uuid, item_uuid__in=chunk).delete()


def clear_corpus(*, corpus_uuid: UUID) -> None:
    """Forgets every fingerprint of the corpus; the corpus itself stays."""
    with _change_of(corpus_uuid):
        Digest.objects.filter(corpus__uuid=corpus_uuid).delete()
        ShingleSet.objects.filter(corpus__uuid=corpus_uuid).delete()
        ProtectedCorpus.objects.filter(uuid=corpus_uuid).update(scheme=SCHEME)


@contextmanager
def _change_of(corpus_uuid: UUID) -> Iterator[None]:
    """A transaction after which no process trusts what it has in memory of the corpus.

    The corpus row comes first: of two processes that change one corpus, the second waits here.
    """
    with transaction.atomic(using=DATABASE):
        ProtectedCorpus.objects.filter(uuid=corpus_uuid).update(revision=uuid4())
        yield


def _add_chunk(corpus: ProtectedCorpus, fingerprinter: Fingerprinter, items: Sequence[Item]) -> None:
    readings = [(item_uuid, Reading(text)) for item_uuid, text in items]
    digests = [
        Digest(corpus=corpus, kind=kind, length=length, digest=digest, item_uuid=item_uuid)
        for item_uuid, reading in readings
        for kind, length, digest in fingerprinter.protected_digests(reading)
    ]
    units = [
        (item_uuid, number, fingerprinter.shingles(unit.folded))
        for item_uuid, reading in readings
        for number, (_, unit) in enumerate(reading.near_units())
    ]
    sets = [
        ShingleSet(
            corpus=corpus, item_uuid=item_uuid, sentence=number, shingles=shingles.astype("<u8").tobytes()
        )
        for item_uuid, number, shingles in units
    ]
    Digest.objects.bulk_create(digests, batch_size=BATCH, ignore_conflicts=True)
    ShingleSet.objects.bulk_create(sets, batch_size=BATCH, ignore_conflicts=True)
    # Read back: an ignored conflict gives no primary key.
    stored = {
        (item_uuid, number): pk
        for item_uuid, number, pk in ShingleSet.objects.filter(
            corpus=corpus, item_uuid__in=[item_uuid for item_uuid, _ in items]
        ).values_list("item_uuid", "sentence", "pk")
    }
    keys = band_keys_of_many(
        signatures([shingles for _, _, shingles in units]), namespace=fingerprinter.namespace
    )
    bands = [
        ShingleBand(key=key, shingle_set_id=stored[item_uuid, number])
        for (item_uuid, number, _), unit_keys in zip(units, keys, strict=True)
        for key in unit_keys
    ]
    ShingleBand.objects.bulk_create(bands, batch_size=BATCH, ignore_conflicts=True)
