"""The spans of a redaction lie in the text, do not overlap, and leave no identifier outside."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

from apps.core.detectors.personal_data import find_personal_data
from apps.core.detectors.secrets import find_secrets
from apps.core.text import canonical
from apps.task_types.redaction import Span, redacted, spans_of
from apps.validation.checks.base import Batch, Check, FindingData, Findings, Item
from apps.validation.models import Outcome

TEXT = "/input/text"
SPANS = "/output/spans"


class SpansCheck(Check):
    """What stands outside the spans is looked at with the rules of `secrets` and `personal_data`: they know
    identifiers by their form, not names."""

    name = "spans"
    title = "Spans"
    is_on = False
    is_repairable = True
    options = {
        "leftovers": {
            "type": "boolean",
            "default": True,
            "description": "Whether an identifier that is known by its form blocks when it stands outside every span.",
        },
    }

    def run(self, batch: Batch) -> Findings:
        looks_outside = bool(self.option(batch, "leftovers"))
        return {
            position: found
            for position, item in enumerate(batch.items)
            if (found := list(_wrong(item, looks_outside=looks_outside)))
        }


def _wrong(item: Item, *, looks_outside: bool) -> Iterator[FindingData]:
    text = item.text
    spans = spans_of(item.output)
    outside = [span for span in spans if span.end > len(text)]
    for span in outside:
        yield _block(
            "out_of_bounds", f"A span ends at {span.end}; the text has {len(text)} characters.", SPANS
        )
    for one, other in pairwise(spans):
        if other.start < one.end:
            yield _at("overlap", "Two spans overlap here.", other)
    for span in spans:
        if span not in outside and not canonical(text[span.start : span.end]):
            yield _at("empty", "The span holds no letter and no digit.", span)
    said: Any = item.output.get("redacted")
    if isinstance(said, str) and not outside and said != redacted(text, spans):
        message = "The redacted text is not the text with [kind] in the place of each span."
        yield _block("not_reproduced", message, "/output/redacted")
    if looks_outside:
        yield from _leftovers(text, spans)


def _leftovers(text: str, spans: Sequence[Span]) -> Iterator[FindingData]:
    """An identifier is covered when every letter and digit of it stands in a span, of whatever kind."""
    for found in (*find_personal_data(text), *find_secrets(text)):
        left = [
            place
            for place in range(found.start, found.end)
            if text[place].isalnum() and not any(span.start <= place < span.end for span in spans)
        ]
        if left:
            yield FindingData(
                outcome=Outcome.BLOCK,
                code="left_outside",
                message=f"{found.description} stands outside every span, or in part.",
                pointer=TEXT,
                start=found.start,
                end=found.end,
            )


def _at(code: str, message: str, span: Span) -> FindingData:
    return FindingData(
        outcome=Outcome.BLOCK, code=code, message=message, pointer=TEXT, start=span.start, end=span.end
    )


def _block(code: str, message: str, pointer: str) -> FindingData:
    return FindingData(outcome=Outcome.BLOCK, code=code, message=message, pointer=pointer)
