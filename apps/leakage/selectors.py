"""Counting and hashing a corpus, to prove at freezing that its fingerprints are whole."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from uuid import UUID

from apps.leakage.fingerprints import Fingerprinter, Reading
from apps.leakage.models import Digest, DigestKind, ShingleSet

Row = tuple[UUID, str, bytes | memoryview]
"""An item, what was taken of it (a digest kind, or the number of a shingle set), and the value."""


def count_items(corpus_uuid: UUID) -> int:
    """Protected rows that have fingerprints."""
    rows = Digest.objects.filter(corpus__uuid=corpus_uuid, kind=DigestKind.TEXT)
    return rows.values("item_uuid").distinct().count()


def corpus_hash(corpus_uuid: UUID) -> str:
    """SHA-256 over every stored digest and shingle set of the corpus, in a fixed order."""
    digests = Digest.objects.filter(corpus__uuid=corpus_uuid).order_by("item_uuid", "kind", "digest")
    sets = ShingleSet.objects.filter(corpus__uuid=corpus_uuid).order_by("item_uuid", "sentence")
    return _hash_of(
        digests.values_list("item_uuid", "kind", "digest").iterator(),
        (
            (item_uuid, str(number), shingles)
            for item_uuid, number, shingles in sets.values_list(
                "item_uuid", "sentence", "shingles"
            ).iterator()
        ),
    )


def expected_hash(*, project_uuid: UUID, items: Iterable[tuple[UUID, str]]) -> str:
    """What ``corpus_hash`` must give once exactly ``items``, sorted by uuid, are fingerprinted."""
    fingerprinter = Fingerprinter(project_uuid)
    digests, sets = hashlib.sha256(), hashlib.sha256()
    for item_uuid, text in items:
        reading = Reading(text)
        for kind, _, digest in fingerprinter.protected_digests(reading):
            _feed(digests, (item_uuid, kind, digest))
        for number, (_, unit) in enumerate(reading.near_units()):
            shingles = fingerprinter.shingles(unit.folded)
            _feed(sets, (item_uuid, str(number), shingles.astype("<u8").tobytes()))
    return _combined(digests, sets)


def _hash_of(digest_rows: Iterator[Row], set_rows: Iterator[Row]) -> str:
    digests, sets = hashlib.sha256(), hashlib.sha256()
    for row in digest_rows:
        _feed(digests, row)
    for row in set_rows:
        _feed(sets, row)
    return _combined(digests, sets)


def _feed(state: hashlib._Hash, row: Row) -> None:
    item_uuid, what, value = row
    state.update(item_uuid.bytes + what.encode() + b"\x00" + len(value).to_bytes(8, "big") + bytes(value))


def _combined(*states: hashlib._Hash) -> str:
    return hashlib.sha256(b"".join(state.digest() for state in states)).hexdigest()
