"""Tags for reading templates. ``apps.review.shapes`` makes what they give."""

from __future__ import annotations

from typing import Any

from django import template

from apps.core.pointers import joined
from apps.records.models import Record
from apps.review.marks import Passage
from apps.review.payloads import current_payload
from apps.review.reading import Fact, Reading, reading_of
from apps.review.shapes.calls import Calls, calls_of
from apps.review.shapes.code import Cases, Line, cases_of, code_diff
from apps.review.shapes.fields import Fields, fields_of
from apps.review.shapes.parts import Choice, Part, Turn, choices_of, parts_of, turns_of
from apps.review.shapes.spans import SpannedText, spanned_text

register = template.Library()


@register.inclusion_tag("review/_passage.html")
def passage(reading: Reading, pointer: str) -> dict[str, Any]:
    """The string at ``pointer`` of the payload, with its findings marked. Nothing where there is none."""
    return {"passage": reading.passages.get(pointer, Passage())}


@register.inclusion_tag("review/_passage.html")
def marked(passage: Passage) -> dict[str, Any]:
    """A passage that is in hand already, for example the value of a fact."""
    return {"passage": passage}


@register.inclusion_tag("review/_passage.html")
def list_item(reading: Reading, pointer: str, number: int) -> dict[str, Any]:
    """The string that stands at ``number`` of the list at ``pointer``."""
    return {"passage": reading.passages.get(joined(pointer, number), Passage())}


@register.simple_tag
def plain_reading(record: Record) -> Reading:
    """The reading of a record without its findings, for pages that only show what it says."""
    return reading_of(record, [], prefix=f"record-{record.pk}-")


@register.simple_tag
def facts_of(reading: Reading, without: str = "") -> list[Fact]:
    """The facts of a record but those at, or inside, the pointers in ``without``."""
    hidden = without.split()
    return [
        fact
        for fact in reading.facts
        if not any(fact.pointer == each or fact.pointer.startswith(f"{each}/") for each in hidden)
    ]


@register.simple_tag
def long_parts(record: Record, reading: Reading, side: str, without: str = "") -> list[Part]:
    """What the facts leave out of ``side``, which is input or output, but the pointers in ``without``."""
    return parts_of(current_payload(record)[side], side, reading, without)


@register.simple_tag
def spans(record: Record, reading: Reading) -> SpannedText:
    """A text with the spans of its answer."""
    return spanned_text(record, reading)


@register.simple_tag
def answer_fields(record: Record, reading: Reading) -> Fields:
    """The fields of an answer, and the document with their places in it."""
    return fields_of(record, reading)


@register.simple_tag
def tool_calls(record: Record, reading: Reading) -> Calls:
    """Calls beside the definitions of their tools."""
    return calls_of(record, reading)


@register.simple_tag
def diff_of_code(reading: Reading, before: str, after: str) -> list[Line]:
    """The codes at two pointers as one diff."""
    return code_diff(reading, before, after)


@register.simple_tag
def code_cases(record: Record) -> Cases:
    """The cases that code is judged by."""
    return cases_of(record)


@register.simple_tag
def turns(record: Record, reading: Reading) -> list[Turn]:
    """The turns of a dialogue."""
    return turns_of(record, reading)


@register.simple_tag
def choices(record: Record, reading: Reading) -> list[Choice]:
    """The passages of a retrieval record, the positive first."""
    return choices_of(record, reading)
