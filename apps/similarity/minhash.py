"""Near-duplicates of short texts: character 5-grams, MinHash, banded keys, exact verification.

A text is the set of 5-grams of its canonical form, hashed to 64 bits. Sixty minima over that set estimate the
Jaccard similarity; cut into 12 bands of 5 and folded to one signed 64-bit key per band, they are found by an
equality lookup in any database. Candidates are verified with the exact ``jaccard``. Measured against exact
search on a million short texts: recall 0.98 at Jaccard ≥ 0.7, about two candidates per query.

Keys and hashes live in databases. Every constant and operation below is therefore frozen: they come from no
library's random generator and no ``hash()``, and the tests pin golden values. To change anything, add a
second version beside it and rebuild the index.

Two hashes, one index. ``shingles`` is public and fast; anyone can recompute it, so anyone holding the stored
values can test a guess. ``keyed.KeyedShingler`` is for protected corpora; see there.
"""

from __future__ import annotations

from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from apps.core.text import canonical

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from collections.abc import Set as AbstractSet

ShingleSet: TypeAlias = NDArray[np.uint64]
"""Sorted, without repetition, shape (n,)."""
Signature: TypeAlias = NDArray[np.uint64]
"""The minima, shape (PERMUTATIONS,); all ``EMPTY_MINIMUM`` for an empty set."""

SHINGLE_LENGTH = 5
BANDS = 12
ROWS_PER_BAND = 5
PERMUTATIONS = BANDS * ROWS_PER_BAND
EMPTY_MINIMUM = 2**64 - 1

_MASK = 2**64 - 1
_GOLDEN_RATIO = 0x9E3779B97F4A7C15
# Hashes per slice when many sets are signed at once: one slice and its permuted copy stay in the CPU's cache.
_SLICE = 1 << 15


def _splitmix64(seed: int) -> Iterator[int]:
    """The SplitMix64 stream (Steele, Lea, Flood 2014): where every constant here comes from."""
    state = seed
    while True:
        state = (state + _GOLDEN_RATIO) & _MASK
        mixed = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & _MASK
        yield mixed ^ (mixed >> 31)


def _constants(count: int, *, seed: int) -> NDArray[np.uint64]:
    stream = _splitmix64(seed)
    return np.array([next(stream) for _ in range(count)], dtype=np.uint64)


_ODD = np.uint64(1)
_CHARACTER_FACTORS = _constants(SHINGLE_LENGTH, seed=1) | _ODD
_PERMUTATION_FACTORS = _constants(PERMUTATIONS, seed=2) | _ODD
_PERMUTATION_OFFSETS = _constants(PERMUTATIONS, seed=3)
_BAND_SEEDS = _constants(BANDS, seed=4)
_FIRST_SHIFT, _SECOND_SHIFT, _LAST_SHIFT = np.uint64(30), np.uint64(27), np.uint64(31)
_FIRST_FACTOR, _SECOND_FACTOR = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)


def _mix(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """SplitMix64's finaliser on a whole array: a bijection; every input bit reaches every output bit."""
    values = (values ^ (values >> _FIRST_SHIFT)) * _FIRST_FACTOR
    values = (values ^ (values >> _SECOND_SHIFT)) * _SECOND_FACTOR
    return values ^ (values >> _LAST_SHIFT)


def shingles(text: str) -> ShingleSet:
    """The hashed 5-grams of the canonical text.

    A text of one to four characters is one shingle, padded with NUL (which canonical text never contains), so
    that it equals only itself. A text with nothing left in its canonical form has no shingles.
    """
    return np.unique(hashes_of_grams([canonical(text)], _public_hashes)[0])


def hashes_of_texts(texts: Sequence[str]) -> list[NDArray[np.uint64]]:
    """The shingles of each text, unsorted and repeated as they stand in it: to sign and to verify with."""
    return hashes_of_grams([canonical(text) for text in texts], _public_hashes)


def hashes_of_grams(
    folded: Sequence[str], hashes_of: Callable[[NDArray[np.uint64]], NDArray[np.uint64]]
) -> list[NDArray[np.uint64]]:
    """The hash of every 5-gram of each canonical text, in order and repeated as they are.

    ``hashes_of`` makes of n code points the hashes of the n - 4 grams in them, all texts in one go.
    """
    padded = [text.ljust(SHINGLE_LENGTH, "\x00") if text else "" for text in folded]
    codes = np.frombuffer("".join(padded).encode("utf-32-le"), dtype="<u4").astype(np.uint64)
    hashes = hashes_of(codes)
    # The grams that reach from one text into the next belong to neither.
    ends = accumulate(map(len, padded))
    return [
        hashes[end - len(text) : max(end - SHINGLE_LENGTH + 1, end - len(text))]
        for text, end in zip(padded, ends, strict=True)
    ]


def _public_hashes(codes: NDArray[np.uint64]) -> NDArray[np.uint64]:
    count = max(len(codes) - SHINGLE_LENGTH + 1, 0)
    hashes = np.zeros(count, dtype=np.uint64)
    for place, factor in enumerate(_CHARACTER_FACTORS):
        hashes += codes[place : place + count] * factor
    return _mix(hashes)


def set_jaccard(a: AbstractSet[int], b: AbstractSet[int]) -> float:
    """``jaccard`` of shingles in sets of Python's own: those of short texts are compared faster so."""
    shared = len(a & b)
    return shared / (len(a) + len(b) - shared) if shared else 0.0


def jaccard(a: ShingleSet, b: ShingleSet) -> float:
    """Shared shingles over all shingles, 0 to 1. Nothing is near an empty text, not even another one."""
    if not len(a) or not len(b):
        return 0.0
    small, large = (a, b) if len(a) <= len(b) else (b, a)
    places = np.minimum(np.searchsorted(large, small), len(large) - 1)
    shared = int(np.count_nonzero(large[places] == small))
    return shared / (len(a) + len(b) - shared)


def signature(hashes: ShingleSet) -> Signature:
    """MinHash of one set, shape (PERMUTATIONS,)."""
    minima = np.full(PERMUTATIONS, EMPTY_MINIMUM, dtype=np.uint64)
    step = _SLICE // PERMUTATIONS
    for start in range(0, len(hashes), step):
        permuted = np.multiply.outer(_PERMUTATION_FACTORS, hashes[start : start + step])
        permuted += _PERMUTATION_OFFSETS[:, np.newaxis]
        np.minimum(minima, permuted.min(axis=1), out=minima)
    return minima


def signatures(sets: Sequence[ShingleSet]) -> NDArray[np.uint64]:
    """MinHash of many sets, shape (len(sets), PERMUTATIONS); several times faster than one at a time."""
    result = np.full((PERMUTATIONS, len(sets)), EMPTY_MINIMUM, dtype=np.uint64)
    filled = [row for row, hashes in enumerate(sets) if len(hashes)]
    for first, stop in pairwise(_slice_bounds([len(sets[row]) for row in filled])):
        rows = np.array(filled[first:stop])
        flat = np.concatenate([sets[row] for row in rows])
        starts = np.cumsum([0] + [len(sets[row]) for row in rows[:-1]])
        permuted = np.empty_like(flat)
        for permutation in range(PERMUTATIONS):
            np.multiply(flat, _PERMUTATION_FACTORS[permutation], out=permuted)
            np.add(permuted, _PERMUTATION_OFFSETS[permutation], out=permuted)
            result[permutation, rows] = np.minimum.reduceat(permuted, starts)
    return np.ascontiguousarray(result.T)


def _slice_bounds(lengths: list[int]) -> list[int]:
    """Cut a list of sets where their summed lengths pass ``_SLICE``; a longer set gets a slice of its own."""
    bounds, total = [0], 0
    for place, length in enumerate(lengths):
        if total and total + length > _SLICE:
            bounds.append(place)
            total = 0
        total += length
    return [*bounds, len(lengths)] if lengths else bounds


def estimated_jaccard(a: Signature, b: Signature) -> float:
    """Share of equal minima; standard error at most 0.065. Use ``jaccard`` to decide anything."""
    return float(np.mean(a == b))


def band_keys(one_signature: Signature, *, namespace: int) -> list[int]:
    """The keys to store or look up: one signed 64-bit integer per band, none for an empty text.

    ``namespace`` (a project's id) is folded in, so that equal texts of two projects share no key. Two sets of
    Jaccard j have a key in common with probability 1 - (1 - j⁵)¹².
    """
    return band_keys_of_many(one_signature[np.newaxis, :], namespace=namespace)[0]


def band_keys_of_many(many: NDArray[np.uint64], *, namespace: int) -> list[list[int]]:
    """``band_keys`` of each row of a (n, PERMUTATIONS) array."""
    keys, empty = band_key_table(many, namespace=namespace)
    signed: list[list[int]] = keys.tolist()
    return [[] if blank else row_keys for blank, row_keys in zip(empty.tolist(), signed, strict=True)]


def band_key_table(
    many: NDArray[np.uint64], *, namespace: int
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """``band_keys`` of each row as an (n, BANDS) array, and which rows are of empty texts: they have no keys."""
    seeds = _mix(_BAND_SEEDS ^ np.uint64(namespace & _MASK))
    minima = many.reshape(len(many), BANDS, ROWS_PER_BAND)
    keys = np.broadcast_to(seeds, (len(many), BANDS))
    for row in range(ROWS_PER_BAND):
        keys = _mix(keys ^ minima[:, :, row])
    return keys.view(np.int64), (many == np.uint64(EMPTY_MINIMUM)).all(axis=1)
