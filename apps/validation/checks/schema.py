"""The record has the shape that its task type and spec demand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Never

import jsonschema_rs

from apps.validation.checks.base import Batch, Check, FindingData, Findings
from apps.validation.models import Outcome

MAX_ERRORS = 5


def _refuse_reference(uri: str) -> Never:
    raise ValueError(f"the schema refers to {uri}; remote references are never followed")


def validator_of(schema: Mapping[str, Any]) -> Any:
    """The bulk engine for ``schema`` (2020-12): 100 times as fast as the one that reads specs, and linear.

    Patterns run in linear time: a spec's `(a+)+$` must not hang the pipeline. Raises ValidationError for a schema
    that is none, or that refers to something outside.
    """
    return jsonschema_rs.validator_for(
        dict(schema), retriever=_refuse_reference, pattern_options=jsonschema_rs.RegexOptions()
    )


class SchemaCheck(Check):
    name = "schema"
    title = "Schema"
    is_repairable = True
    is_final = True

    def run(self, batch: Batch) -> Findings:
        validator = validator_of(batch.schema)
        findings = {}
        for position, item in enumerate(batch.items):
            if validator.is_valid(item.payload):
                continue
            findings[position] = [
                FindingData(
                    outcome=Outcome.BLOCK,
                    code="schema",
                    message=_in_words(error.message),
                    pointer="".join(f"/{part}" for part in error.instance_path),
                )
                for _, error in zip(range(MAX_ERRORS), validator.iter_errors(item.payload), strict=False)
            ]
        return findings


def _in_words(message: str) -> str:
    return f"Does not fit the schema: {message[:300]}"
