"""Tags for reading templates."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django import template

from apps.core.pointers import joined, values_at
from apps.records.models import Record
from apps.review.marks import Passage
from apps.review.marks import passage as passage_of
from apps.review.payloads import current_payload
from apps.review.reading import Reading, is_passage, reading_of
from apps.task_types.redaction import spans_of
from apps.task_types.tool_definitions import ToolDefinitionError, read_tools

register = template.Library()


@dataclass(frozen=True)
class Part:
    """A part of an answer that is no short fact. ``value`` is its JSON where it is no text."""

    name: str
    pointer: str
    is_text: bool
    value: Passage


@dataclass(frozen=True)
class Covered:
    """A span of a redaction and the words that it covers."""

    start: int
    end: int
    kind: str
    words: Passage


@dataclass(frozen=True)
class Turn:
    """Who speaks, where it is written, and the calls of tools that were made."""

    role: str
    pointer: str
    calls: Passage | None


@register.inclusion_tag("review/_passage.html")
def passage(reading: Reading, pointer: str) -> dict[str, Any]:
    """The string at ``pointer`` of the payload, with its findings marked. Nothing where there is none."""
    return {"passage": reading.passages.get(pointer, Passage())}


@register.simple_tag
def plain_reading(record: Record) -> Reading:
    """The reading of a record without its findings, for pages that only show what it says."""
    return reading_of(record, [], prefix=f"record-{record.pk}-")


@register.inclusion_tag("review/_passage.html")
def marked(passage: Passage) -> dict[str, Any]:
    """A passage that is in hand already, for example the value of a fact."""
    return {"passage": passage}


@register.simple_tag
def json_at(record: Record, pointer: str) -> Passage:
    """The value at ``pointer`` as indented JSON, a text as it is; empty where there is none."""
    for _, value in values_at(current_payload(record), pointer):
        return passage_of(_shown(value))
    return Passage()


@register.simple_tag
def answer_parts(record: Record) -> list[Part]:
    """What stands not among the facts of an answer: texts with lines, lists and objects."""
    return list(_parts(record))


def _parts(record: Record) -> Iterator[Part]:
    for name, value in record.current_output.items():
        pointer, title = joined("/output", name), name.replace("_", " ").capitalize()
        if isinstance(value, (dict, list)):
            yield Part(title, pointer, is_text=False, value=passage_of(_shown(value)))
        elif isinstance(value, str) and is_passage(pointer, value):
            yield Part(title, pointer, is_text=True, value=passage_of(value))


@register.simple_tag
def tool_notes(record: Record) -> list[str]:
    """What of the definitions of tools was read otherwise than it is written."""
    try:
        tools = read_tools(record.current_input.get("tools") or [])
    except ToolDefinitionError as error:
        return [str(error)]
    return [f"{tool.name}: {note}" for tool in tools for note in tool.notes]


@register.simple_tag
def turns(record: Record) -> list[Turn]:
    """The turns of a dialogue; what a turn says stands at ``pointer``."""
    written = record.current_input.get("turns")
    return [
        Turn(
            str(turn.get("role", "")),
            f"/input/turns/{number}/content",
            passage_of(_shown(turn["calls"])) if turn.get("calls") else None,
        )
        for number, turn in enumerate(written if isinstance(written, list) else ())
        if isinstance(turn, dict)
    ]


@register.simple_tag
def covered(record: Record) -> list[Covered]:
    """The spans of a redaction, in the order of the text."""
    text = str(record.current_input.get("text", ""))
    return [
        Covered(span.start, span.end, span.kind, passage_of(text[span.start : span.end]))
        for span in spans_of(record.current_output)
    ]


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)
