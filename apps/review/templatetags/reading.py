"""Tags for reading templates."""

from __future__ import annotations

from typing import Any

from django import template

from apps.records.models import Record
from apps.review.marks import Passage
from apps.review.reading import Reading, reading_of

register = template.Library()


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
