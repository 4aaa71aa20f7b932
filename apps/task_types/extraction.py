"""Extraction: the text of a document and the fields that stand in it, as JSON by the spec's schema."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any

import jsonschema_rs

from apps.core.json_schemas import validator_of
from apps.core.pointers import joined
from apps.core.strict_json import JsonValue
from apps.task_types.base import (
    FIELD,
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
    json_of,
    kind_schema,
    long_text,
    object_schema,
    record_of,
    require_json,
    share,
)


class Extraction(Common):
    """The output is the fields themselves. The input's ``kind`` is what sort of document it is."""

    name: str = "extraction"
    title: str = "Extraction"
    reading_template: str = "task_types/extraction.html"
    check_ids: tuple[str, ...] = (
        *SHAPE,
        "values",
        "format",
        *WRITING,
        "answer_in_text",
        "citations",
        "rules",
        *ORIGIN,
        *TONE,
    )
    check_options: Mapping[str, Mapping[str, Any]] = {
        "answer_in_text": {"answers": ["/output/*", "/output/*/*", "/output/*/*/*"]}
    }
    reject_reasons: tuple[tuple[str, str], ...] = (
        ("wrong_value", "A value is wrong"),
        ("missing_value", "A value that stands in the text is missing"),
        ("invented_value", "A value that does not stand in the text"),
    )
    measures: Mapping[str, Measure] = {
        "document_exact": Measure(
            "Whole document right", "documents with every field right and none beside them"
        ),
        "field_recall": Measure(
            "Fields right", "of the fields that stand there, those that are exactly right"
        ),
        "field_precision": Measure("Field precision", "of the fields that were given, those that are right"),
        "field_f1": Measure("Field F1", "harmonic mean of the two"),
        "format_valid": Measure("Format valid", "answers that fit the output schema"),
    }
    readings: Mapping[str, str] = {"output.fields": "all fields of one column read as the output"}
    guesses: tuple[tuple[str, tuple[str, ...]], ...] = (
        ("input.text", ("text", "document", "ocr", "content", "input.text")),
        ("output.fields", ("fields", "key", "answer", "output.fields", "output")),
    )

    def record_schema(self, spec: SpecView) -> dict[str, Any]:
        return record_of(
            object_schema(
                {"text": long_text("Document"), "kind": kind_schema(spec)}, required=("text",), more=FIELD
            ),
            _fields(spec),
        )

    def normalised(self, input_: Payload, output: Payload) -> Parts:
        """All fields in one column, mapped to ``output.fields``, as an object or as its JSON text."""
        fields = _object_in(output.get("fields")) if len(output) == 1 else None
        return dict(input_), dict(output if fields is None else fields)

    def prompt_parts(self, spec: SpecView) -> dict[str, str]:
        names = ", ".join((spec.output_schema or {}).get("properties", ()))
        return {
            "record": 'A record is {"input": {"text": the document, "kind": its kind}, "output": its fields}.',
            "answer": f"The output has these fields: {names}. " * bool(names)
            + "Each value is written as it stands in the document; what is not there is left out.",
        }

    def score(self, item: Payload, prediction: Payload, spec: SpecView) -> dict[str, float]:
        """Fields are leaves: ``/lines/0/price`` is one. Equal are texts up to white space and Unicode form, and
        numbers by value; the case counts, and a number in quotes is no number."""
        gold, given = dict(_leaves(item["output"])), dict(_leaves(prediction))
        hits = sum(pointer in given and same_value(value, given[pointer]) for pointer, value in gold.items())
        scores = {
            "document_exact": float(hits == len(gold) == len(given)),
            "field_recall": share(hits, len(gold)),
            "field_f1": f1(hits=hits, gold=len(gold), given=len(given)),
            "format_valid": float(_is_valid(prediction, _fields(spec))),
        }
        return scores | ({"field_precision": hits / len(given)} if given else {})

    def prediction_from_row(self, row: Mapping[str, Any]) -> Payload:
        fields = require_json(row, ("output", "fields", "prediction"))
        if not isinstance(fields, dict):
            raise ValueError("needs a JSON object in 'output', 'fields' or 'prediction'")
        return fields

    def primary_score(self) -> str:
        return "document_exact"


def _fields(spec: SpecView) -> Mapping[str, Any]:
    return spec.output_schema or {"type": "object", "minProperties": 1}


def _object_in(written: Any) -> dict[str, Any] | None:
    """An object, or the one that a cell is JSON of; None for what stands for a field called ``fields``."""
    if isinstance(written, str):
        try:
            written = json_of(written, "fields")
        except ValueError:
            return None
    return written if isinstance(written, dict) else None


def same_value(one: JsonValue, other: JsonValue) -> bool:
    """Whether two leaves say the same, as ``Extraction.score`` defines it."""
    if isinstance(one, str) and isinstance(other, str):
        return _plain(one) == _plain(other)
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, int | float) and isinstance(other, int | float):
        return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-9)
    return type(one) is type(other) and one == other


def _plain(text: str) -> str:
    return re.sub(r"\s+", " ", unicodedata.normalize("NFKC", text)).strip()


def _leaves(value: JsonValue | Payload, pointer: str = "") -> Iterator[tuple[str, JsonValue]]:
    """Every scalar with its place. A null is a field that is not there."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _leaves(inner, joined(pointer, name))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _leaves(inner, joined(pointer, number))
    elif value is not None:
        yield pointer, value


def _is_valid(output: Payload, schema: Mapping[str, Any]) -> bool:
    try:
        return bool(validator_of(schema).is_valid(dict(output)))
    except jsonschema_rs.ValidationError as error:
        raise ValueError(f"The output schema of the spec is no JSON Schema: {error.message[:200]}") from error
