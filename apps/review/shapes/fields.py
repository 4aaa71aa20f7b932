"""The fields of an answer as a table beside the document, with the places in it where their values stand."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from apps.core.pointers import joined
from apps.records.models import Record
from apps.review.marks import HUES, Cover, Passage, passage
from apps.review.reading import Reading, name_of, spoken

MOST_PLACES = 20
"""Of one value: a short number may stand everywhere."""
MOST_SEARCHED = 100
"""Values that are looked for in the document."""
ALIGNED = re.compile(r"\S(?: {3,}|\t)\S")


@dataclass(frozen=True)
class Field:
    """A scalar of the answer. ``hue`` is 0 where the document does not have the value."""

    name: str
    pointer: str
    value: Passage
    is_number: bool = False
    is_in_text: bool = False
    hue: int = 0


@dataclass(frozen=True)
class Table:
    """A list of objects of the answer: lines of an invoice, for example. A cell may be None."""

    name: str
    columns: list[tuple[str, bool]]
    """(name, whether it is read as numbers)."""
    rows: list[list[Field | None]]


@dataclass(frozen=True)
class Fields:
    document: Passage
    is_aligned: bool
    """Whether the document has columns made of spaces: then each character has to be as wide as any other."""
    fields: list[Field] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)


def fields_of(record: Record, reading: Reading) -> Fields:
    """Everything in the output, and the document with the places of the values marked in it."""
    text = str(record.current_input.get("text", ""))
    scalars = list(_scalars(record.current_output, "/output"))
    covers: list[Cover] = []
    found: dict[str, Field] = {}
    for number, (pointer, name, value) in enumerate(scalars):
        hue = number % HUES + 1
        places = list(_places(value, text)) if number < MOST_SEARCHED else []
        covers += [Cover(start, end, "", hue) for start, end in places]
        found[pointer] = Field(
            name,
            pointer,
            reading.passages.get(pointer) or passage(spoken(value)),
            is_number=_is_number(value),
            is_in_text=bool(places),
            hue=hue if places else 0,
        )
    tables = list(_tables(record.current_output, "/output", found))
    in_tables = {cell.pointer for table in tables for row in table.rows for cell in row if cell}
    return Fields(
        document=reading.covered("/input/text", covers),
        is_aligned=ALIGNED.search(text) is not None,
        fields=[each for pointer, each in found.items() if pointer not in in_tables],
        tables=tables,
    )


def _scalars(value: Any, pointer: str, name: str = "") -> Iterator[tuple[str, str, Any]]:
    """(pointer, name, value) of each; a name says the objects around it too. A null is a field that is not there."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _scalars(
                inner, joined(pointer, key), f"{name} › {name_of(key)}" if name else name_of(key)
            )
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _scalars(inner, joined(pointer, number), f"{name} {number + 1}")
    elif value is not None:
        yield pointer, name, value


def _tables(value: Any, pointer: str, found: Mapping[str, Field]) -> Iterator[Table]:
    if not isinstance(value, Mapping):
        return
    for key, inner in value.items():
        place = joined(pointer, key)
        if isinstance(inner, list) and inner and all(_is_flat(each) for each in inner):
            names = list(dict.fromkeys(name for each in inner for name in each))
            rows = [
                [found.get(joined(place, number, name)) for name in names] for number, _ in enumerate(inner)
            ]
            titles = [name_of(name) for name in names]
            yield Table(name_of(key), list(zip(titles, _number_columns(rows), strict=True)), rows)
        else:
            yield from _tables(inner, place, found)


def _is_flat(value: Any) -> bool:
    return isinstance(value, dict) and not any(isinstance(each, (dict, list)) for each in value.values())


def _number_columns(rows: Sequence[Sequence[Field | None]]) -> list[bool]:
    return [all(cell is None or cell.is_number for cell in column) for column in zip(*rows, strict=True)]


def _is_number(value: Any) -> bool:
    if isinstance(value, str):
        return re.fullmatch(r"[-+(]?[^\w\s]?\s?\d[\d.,' ]*%?\)?", value) is not None
    return isinstance(value, int | float) and not isinstance(value, bool)


def _places(value: Any, text: str) -> Iterator[tuple[int, int]]:
    """Where the value stands as a word of its own, its white space being any white space."""
    if isinstance(value, bool):
        return iter(())
    written = [value] if isinstance(value, str) else [str(value), f"{value:.2f}"]
    words = [r"\s+".join(map(re.escape, each.split())) for each in written if each.strip()]
    if not words:
        return iter(())
    pattern = re.compile(rf"(?<![\w.,])(?:{'|'.join(words)})(?![\w]|[.,]\d)")
    return ((match.start(), match.end()) for match in islice(pattern.finditer(text), MOST_PLACES))
