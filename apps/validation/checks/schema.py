"""The record has the shape that its task type and spec demand."""

from __future__ import annotations

from apps.core.json_schemas import errors_of, validator_of
from apps.validation.checks.base import Batch, Check, FindingData, Findings
from apps.validation.models import Outcome

MAX_ERRORS = 5


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
