"""The record has the shape that its task type and spec demand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, Never

import jsonschema_rs

from apps.core.pointers import escaped
from apps.validation.checks.base import Batch, Check, FindingData, Findings
from apps.validation.models import Outcome

MAX_ERRORS = 5


def _refuse_reference(uri: str) -> Never:
    raise ValueError(f"the schema refers to {uri}; remote references are never followed")


def validator_of(schema: Mapping[str, Any], *, mask: str | None = "the value") -> jsonschema_rs.Validator:
    """The bulk engine for ``schema`` (2020-12): 100 times as fast as the one that reads specs, and linear.

    Patterns run in linear time: a spec's `(a+)+$` must not hang the pipeline. Messages say ``mask`` for a value, which
    may be a secret. Raises ValidationError for a schema that is none, or that refers to something outside.
    """
    return jsonschema_rs.validator_for(
        dict(schema),
        retriever=_refuse_reference,
        pattern_options=jsonschema_rs.RegexOptions(),
        validate_formats=True,
        mask=mask,
    )


def refusal(schema: Mapping[str, Any]) -> str:
    """Why the bulk engine will not take ``schema``: "/its/place: the reason"; empty where it does."""
    try:
        validator_of(schema, mask=None)
    except jsonschema_rs.ValidationError as error:
        place = pointer_to(error)
        remedy = LINEAR if place.endswith("/pattern") or "/patternProperties" in place else ""
        return f"{place}: {error.message[:200]}{remedy}"
    return ""


LINEAR = "; patterns run in linear time, without lookaround and back references"


def errors_of(validator: jsonschema_rs.Validator, value: Any, *, most: int) -> Iterator[tuple[str, str]]:
    """The first errors in ``value``, each with its JSON pointer and a message without the value itself."""
    for error in islice(validator.iter_errors(value), most):
        yield pointer_to(error), f"Does not fit the schema: {error.message[:300]}"


def pointer_to(error: jsonschema_rs.ValidationError) -> str:
    return "".join(f"/{escaped(str(part))}" for part in error.instance_path)


class SchemaCheck(Check):
    name = "schema"
    version = 2
    title = "Schema"
    is_repairable = True
    is_final = True

    def run(self, batch: Batch) -> Findings:
        validator = validator_of(batch.schema)
        return {
            position: [
                FindingData(outcome=Outcome.BLOCK, code="schema", message=message, pointer=pointer)
                for pointer, message in errors_of(validator, item.payload, most=MAX_ERRORS)
            ]
            for position, item in enumerate(batch.items)
            if not validator.is_valid(item.payload)
        }
