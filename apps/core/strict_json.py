"""JSON from strangers: one line at a time, refused with a reason when two readers could disagree about it.

Python's ``json`` is generous: it takes UTF-16, NaN, repeated keys (the last one wins), lone surrogates and
nesting deep enough to exhaust the stack. Each of those either crashes a later step, cannot be stored by
PostgreSQL, or means something else to the next program. A refused line is quarantined by the caller with
its offset, SHA-256 and reason code; its neighbours are not affected.

Messages never quote values, only positions and (shortened) key names: they end up in logs and reports, where
record text has no business.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, BinaryIO, NoReturn, TypeAlias, cast

if TYPE_CHECKING:
    from collections.abc import Iterator

JsonValue: TypeAlias = "str | int | float | bool | list[JsonValue] | dict[str, JsonValue] | None"

MAX_LINE_BYTES = 1_000_000
MAX_DEPTH = 64
# What a 64-bit database column and every other JSON reader can hold without rounding surprises of ours.
MIN_INTEGER, MAX_INTEGER = -(2**63), 2**63 - 1

_SKIP_BYTES = 1 << 16
_LONGEST_INTEGER = len(str(MIN_INTEGER))
# Possessive, and with an optional closing quote: an unterminated string is still one match, so a line full of
# quotes costs linear time. Whether the string was closed is for the parser to say.
_STRING_OR_BRACKET = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[\[\]{}]', re.DOTALL)
_SURROGATE = re.compile("[\ud800-\udfff]")


class ReasonCode(StrEnum):
    """Why a line was refused; stored with quarantined lines, so values never change."""

    TOO_LONG = "line_too_long"
    EMPTY = "empty_line"
    BOM = "byte_order_mark"
    UTF16 = "utf16"
    NOT_UTF8 = "invalid_utf8"
    NUL = "nul"
    TOO_DEEP = "too_deep"
    NOT_JSON = "invalid_json"
    NOT_FINITE = "not_finite"
    INTEGER_RANGE = "integer_out_of_range"
    DUPLICATE_KEY = "duplicate_key"
    LONE_SURROGATE = "lone_surrogate"


class StrictJsonError(ValueError):
    """A line that will not be read. ``reason_code`` is for programs, ``message`` for people."""

    def __init__(self, reason_code: ReasonCode, message: str) -> None:
        super().__init__(message)
        self.reason_code = reason_code
        self.message = message


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a stream.

    ``data`` comes without its line feed. A line over the limit carries only its first ``max_bytes + 1``
    bytes, which ``loads_line`` under the same limit refuses as too long; ``sha256`` (hex) and ``end`` (the
    byte offset of the next line) always describe the whole line.
    """

    offset: int
    data: bytes
    too_long: bool
    sha256: str
    end: int


def iter_lines(stream: BinaryIO, *, max_bytes: int = MAX_LINE_BYTES, start: int = 0) -> Iterator[Line]:
    r"""Yield the lines of ``stream``, split at ``b"\n"`` alone, holding at most ``max_bytes + 2`` bytes.

    ``str.splitlines`` also breaks at U+2028 and U+0085, which are legal inside JSON strings. ``start`` is the
    offset the stream stands at, for resuming at ``Line.end``. The line feed ends a line and does not begin
    one, so a final line feed adds no empty line.
    """
    offset = start
    while data := stream.readline(max_bytes + 1):
        end = offset + len(data)
        complete = data.endswith(b"\n")
        data = data.removesuffix(b"\n")
        digest = hashlib.sha256(data)
        too_long = len(data) > max_bytes
        if too_long and not complete:
            end += _skip_rest_of_line(stream, digest)
        yield Line(offset=offset, data=data, too_long=too_long, sha256=digest.hexdigest(), end=end)
        offset = end


def _skip_rest_of_line(stream: BinaryIO, digest: hashlib._Hash) -> int:
    """Read on to the line feed in small pieces, hashing them; return how many bytes were read."""
    skipped = 0
    while chunk := stream.readline(_SKIP_BYTES):
        skipped += len(chunk)
        digest.update(chunk.removesuffix(b"\n"))
        if chunk.endswith(b"\n"):
            break
    return skipped


def loads_line(data: bytes, *, max_bytes: int = MAX_LINE_BYTES, max_depth: int = MAX_DEPTH) -> JsonValue:
    """Parse one line of UTF-8 JSON, or raise ``StrictJsonError`` with the reason it cannot be trusted."""
    text = _decode(data, max_bytes=max_bytes)
    _check_depth(text, max_depth=max_depth)
    try:
        value = cast("JsonValue", _DECODER.decode(text))
    except json.JSONDecodeError as error:
        raise StrictJsonError(
            ReasonCode.NOT_JSON, f"Not valid JSON: {error.msg} at character {error.pos + 1}."
        ) from error
    # NUL and surrogates that stand raw in the line are gone by now: only an escape can still bring one.
    if "\\u" in text:
        _check_strings(value)
    return value


def canonical_dumps(value: JsonValue) -> bytes:
    """One spelling per value, for hashing: keys sorted by code point, no spaces, UTF-8 without escapes.

    Not RFC 8785: numbers are written as Python writes them, so ``1`` and ``1.0`` differ.
    Raises ``ValueError`` for what ``loads_line`` would not have let in (NaN, infinities, lone surrogates).
    """
    return _CANONICAL_ENCODER.encode(value).encode("utf-8")


def sha256_of(value: JsonValue) -> str:
    """SHA-256 (hex) of the canonical spelling of ``value``."""
    return hashlib.sha256(canonical_dumps(value)).hexdigest()


def _decode(data: bytes, *, max_bytes: int) -> str:
    if len(data) > max_bytes:
        raise StrictJsonError(ReasonCode.TOO_LONG, f"The line is longer than {max_bytes:,} bytes.")
    if data.startswith(b"\xef\xbb\xbf"):
        raise StrictJsonError(ReasonCode.BOM, "The line starts with a byte order mark; save without BOM.")
    if _looks_like_utf16(data):
        raise StrictJsonError(ReasonCode.UTF16, "The line is UTF-16 or UTF-32; save the file as UTF-8.")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise StrictJsonError(
            ReasonCode.NOT_UTF8, f"Not valid UTF-8: byte 0x{data[error.start]:02x} at byte {error.start + 1}."
        ) from error
    if "\x00" in text:
        raise StrictJsonError(ReasonCode.NUL, f"A NUL character at character {text.index(chr(0)) + 1}.")
    if not text.strip(" \t\r\n"):
        raise StrictJsonError(ReasonCode.EMPTY, "The line is empty.")
    return text


def _looks_like_utf16(data: bytes) -> bool:
    """A UTF-16 mark, or the many NULs that 16- and 32-bit JSON has from its first character on."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return True
    return len(data) >= 4 and 0 in data[:2] and data.count(0) * 4 >= len(data)


def _check_depth(text: str, *, max_depth: int) -> None:
    """Refuse deep nesting before the recursive parser sees it."""
    if text.count("[") + text.count("{") <= max_depth:
        return
    depth = 0
    for match in _STRING_OR_BRACKET.finditer(text):
        symbol = match.group()
        if symbol in "[{":
            depth += 1
            if depth > max_depth:
                raise StrictJsonError(
                    ReasonCode.TOO_DEEP,
                    f"Nested deeper than {max_depth} levels at character {match.start() + 1}.",
                )
        elif symbol in "]}":
            depth -= 1


def _check_strings(value: JsonValue) -> None:
    """Refuse NUL and lone surrogates in any string or key (pairs were joined by the parser)."""
    pending: list[JsonValue] = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, str):
            if "\x00" in item:
                raise StrictJsonError(ReasonCode.NUL, "A string contains an escaped NUL (\\u0000).")
            if surrogate := _SURROGATE.search(item):
                raise StrictJsonError(
                    ReasonCode.LONE_SURROGATE,
                    f"A string contains half a surrogate pair (\\u{ord(surrogate.group()):04x}).",
                )
        elif isinstance(item, dict):
            pending.extend(item.keys())
            pending.extend(item.values())
        elif isinstance(item, list):
            pending.extend(item)


def _object_without_duplicates(pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    result = dict(pairs)
    if len(result) < len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                # repr makes control and bidi characters in a hostile key visible.
                raise StrictJsonError(ReasonCode.DUPLICATE_KEY, f"The key {key[:60]!r} appears twice.")
            seen.add(key)
    return result


def _bounded_integer(digits: str) -> int:
    # The length comes first: int() of more than 4,300 digits raises, of fewer takes quadratic time.
    if len(digits) <= _LONGEST_INTEGER and MIN_INTEGER <= (number := int(digits)) <= MAX_INTEGER:
        return number
    raise StrictJsonError(
        ReasonCode.INTEGER_RANGE, f"An integer of {len(digits.lstrip('-'))} digits does not fit in 64 bits."
    )


def _finite_float(literal: str) -> float:
    number = float(literal)
    if math.isinf(number):
        raise StrictJsonError(ReasonCode.NOT_FINITE, "A number is too large for a 64-bit float.")
    return number


def _refuse_constant(name: str) -> NoReturn:
    raise StrictJsonError(ReasonCode.NOT_FINITE, f"{name} is not JSON.")


_CANONICAL_ENCODER = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
)
_DECODER = json.JSONDecoder(
    object_pairs_hook=_object_without_duplicates,
    parse_int=_bounded_integer,
    parse_float=_finite_float,
    parse_constant=_refuse_constant,
)
