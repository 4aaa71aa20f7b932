"""Turns of a conversation, passages to choose from, and whatever else an answer or an input has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from apps.core.pointers import joined
from apps.records.models import Record
from apps.review.marks import Passage, passage
from apps.review.reading import HEADINGS, Reading, is_long, name_of, spoken
from apps.task_types.retrieval import passages_of


@dataclass(frozen=True)
class Turn:
    """What one side says, and the calls of tools that it makes as (name, arguments)."""

    role: str
    text: Passage
    calls: list[tuple[str, Passage]]


@dataclass(frozen=True)
class Choice:
    """A passage that answers a query, or only looks so. ``is_positive``: it answers."""

    id: Passage
    text: Passage
    is_positive: bool


@dataclass(frozen=True)
class Part:
    """What is too long to be a fact: a text, or a list of texts, or anything else as its JSON."""

    name: str
    pointer: str
    text: Passage | None = None
    items: list[Passage] = field(default_factory=list)
    json: Passage | None = None


def turns_of(record: Record, reading: Reading) -> list[Turn]:
    written = record.current_input.get("turns")
    return [
        Turn(
            str(turn.get("role", "")),
            reading.passages.get(f"/input/turns/{number}/content", Passage()),
            list(_calls(turn.get("calls"))),
        )
        for number, turn in enumerate(written if isinstance(written, list) else ())
        if isinstance(turn, dict)
    ]


def _calls(written: Any) -> Iterator[tuple[str, Passage]]:
    for call in written if isinstance(written, list) else ():
        if isinstance(call, dict):
            inner = call.get("function")
            call = inner if isinstance(inner, dict) else call
            arguments = call.get("arguments", call.get("input", {}))
            yield str(call.get("name", "")), passage(spoken(arguments))


def choices_of(record: Record, reading: Reading) -> list[Choice]:
    """The positive first."""
    return [
        Choice(
            id=reading.passages.get(f"{place}/id", Passage()),
            text=reading.passages.get(f"{place}/text", Passage()),
            is_positive=place == "/output/positive",
        )
        for place, _ in passages_of(record.current_output)
    ]


def parts_of(payload: Mapping[str, Any], side: str, reading: Reading, without: str) -> list[Part]:
    """What the facts leave out of ``payload``, the ``side`` of a record; ``without`` names pointers shown elsewhere."""
    return [
        _part(name, pointer, value, reading)
        for name, value in payload.items()
        if (pointer := joined(f"/{side}", name)) not in (*HEADINGS, *without.split())
        and value is not None
        and value != []
        and is_long(pointer, value)
    ]


def _part(name: str, pointer: str, value: Any, reading: Reading) -> Part:
    title = name_of(name)
    if isinstance(value, str):
        return Part(title, pointer, text=reading.passages[pointer])
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        items = [reading.passages[joined(pointer, number)] for number in range(len(value))]
        return Part(title, pointer, items=items)
    return Part(title, pointer, json=passage(spoken(value)))
