"""Values have the type and range that the spec gives their place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import jsonschema_rs

from apps.core.json_schemas import errors_of, refusal, validator_of
from apps.core.pointers import SCHEMA as POINTER
from apps.core.pointers import values_at
from apps.core.strict_json import JsonValue
from apps.validation.checks.base import Batch, Check, FindingData, Findings, Item
from apps.validation.checks.schema import MAX_ERRORS
from apps.validation.models import Outcome


class ValuesCheck(Check):
    """What the output's schema cannot say: it also reaches the fields of the input, and every member of a list."""

    name = "values"
    title = "Values"
    is_repairable = True
    is_on = False
    options = {
        "values": {
            "type": "array",
            "default": [],
            "maxItems": 100,
            "items": {
                "type": "object",
                "required": ["pointer", "schema"],
                "additionalProperties": False,
                "properties": {
                    "pointer": POINTER,
                    "schema": {"type": "object"},
                    "required": {"type": "boolean", "default": False},
                },
            },
            "description": 'A JSON Schema for each place: {"pointer": "/output/lines/*/price", '
            '"schema": {"type": "number", "minimum": 0}, "required": true}.',
        }
    }

    def definitions(self, batch: Batch) -> Mapping[str, JsonValue]:
        return {f"“{each['pointer']}”": each for each in self.option(batch, "values")}

    def problems(self, options: Mapping[str, Any]) -> Sequence[str]:
        return [
            f"values/{number}/schema{reason}"
            for number, rule in enumerate(options.get("values", ()))
            if (reason := refusal(rule["schema"]))
        ]

    def run(self, batch: Batch) -> Findings:
        rules = [
            (rule["pointer"], bool(rule.get("required")), validator_of(rule["schema"]))
            for rule in self.option(batch, "values")
        ]
        findings = {}
        for position, item in enumerate(batch.items):
            if found := list(_wrong(item, rules)):
                findings[position] = found
        return findings


def _wrong(item: Item, rules: Sequence[tuple[str, bool, jsonschema_rs.Validator]]) -> Iterator[FindingData]:
    for pointer, is_required, validator in rules:
        places = values_at(item.payload, pointer)
        if is_required and not places:
            message = f"There is no value at {pointer}."
            yield FindingData(outcome=Outcome.BLOCK, code="missing", message=message, pointer=pointer)
        for place, value in places:
            for inside, message in errors_of(validator, value, most=MAX_ERRORS):
                yield FindingData(
                    outcome=Outcome.BLOCK, code="value", message=message, pointer=place + inside
                )
