"""Made-up token bodies for the examples of the rules.

A whole token must not stand in the source, or every scanner that guards a repository would stop on it; so the
examples are put together when the rules are loaded, the same on every machine.
"""

from __future__ import annotations

import hashlib
import string

LETTERS = string.ascii_letters
ALNUM = string.ascii_letters + string.digits
LOWER_ALNUM = string.ascii_lowercase + string.digits
UPPER_ALNUM = string.ascii_uppercase + string.digits
HEX = "0123456789abcdef"
BASE32 = string.ascii_uppercase + "234567"
BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
BASE64 = ALNUM + "+/"
BECH32 = "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L"


def characters(length: int, alphabet: str = ALNUM) -> str:
    """``length`` characters of ``alphabet``, always the same ones for the same arguments."""
    stream = hashlib.shake_128(f"{length} of {alphabet}".encode()).digest(2 * length)
    return "".join(
        alphabet[(stream[at] << 8 | stream[at + 1]) % len(alphabet)] for at in range(0, 2 * length, 2)
    )


def alnum(length: int) -> str:
    return characters(length)


def lower(length: int) -> str:
    return characters(length, LOWER_ALNUM)


def upper(length: int) -> str:
    return characters(length, UPPER_ALNUM)


def hexa(length: int) -> str:
    return characters(length, HEX)


def digits(length: int) -> str:
    return characters(length, string.digits)


def uuid() -> str:
    body = hexa(32)
    return "-".join((body[:8], body[8:12], "4" + body[13:16], "a" + body[17:20], body[20:]))
