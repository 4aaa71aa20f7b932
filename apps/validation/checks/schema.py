"""The record has the shape that its task type and spec demand."""

from __future__ import annotations

from collections.abc import Mapping

from apps.core.json_schemas import errors_of, validator_of
from apps.core.strict_json import JsonValue
from apps.validation.checks.base import Batch, Check, FindingData, Findings
from apps.validation.models import Outcome

MAX_ERRORS = 5


class SchemaCheck(Check):
    name = "schema"
    version = 2
    title = "Schema"
    is_repairable = True
    is_final = True

    def definitions(self, batch: Batch) -> Mapping[str, JsonValue]:
        """The fields of the spec's output schema, and what it says beside them."""
        written = dict(batch.view.output_schema or {})
        fields = written.pop("properties", {})
        rest: dict[str, JsonValue] = {"the output schema": written} if written else {}
        return {**(fields if isinstance(fields, dict) else {}), **rest}

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
