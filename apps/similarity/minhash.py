"""Near-duplicates of short texts: character 5-grams, MinHash, banded keys, exact verification.

A text is the set of 5-grams of its canonical form, hashed to 64 bits. Sixty minima over that set estimate the
Jaccard similarity; cut into 12 bands of 5 and folded to one signed 64-bit key per band, they are found by an
equality lookup in any database. Candidates are verified with the exact ``jaccard``. Measured against exact
search on a million short texts: recall 0.98 at Jaccard ≥ 0.7, about two candidates per query.

Keys and hashes live in databases. Every constant and operation below is therefore frozen: they come from no
library's random generator and no ``hash()``, and the tests pin golden values. To change anything, add a
second version beside it and rebuild the index.

Two hashes, one index. ``shingles`` is public and fast; anyone can recompute it, so anyone holding the stored
values can test a guess. ``KeyedShingler`` is for protected corpora; see there.
"""

from __future__ import annotations

import hashlib
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from apps.core.text import canonical

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ShingleSet: TypeAlias = NDArray[np.uint64]
"""Sorted, without repetition, shape (n,)."""
Signature: TypeAlias = NDArray[np.uint64]
"""The minima, shape (PERMUTATIONS,); all ``EMPTY_MINIMUM`` for an empty set."""

SHINGLE_LENGTH = 5
BANDS = 12
ROWS_PER_BAND = 5
PERMUTATIONS = BANDS * ROWS_PER_BAND
EMPTY_MINIMUM = 2**64 - 1
MIN_KEY_BYTES = 16
MAX_KEY_BYTES = hashlib.blake2b.MAX_KEY_SIZE

_MASK = 2**64 - 1
_GOLDEN_RATIO = 0x9E3779B97F4A7C15
# Hashes per slice when many sets are signed at once: one slice and its permuted copy stay in the CPU's cache.
_SLICE = 1 << 15
# Grams whose keyed digest is kept: some ten megabytes.
_REMEMBERED = 50_000


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
    return np.unique(_hashes_of_many([canonical(text)])[0])


def text_signatures(texts: Sequence[str]) -> NDArray[np.uint64]:
    """``signatures`` of the shingles of ``texts``; faster, for a minimum needs no set."""
    return signatures(_hashes_of_many([canonical(text) for text in texts]))


def _hashes_of_many(many: Sequence[str]) -> list[NDArray[np.uint64]]:
    """The hash of every 5-gram of each canonical text, in order and repeated as they are."""
    padded = [folded.ljust(SHINGLE_LENGTH, "\x00") if folded else "" for folded in many]
    codes = np.frombuffer("".join(padded).encode("utf-32-le"), dtype="<u4").astype(np.uint64)
    count = max(len(codes) - SHINGLE_LENGTH + 1, 0)
    hashes = np.zeros(count, dtype=np.uint64)
    for place, factor in enumerate(_CHARACTER_FACTORS):
        hashes += codes[place : place + count] * factor
    hashes = _mix(hashes)
    # The grams that reach from one text into the next belong to neither.
    ends = accumulate(map(len, padded))
    return [
        hashes[end - len(text) : max(end - SHINGLE_LENGTH + 1, end - len(text))]
        for text, end in zip(padded, ends, strict=True)
    ]


def grams(text: str) -> frozenset[str]:
    """The 5-grams themselves, to verify with: a text is cut faster than it is hashed."""
    folded = canonical(text)
    if len(folded) <= SHINGLE_LENGTH:
        return frozenset([folded] if folded else ())
    return frozenset(
        [folded[start : start + SHINGLE_LENGTH] for start in range(len(folded) - SHINGLE_LENGTH + 1)]
    )


def gram_jaccard(a: frozenset[str], b: frozenset[str]) -> float:
    """``jaccard`` of two sets of grams."""
    shared = len(a & b)
    return shared / (len(a) + len(b) - shared) if shared else 0.0


class KeyedShingler:
    """5-grams, each hashed with BLAKE2b under ``key`` (16 to 64 bytes) and cut to 64 bits.

    The key has to go through a pseudorandom function, one shingle at a time. Secret constants in the fast
    hash would not do: it is linear before an invertible finaliser, so a few known pairs of shingle and hash
    (any phrase of the protected text that is public) give the constants away, and after that every guess can
    be confirmed. The cost is under a microsecond per distinct shingle; those met lately are remembered.

    What stays visible without the key: how many distinct shingles a text has, and which texts share some.
    With the key, short texts can be rebuilt shingle by shingle; key and hashes belong in different places.
    """

    def __init__(self, key: bytes) -> None:
        if not MIN_KEY_BYTES <= len(key) <= MAX_KEY_BYTES:
            message = f"The key must have {MIN_KEY_BYTES} to {MAX_KEY_BYTES} bytes, not {len(key)}."
            raise ValueError(message)
        # The person tag keeps these apart from any other use of the key. A copied state spares the key schedule.
        self._keyed = hashlib.blake2b(key=key, person=b"text 5-grams v1", digest_size=8)
        self._known: dict[str, bytes] = {}

    def shingles(self, text: str) -> ShingleSet:
        return np.unique(self.hashes(text))

    def hashes(self, text: str) -> NDArray[np.uint64]:
        """The hash of each distinct 5-gram, in no order."""
        own = grams(text)
        known = self._known
        new = own.difference(known)
        if len(known) + len(new) > _REMEMBERED:
            known.clear()
            new = own
        for gram in new:
            state = self._keyed.copy()
            state.update(gram.encode("utf-8"))
            known[gram] = state.digest()
        return np.frombuffer(b"".join([known[gram] for gram in own]), dtype="<u8").astype(np.uint64)


def keyed_shingles(text: str, key: bytes) -> ShingleSet:
    """The shingles of one text under ``key``; see ``KeyedShingler``."""
    return KeyedShingler(key).shingles(text)


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
    result = np.full((len(sets), PERMUTATIONS), EMPTY_MINIMUM, dtype=np.uint64)
    filled = [row for row, hashes in enumerate(sets) if len(hashes)]
    for first, stop in pairwise(_slice_bounds([len(sets[row]) for row in filled])):
        rows = filled[first:stop]
        flat = np.concatenate([sets[row] for row in rows])
        starts = np.cumsum([0] + [len(sets[row]) for row in rows[:-1]])
        for permutation in range(PERMUTATIONS):
            permuted = flat * _PERMUTATION_FACTORS[permutation] + _PERMUTATION_OFFSETS[permutation]
            result[rows, permutation] = np.minimum.reduceat(permuted, starts)
    return result


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
    seeds = _mix(_BAND_SEEDS ^ np.uint64(namespace & _MASK))
    minima = many.reshape(len(many), BANDS, ROWS_PER_BAND)
    keys = np.broadcast_to(seeds, (len(many), BANDS))
    for row in range(ROWS_PER_BAND):
        keys = _mix(keys ^ minima[:, :, row])
    empty = (many == np.uint64(EMPTY_MINIMUM)).all(axis=1)
    signed: list[list[int]] = keys.view(np.int64).tolist()
    return [[] if blank else row_keys for blank, row_keys in zip(empty, signed, strict=True)]
