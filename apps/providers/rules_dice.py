"""Chance that can be repeated: the same key, the same throw, on every machine."""

from __future__ import annotations

import hashlib
from random import Random


def dice(*key: object) -> Random:
    """A generator that depends on ``key`` alone."""
    return Random(_number(key))  # noqa: S311  for wording, not for secrets


def _number(key: tuple[object, ...]) -> int:
    spelling = "\x1f".join(map(str, key)).encode(errors="surrogatepass")
    return int.from_bytes(hashlib.blake2b(spelling, digest_size=16).digest())
