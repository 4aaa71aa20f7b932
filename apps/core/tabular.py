"""Rows out of an uploaded CSV or JSONL file, and the columns of a row into a record's input, output and tags.

A file that cannot be read at all is refused (``FileRefusedError``, with the remedy). A row that cannot be
read comes out as a ``RowError`` in its place, so that a report can list every bad row; whether one bad row
stops the import is for the caller to decide.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from dataclasses import dataclass
from itertools import islice
from pathlib import PurePath
from typing import TYPE_CHECKING, Literal

from apps.core.errors import RefusedError
from apps.core.strict_json import JsonValue, StrictJsonError, iter_lines, loads_line
from apps.core.text import flatten_strings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MAX_FILE_BYTES = 64 * 1024 * 1024
# Below the csv module's own limit (131,072), which stays in force against a quote that is never closed.
MAX_FIELD_CHARS = 100_000
MAX_COLUMNS = 1_000
MAX_NAME_CHARS = 200
SAMPLE_ROWS = 100

Format = Literal["csv", "jsonl"]
_FORMATS: dict[str, Format] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
}
_PACKED_SUFFIXES = frozenset({".gz", ".zip", ".xlsx", ".bz2", ".xz", ".zst", ".7z"})
_PACKED_STARTS = (b"\x1f\x8b", b"PK\x03\x04", b"PK\x05\x06", b"BZh", b"\xfd7zXZ\x00", b"\x28\xb5\x2f\xfd")
_UTF16_STARTS = (b"\xff\xfe", b"\xfe\xff")
_UTF8_MARK = b"\xef\xbb\xbf"
# Bytes that are not UTF-8 travel through the csv parser as these and are reported with their row.
_UNDECODED = re.compile("[\udc80-\udcff]")
_TARGET = re.compile(r"(?:input|output|tags)(?:\.[A-Za-z_][A-Za-z0-9_-]*)+")
# What a spreadsheet reads as a formula, in its narrow and its wide form.
_FORMULA_STARTS = tuple("=+-@＝＋－＠")
_CONTROL_STARTS = ("\t", "\r", "\n", "\x00")


class FileRefusedError(RefusedError):
    """The file as a whole cannot be read; the message names the remedy (HTTP 422)."""


class MappingError(RefusedError):
    """The column mapping cannot be used; ``problems`` names each bad item (HTTP 422)."""


class RowError(ValueError):
    """One row that cannot be used: ``line`` (from 1, where the row starts) and ``reason``."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(f"line {line}: {reason}")
        self.line = line
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Row:
    """One row. CSV values are strings without surrounding white space; JSONL values are as they were."""

    line: int
    values: dict[str, JsonValue]


def read_rows(data: bytes, filename: str) -> Iterator[Row | RowError]:
    """Yield the rows in order; raises ``FileRefusedError`` at once, before the first row is asked for."""
    if _format_of(data, filename) == "jsonl":
        return _jsonl_rows(data)
    delimiter, header = _read_header(data, filename)
    return _csv_rows(data, delimiter, header)


def columns(data: bytes, filename: str) -> list[str]:
    """The names a mapping may use as sources: the CSV header, or the dotted paths in the first 100 rows."""
    if _format_of(data, filename) == "csv":
        return _read_header(data, filename)[1]
    rows = (row for row in _jsonl_rows(data) if isinstance(row, Row))
    paths: dict[str, None] = {}
    for row in islice(rows, SAMPLE_ROWS):
        paths |= dict.fromkeys(_leaf_paths(row.values))
    return list(paths)


def _leaf_paths(values: dict[str, JsonValue], prefix: str = "") -> Iterator[str]:
    for key, value in values.items():
        if isinstance(value, dict) and value:
            yield from _leaf_paths(value, f"{prefix}{key}.")
        else:
            yield prefix + key


# --- the file as a whole


def _format_of(data: bytes, filename: str) -> Format:
    """Tell the format by the name's ending; refuse what is too large, packed, or not a table of rows."""
    suffix = PurePath(filename).suffix.lower()
    if suffix in _PACKED_SUFFIXES or data.startswith(_PACKED_STARTS):
        raise FileRefusedError(
            "The file is packed or a workbook. Upload plain CSV or JSONL: unpack or export it first."
        )
    if suffix not in _FORMATS:
        raise FileRefusedError(
            "The file's name must end in .csv, .tsv or .jsonl, so that it is read as what it is."
        )
    if len(data) > MAX_FILE_BYTES:
        raise FileRefusedError(
            f"The file is larger than {MAX_FILE_BYTES // 2**20} MiB. Split it into several."
        )
    if data.startswith(_UTF16_STARTS):
        raise FileRefusedError("The file is UTF-16. Save it as UTF-8.")
    if not data.removeprefix(_UTF8_MARK).strip():
        raise FileRefusedError("The file is empty.")
    if _FORMATS[suffix] == "jsonl":
        _refuse_one_document(data.removeprefix(_UTF8_MARK), suffix)
    return _FORMATS[suffix]


def _refuse_one_document(data: bytes, suffix: str) -> None:
    """Refuse a file that is one JSON value instead of one object per line."""
    if data.lstrip()[:1] == b"[":
        raise FileRefusedError(
            "The file is one JSON array. Write one object per line, for example: "
            "jq -c '.[]' FILE.json > FILE.jsonl"
        )
    filled = [line.data.strip() for line in islice(iter_lines(io.BytesIO(data)), SAMPLE_ROWS)]
    filled = [line for line in filled if line]
    alone = suffix == ".json" and len(filled) == 1
    if filled[:1] == [b"{"] or alone:
        raise FileRefusedError(
            "The file is one JSON object. Write one object per line; if the rows stand under a key, for "
            "example: jq -c '.rows[]' FILE.json > FILE.jsonl"
        )


# --- JSONL


def _jsonl_rows(data: bytes) -> Iterator[Row | RowError]:
    for number, line in enumerate(iter_lines(io.BytesIO(data)), start=1):
        if not line.data.strip():
            continue
        try:
            value = loads_line(line.data)
        except StrictJsonError as error:
            yield RowError(number, error.message)
            continue
        if not isinstance(value, dict):
            yield RowError(number, "The line is not a JSON object.")
        elif long := [pointer for pointer, text in flatten_strings(value) if len(text) > MAX_FIELD_CHARS]:
            yield RowError(number, f"{long[0]} is longer than {MAX_FIELD_CHARS:,} characters.")
        else:
            yield Row(number, value)


# --- CSV


def _csv_rows(data: bytes, delimiter: str, header: list[str]) -> Iterator[Row | RowError]:
    records = _csv_records(data, delimiter)
    next(records)  # the header, read before
    for line, fields in records:
        if isinstance(fields, RowError):
            yield fields
        elif problem := _problem_of(fields, header):
            yield RowError(line, problem)
        else:
            values = (field.strip() for field in fields)
            yield Row(line, dict(zip(header, values, strict=True)))


def _csv_records(data: bytes, delimiter: str) -> Iterator[tuple[int, list[str] | RowError]]:
    """Yield (line the record starts at, its fields); blank lines are left out.

    A malformed record on one line costs that line. One that spans lines ends the reading: nobody can tell
    any more which line begins a record, and text taken for rows would be worse than rows missing.
    """
    with io.TextIOWrapper(
        io.BytesIO(data), encoding="utf-8-sig", errors="surrogateescape", newline=""
    ) as lines:
        reader = csv.reader(lines, delimiter=delimiter, strict=True)
        while True:
            line = reader.line_num + 1
            try:
                fields = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                lost = reader.line_num > line
                yield line, RowError(line, _csv_reason(error, rest_is_lost=lost))
                if lost:
                    return
            else:
                if fields:
                    yield line, fields


def _csv_reason(error: csv.Error, *, rest_is_lost: bool) -> str:
    if "field limit" in str(error):
        reason = f"A field is longer than {MAX_FIELD_CHARS:,} characters; is a quote left open?"
    elif "unexpected end of data" in str(error):
        reason = "A quote is opened and never closed."
    else:
        reason = 'Text follows a closing quote; write a quote inside a quoted field twice ("").'
    return f"{reason} Nothing after this line was read." if rest_is_lost else reason


def _problem_of(fields: list[str], header: list[str]) -> str | None:
    """Why the fields are no row of this header."""
    if len(fields) != len(header):
        return f"The row has {len(fields)} fields, the header has {len(header)}."
    for name, field in zip(header, fields, strict=True):
        if problem := _problem_of_text(field):
            return f"{name!r} {problem}"
        if len(field) > MAX_FIELD_CHARS:
            return f"{name!r} is longer than {MAX_FIELD_CHARS:,} characters."
    return None


def _problem_of_text(text: str) -> str | None:
    if "\x00" in text:
        return "contains a NUL character."
    if undecoded := _UNDECODED.search(text):
        byte = ord(undecoded.group()) - 0xDC00
        return f"is not UTF-8 (byte 0x{byte:02x}); save the file as CSV UTF-8."
    return None


def _read_header(data: bytes, filename: str) -> tuple[str, list[str]]:
    """The delimiter and the names. Of comma, semicolon and tab, the one that makes most columns wins."""
    delimiters = "\t" if PurePath(filename).suffix.lower() == ".tsv" else ",;\t"
    found = [(delimiter, next(_csv_records(data, delimiter))[1]) for delimiter in delimiters]
    readable = [(delimiter, fields) for delimiter, fields in found if not isinstance(fields, RowError)]
    if not readable:
        raise FileRefusedError("The header (first line) cannot be read: its quotes are malformed.")
    delimiter, fields = max(readable, key=lambda item: len(item[1]))
    names = [field.strip() for field in fields]
    _check_header(names)
    return delimiter, names


def _check_header(names: list[str]) -> None:
    if len(names) > MAX_COLUMNS:
        raise FileRefusedError(f"The header names {len(names):,} columns; at most {MAX_COLUMNS:,} are read.")
    if not any(names):
        raise FileRefusedError("The header is missing: the first line must name the columns.")
    for position, name in enumerate(names, start=1):
        if not name:
            raise FileRefusedError(f"Column {position} of the header has no name. Name or remove the column.")
        if len(name) > MAX_NAME_CHARS:
            raise FileRefusedError(
                f"Column {position} of the header is longer than {MAX_NAME_CHARS} characters. "
                "Is the header missing? The first line must name the columns."
            )
        if problem := _problem_of_text(name):
            raise FileRefusedError(f"Column {position} of the header {problem}")
    if repeated := [name for name, count in Counter(names).items() if count > 1]:
        listed = ", ".join(map(repr, repeated))
        raise FileRefusedError(f"The header names {listed} more than once. Rename or remove the repeats.")


# --- mapping


@dataclass(frozen=True, slots=True)
class MappedField:
    """Where a value goes (``("input", "text")``) and the column or dotted path it comes from."""

    target: tuple[str, ...]
    source: str


@dataclass(frozen=True, slots=True)
class Mapping:
    """Which column becomes which part of a record; made by ``parse_mapping``."""

    fields: tuple[MappedField, ...]


def parse_mapping(items: Sequence[str]) -> Mapping:
    """Read ``["input.text=text", "output.label=category"]``; ``MappingError`` names every bad item."""
    fields: list[MappedField] = []
    problems: list[str] = []
    for item in items:
        target, equals, source = (part.strip() for part in item.partition("="))
        parts = tuple(target.split("."))
        if not equals or not source:
            problems.append(f"{item!r}: write TARGET=COLUMN, for example input.text=text.")
        elif not _TARGET.fullmatch(target):
            problems.append(f"{item!r}: the target must be input.NAME, output.NAME or tags.NAME.")
        elif taken := next((field for field in fields if _overlap(field.target, parts)), None):
            problems.append(f"{item!r}: {'.'.join(taken.target)} is already filled from {taken.source!r}.")
        else:
            fields.append(MappedField(parts, source))
    if not problems and not any(field.target[0] == "input" for field in fields):
        problems.append("Nothing is mapped to the input; add for example input.text=text.")
    if problems:
        raise MappingError("The column mapping cannot be used:", problems)
    return Mapping(tuple(fields))


def _overlap(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """The same target, or one inside the other."""
    shared = min(len(one), len(other))
    return one[:shared] == other[:shared]


def apply_mapping(row: Row, mapping: Mapping) -> dict[str, dict[str, JsonValue]]:
    """``{"input": {…}, "output": {…}, "tags": {…}}`` of one row.

    Raises ``RowError`` naming every source that the row lacks or leaves blank. A blank tag is left out
    instead: tags are remarks, and few files fill all of them.
    """
    result: dict[str, dict[str, JsonValue]] = {"input": {}, "output": {}, "tags": {}}
    missing: list[str] = []
    blank: list[str] = []
    for field in mapping.fields:
        found, value = _look_up(row.values, field.source)
        if not found:
            missing.append(repr(field.source))
        elif value is not None and not (isinstance(value, str) and not value.strip()):
            _place(result, field.target, value)
        elif field.target[0] != "tags":
            blank.append(repr(field.source))
    reasons = [f"There is no {', '.join(missing)}."] if missing else []
    reasons += [f"{', '.join(blank)} is empty."] if blank else []
    if reasons:
        raise RowError(row.line, " ".join(reasons))
    return result


def _look_up(values: dict[str, JsonValue], path: str) -> tuple[bool, JsonValue]:
    """(found, value). A key that contains dots goes before the path that they would spell."""
    if path in values:
        return True, values[path]
    for dot in re.finditer(r"\.", path):
        inner = values.get(path[: dot.start()])
        if isinstance(inner, dict):
            found, value = _look_up(inner, path[dot.end() :])
            if found:
                return True, value
    return False, None


def _place(result: dict[str, dict[str, JsonValue]], target: tuple[str, ...], value: JsonValue) -> None:
    inner = result[target[0]]
    for name in target[1:-1]:
        child = inner.setdefault(name, {})
        if not isinstance(child, dict):  # parse_mapping lets no target stand inside another
            raise TypeError(name)
        inner = child
    inner[target[-1]] = value


# --- export


def csv_safe(cell: str) -> str:
    """The cell with an apostrophe before it if a spreadsheet would read a formula (or stumble) there.

    For files that people open in a spreadsheet. Files that programs read (JSONL) stay as they are.
    """
    if cell.startswith(_CONTROL_STARTS) or cell.lstrip().startswith(_FORMULA_STARTS):
        return "'" + cell
    return cell
