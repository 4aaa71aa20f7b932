"""5-grams under a key, for protected corpora: SipHash-2-4 (Aumasson, Bernstein 2012), many grams at a time.

The key has to go through a pseudorandom function, one gram at a time. Secret constants in the fast hash of
``minhash`` would not do: it is linear before an invertible finaliser, so a few known pairs of gram and hash (any
phrase of the protected text that is public) give the constants away, and after that every guess can be confirmed.
SipHash is made for just this, short inputs under a secret key; over whole arrays it costs a tenth of a library's
hash object per gram.

What stays visible without the key: how many distinct shingles a text has, and which texts share some. With the key,
short texts can be rebuilt shingle by shingle; key and hashes belong in different places.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from apps.core.text import canonical
from apps.similarity.minhash import SHINGLE_LENGTH, ShingleSet, hashes_of_grams

MIN_KEY_BYTES = 16
MAX_KEY_BYTES = hashlib.blake2b.MAX_KEY_SIZE
KEY_BYTES = 16
"""Of SipHash itself."""

_CODE_BITS = np.uint64(21)
"""A code point has that many; three and two of them make the two words of a gram."""
_GRAM_BYTES = 16
_SLICE = 1 << 14
"""Grams at a time: the state and what is mixed into it stay in the CPU's cache."""


class KeyedShingler:
    """Hashes each 5-gram under ``key`` (16 to 64 bytes) to 64 bits."""

    def __init__(self, key: bytes) -> None:
        if not MIN_KEY_BYTES <= len(key) <= MAX_KEY_BYTES:
            message = f"The key must have {MIN_KEY_BYTES} to {MAX_KEY_BYTES} bytes, not {len(key)}."
            raise ValueError(message)
        # The person tag keeps these apart from any other use of the key.
        self._key = hashlib.blake2b(key=key, person=b"text 5-grams v2", digest_size=KEY_BYTES).digest()

    def shingles(self, text: str) -> ShingleSet:
        return np.unique(self.hashes_of_many([canonical(text)])[0])

    def hashes_of_many(self, folded: Sequence[str]) -> list[NDArray[np.uint64]]:
        """The hash of every 5-gram of each text, which is in canonical form; in order, repeated as they are.

        A text that stands in one before it, as sentences do when they follow their whole, is not hashed again.
        """
        holders: list[str] = []
        places = []
        for text in folded:
            start = holders[-1].find(text) if holders and len(text) >= SHINGLE_LENGTH else -1
            if start < 0:
                holders.append(text)
            places.append((len(holders) - 1, max(start, 0), len(text)))
        hashes = hashes_of_grams(holders, self._hashes)
        return [
            hashes[holder][start : start + max(length - SHINGLE_LENGTH + 1, 1)]
            for holder, start, length in places
        ]

    def _hashes(self, codes: NDArray[np.uint64]) -> NDArray[np.uint64]:
        count = max(len(codes) - SHINGLE_LENGTH + 1, 0)
        one, two, three, four, five = (codes[place : place + count] for place in range(SHINGLE_LENGTH))
        first = one | two << _CODE_BITS | three << (_CODE_BITS + _CODE_BITS)
        second = four | five << _CODE_BITS
        hashes = np.empty(count, dtype=np.uint64)
        for start in range(0, count, _SLICE):
            part = slice(start, start + _SLICE)
            hashes[part] = siphash(self._key, (first[part], second[part]), length=_GRAM_BYTES)
        return hashes


def keyed_shingles(text: str, key: bytes) -> ShingleSet:
    """The shingles of one text under ``key``; see ``KeyedShingler``."""
    return KeyedShingler(key).shingles(text)


def siphash(key: bytes, words: Sequence[NDArray[np.uint64]], *, length: int) -> NDArray[np.uint64]:
    """SipHash-2-4 of many messages of ``length`` bytes, a multiple of eight.

    ``key`` has ``KEY_BYTES``; ``words`` are the messages' first eight bytes, their second eight, … as little-endian
    numbers, each an array with one place for each message.
    """
    halves = [int.from_bytes(key[start : start + 8], "little") for start in (0, 8)]
    shape = np.shape(words[0])
    state = [
        np.full(shape, half ^ constant, dtype=np.uint64)
        for half, constant in zip(
            halves * 2,
            (0x736F6D6570736575, 0x646F72616E646F6D, 0x6C7967656E657261, 0x7465646279746573),
            strict=True,
        )
    ]
    spare = np.empty(shape, dtype=np.uint64)
    last = np.full(shape, length << 56 & (2**64 - 1), dtype=np.uint64)
    for word in (*words, last):
        state[3] ^= word
        _rounds(state, spare, 2)
        state[0] ^= word
    state[2] ^= np.uint64(0xFF)
    _rounds(state, spare, 4)
    return state[0] ^ state[1] ^ state[2] ^ state[3]


def _rounds(state: Sequence[NDArray[np.uint64]], spare: NDArray[np.uint64], count: int) -> None:
    a, b, c, d = state
    for _ in range(count):
        a += b
        _rotate(b, 13, spare)
        b ^= a
        _rotate(a, 32, spare)
        c += d
        _rotate(d, 16, spare)
        d ^= c
        a += d
        _rotate(d, 21, spare)
        d ^= a
        c += b
        _rotate(b, 17, spare)
        b ^= c
        _rotate(c, 32, spare)


def _rotate(values: NDArray[np.uint64], bits: int, spare: NDArray[np.uint64]) -> None:
    """To the left, in place."""
    np.left_shift(values, np.uint64(bits), out=spare)
    np.right_shift(values, np.uint64(64 - bits), out=values)
    np.bitwise_or(values, spare, out=values)
