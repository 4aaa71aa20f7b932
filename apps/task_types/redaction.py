"""Redaction: a text and the spans in it that have to go, each with its kind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from apps.task_types.base import (
    FIELD,
    LONGEST_FACET,
    ORIGIN,
    SHAPE,
    TONE,
    WRITING,
    Common,
    Measure,
    Parts,
    Payload,
    SpecView,
    f1,
    long_text,
    object_schema,
    record_of,
    require_json,
    text_in,
)

NOTHING = "none"
"""The facet of a text with nothing to redact."""


@dataclass(frozen=True, order=True)
class Span:
    """Characters ``start`` up to ``end`` (not included) of the text, and what they are."""

    start: int
    end: int
    kind: str


class Redaction(Common):
    """The guide's labels are the kinds. ``output.redacted`` is optional: the text with ``[kind]`` for each span."""

    name: str = "redaction"
    title: str = "Redaction"
    reading_template: str = "task_types/redaction.html"
    check_ids: tuple[str, ...] = (*SHAPE, "spans", "values", *WRITING, "rules", *ORIGIN, *TONE)
    # The texts are about invented persons: what is personal has to stand in a span, which `spans` looks at.
    check_options: Mapping[str, Mapping[str, Any]] = {"spans": {}, "personal_data": {"enabled": False}}
    reject_reasons: tuple[tuple[str, str], ...] = (
        ("span_missing", "Something to redact has no span"),
        ("span_wrong", "A span begins or ends at the wrong place"),
        ("kind_wrong", "A span has the wrong kind"),
    )
    facet_pointer: str = "/output/spans"
    measures: Mapping[str, Measure] = {
        "exact": Measure("All spans right", "texts with every span right and none beside them"),
        "precision": Measure(
            "Span precision", "of the spans that were given, those with the right ends and kind"
        ),
        "recall": Measure(
            "Span recall", "of the spans that are there, those that were given with ends and kind"
        ),
        "f1": Measure("Span F1", "harmonic mean of precision and recall"),
        "leak_rate": Measure(
            "Leak rate", "characters to redact that stand in no span, of all to redact", lower_is_better=True
        ),
        "no_leak": Measure(
            "Nothing leaks", "of the texts with something to redact, those where all of it is"
        ),
    }
    readings: Mapping[str, str] = {"output.spans": "spans of another tool read as start, end and kind"}
    guesses: tuple[tuple[str, tuple[str, ...]], ...] = (
        ("input.text", ("text", "message", "body", "document", "input.text")),
        ("output.spans", ("spans", "entities", "labels", "output.spans")),
    )

    def record_schema(self, spec: SpecView) -> dict[str, Any]:
        kind: dict[str, Any] = {"type": "string", "minLength": 1}
        if kinds := [label for label in spec.labels if label != NOTHING]:
            kind["enum"] = kinds
        span = object_schema(
            {
                "start": {"type": "integer", "minimum": 0},
                "end": {"type": "integer", "minimum": 1},
                "kind": kind,
            },
            required=("start", "end", "kind"),
        )
        spans = {"type": "array", "items": span, "title": "Spans", "x-widget": "spans"}
        return record_of(
            object_schema({"text": long_text()}, required=("text",), more=FIELD),
            object_schema(
                {"spans": spans, "redacted": {"type": "string", "title": "Redacted text"}},
                required=("spans",),
            ),
        )

    def facet(self, input_: Payload, output: Payload) -> str:
        """The kind of the first span in the text."""
        labels = self.labels_of(input_, output)
        return labels[0][:LONGEST_FACET] if labels else ""

    def labels_of(self, input_: Payload, output: Payload) -> tuple[str, ...]:
        if not isinstance(output.get("spans"), list):
            return ()
        return tuple(dict.fromkeys(span.kind for span in spans_of(output))) or (NOTHING,)

    def normalised(self, input_: Payload, output: Payload) -> Parts:
        """Spans as other tools write them: ``label`` or ``type`` for kind, ``[start, end, kind]`` for an object."""
        made = dict(output)
        if isinstance(made.get("spans"), list):
            made["spans"] = [_plain_span(span) for span in made["spans"]]
        return dict(input_), made

    def example(self, text: str, label: str) -> Parts:
        input_, output = super().example(text, label)
        return (input_, output) if output else ({"text": text}, {"spans": []} if label == NOTHING else {})

    def prompt_parts(self, spec: SpecView) -> dict[str, str]:
        kinds = ", ".join(label for label in spec.labels if label != NOTHING)
        return {
            "record": 'A record is {"input": {"text": …}, "output": {"spans": [{"start": …, "end": …, "kind": …}]}}. '
            "Start and end count characters from 0; the end is not included.",
            "answer": f"The spans are everything that has to be redacted, of the kinds: {kinds}.",
        }

    def score(self, item: Payload, prediction: Payload, spec: SpecView) -> dict[str, float]:
        """A span is right when start, end and kind are. ``leak_rate``: share of the characters that had to go and
        stand in no predicted span, whatever its kind."""
        gold, given = set(spans_of(item["output"])), set(spans_of(prediction))
        hits = gold & given
        scores = {
            "exact": float(gold == given),
            "f1": f1(hits=len(hits), gold=len(gold), given=len(given)),
            **({"recall": len(hits) / len(gold)} if gold else {}),
            **({"precision": len(hits) / len(given)} if given else {}),
        }
        for kind in sorted({span.kind for span in gold | given}):
            scores |= _of_kind(kind, *(_count(spans, kind) for spans in (gold, given, hits)))
        if secret := _characters(gold):
            left = len(secret - _characters(given))
            scores |= {"leak_rate": left / len(secret), "no_leak": float(not left)}
        return scores

    def prediction_from_row(self, row: Mapping[str, Any]) -> Payload:
        spans = require_json(row, ("spans", "prediction"))
        if not isinstance(spans, list):
            raise ValueError("needs a list of spans in 'spans' or 'prediction'")
        read = {"spans": [_plain_span(span) for span in spans]}
        if len(list(_readable(read))) != len(spans):
            raise ValueError('has a span that is not {"start": …, "end": …, "kind": …}')
        return read

    def to_training(self, input_: Payload, output: Payload) -> list[dict[str, Any]]:
        """Text and labelled spans, as spaCy, Prodigy and token classifiers take them."""
        spans = [{"start": span.start, "end": span.end, "label": span.kind} for span in spans_of(output)]
        return [{"text": self.text_of(input_), "spans": spans}]

    def primary_score(self) -> str:
        return "exact"


def _count(spans: set[Span], kind: str) -> int:
    return sum(span.kind == kind for span in spans)


def _of_kind(kind: str, gold: int, given: int, hits: int) -> dict[str, float]:
    """Recall needs a span of this kind that is there, precision one that was given."""
    return {
        **({f"precision: {kind}": hits / given} if given else {}),
        **({f"recall: {kind}": hits / gold} if gold else {}),
        f"f1: {kind}": f1(hits=hits, gold=gold, given=given),
    }


def spans_of(output: Payload) -> list[Span]:
    """The spans that can be read, in the order of the text."""
    return sorted(_readable(output))


def redacted(text: str, spans: Sequence[Span]) -> str:
    """``text`` with ``[kind]`` in the place of each span; spans do not overlap."""
    for span in sorted(spans, reverse=True):
        text = f"{text[: span.start]}[{span.kind}]{text[span.end :]}"
    return text


def _readable(output: Payload) -> Iterator[Span]:
    written = output.get("spans")
    for each in written if isinstance(written, list) else ():
        if not isinstance(each, dict):
            continue
        start, end, kind = each.get("start"), each.get("end"), text_in(each, "kind")
        if type(start) is int and type(end) is int and 0 <= start < end and kind:
            yield Span(start, end, kind)


def _plain_span(written: Any) -> Any:
    if isinstance(written, list) and len(written) == 3:
        return dict(zip(("start", "end", "kind"), written, strict=True))
    if not isinstance(written, dict):
        return written
    kind = next((written[name] for name in ("kind", "label", "type") if name in written), None)
    return {"start": written.get("start"), "end": written.get("end"), "kind": kind}


def _characters(spans: set[Span]) -> set[int]:
    return {place for span in spans for place in range(span.start, min(span.end, span.start + 1_000_000))}
