"""JSON pointers (RFC 6901) into a record, with ``*`` for every member: ``/output/items/*/price``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

EVERY = "*"
SCHEMA: dict[str, Any] = {"type": "string", "maxLength": 200, "pattern": r"^/(input|output)(/|$)"}
"""What a spec may write where a place in a record is asked for."""


def values_at(document: Any, pointer: str) -> list[tuple[str, Any]]:
    """Every place that ``pointer`` names with its value; none where the document has no such place.

    Raises ValueError for what is no pointer. A member that is itself called ``*`` cannot be named alone.
    """
    places: Iterable[tuple[str, Any]] = [("", document)]
    for part in _parts(pointer):
        places = [member for place in places for member in _members(place, part)]
    return list(places)


def strings_at(document: Any, pointer: str) -> list[tuple[str, str]]:
    """The same for places that hold text."""
    return [(place, value) for place, value in values_at(document, pointer) if isinstance(value, str)]


def _parts(pointer: str) -> list[str]:
    if pointer and not pointer.startswith("/"):
        raise ValueError(f"{pointer!r} is no JSON pointer: it begins with a slash, like /output/answer.")
    return pointer.split("/")[1:]


def _members(place: tuple[str, Any], part: str) -> Iterator[tuple[str, Any]]:
    path, value = place
    if isinstance(value, Mapping):
        names: Sequence[str] = list(value) if part == EVERY else [unescaped(part)]
        yield from ((f"{path}/{escaped(name)}", value[name]) for name in names if name in value)
    elif isinstance(value, list):
        numbers = range(len(value)) if part == EVERY else [int(part)] if part.isdecimal() else []
        yield from ((f"{path}/{number}", value[number]) for number in numbers if number < len(value))


def unescaped(part: str) -> str:
    """The name that one part of a pointer stands for."""
    return part.replace("~1", "/").replace("~0", "~")


def joined(pointer: str, *parts: str | int) -> str:
    """``pointer``, some steps further down."""
    return pointer + "".join(f"/{escaped(str(part))}" for part in parts)


def escaped(name: str) -> str:
    """``name`` as one part of a pointer."""
    return name.replace("~", "~0").replace("/", "~1")
