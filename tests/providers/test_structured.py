"""The schema of every task type is asked for in the subset that all vendors enforce, and its answers read back."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import jsonschema
import pytest

from apps.operations.demo.all_tasks import LOOPS
from apps.operations.demo.loops import Loop
from apps.providers.anthropic_schema import anthropic_schema
from apps.providers.openai_schema import chat_schema
from apps.providers.structured import records_schema, strict_schema, without_added_nulls
from apps.records.real_rows import ColumnMap, RealRow, RowRules, read_real_rows
from apps.task_types import REGISTRY, TaskType, task_type_of
from apps.task_types.base import SpecView


def nodes(schema: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield schema
    for inner in (*schema.get("properties", {}).values(), *schema.get("anyOf", ())):
        yield from nodes(inner)
    if isinstance(schema.get("items"), dict):
        yield from nodes(schema["items"])


def as_asked(value: Any, schema: Mapping[str, Any]) -> Any:
    """``value`` as a model has to say it: null for what is left out, JSON text for what has no fixed shape."""
    for choice in schema.get("anyOf", ()):
        if (isinstance(value, dict) and "properties" in choice) or (
            isinstance(value, list) and "items" in choice
        ):
            return as_asked(value, choice)
    if isinstance(value, dict) and "properties" in schema:
        return {name: as_asked(value.get(name), inner) for name, inner in schema["properties"].items()}
    if isinstance(value, list) and isinstance(schema.get("items"), dict):
        return [as_asked(item, schema["items"]) for item in value]
    return json.dumps(value) if isinstance(value, dict | list) else value


def record_of_loop(loop: Loop, label: str) -> dict[str, Any]:
    """A row of the demo as it is imported."""
    rules = RowRules(task_type_of(loop.task_type), frozenset(), frozenset(), None)
    content = json.dumps(loop.row(label, 1)).encode()
    (row,) = read_real_rows(content, "rows.jsonl", ColumnMap.parse(loop.mapping), rules)
    assert isinstance(row, RealRow), row
    return {"input": row.input, "output": row.output}


@pytest.mark.parametrize("task", REGISTRY.values(), ids=lambda task: task.name)
def test_every_object_is_closed_and_every_list_says_what_it_holds(task: TaskType) -> None:
    schema = records_schema(task.record_schema(SpecView(labels=("a", "b"))))
    for node in nodes(strict_schema(schema)):
        kinds = node.get("type")
        kinds = kinds if isinstance(kinds, list) else [kinds]
        if "object" in kinds:
            assert node["additionalProperties"] is False
            assert node["required"] == list(node["properties"])
        if "array" in kinds:
            assert "items" in node


def test_what_was_asked_for_as_json_text_comes_back_as_its_value() -> None:
    schema = records_schema(task_type_of("code_repair").record_schema(SpecView()))
    record: dict[str, Any] = {
        "input": {"code": "x", "tests": json.dumps([[[1], 2]]), "function": "f", "text": None, "kind": None},
        "output": {"code": "[1]"},
    }
    read: Any = without_added_nulls({"records": [record]}, schema)
    assert read["records"][0] == {
        "input": {"code": "x", "tests": [[[1], 2]], "function": "f"},
        "output": {"code": "[1]"},
    }
    record["input"]["tests"] = "assert f(1) == 2"
    kept: Any = without_added_nulls({"records": [record]}, schema)
    assert kept["records"][0]["input"]["tests"] == "assert f(1) == 2"


NESTED = {
    "type": "object",
    "required": ["shop", "lines", "paid"],
    "additionalProperties": False,
    "properties": {
        "shop": {"$ref": "#/$defs/shop"},
        "paid": {"enum": ["card", "cash", None]},
        "vat": {"type": ["number", "null"]},
        "tip": {"anyOf": [{"type": "number"}, {"type": "null"}]},
        "note": {"type": "string", "maxLength": 40},
        "branch": {"anyOf": [{"$ref": "#/$defs/shop"}, {"type": "null"}]},
        "lines": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["name"],
                "properties": {"name": {"type": "string"}, "price": {"type": "number", "minimum": 0}},
            },
        },
    },
    "$defs": {
        "shop": {
            "type": "object",
            "required": ["name"],
            "properties": {"name": {"type": "string"}, "city": {"type": "string"}},
        }
    },
}
RECEIPT = {
    "input": {"text": "Nord, tea 2.50, nothing said of paying", "kind": "receipt"},
    "output": {
        "shop": {"name": "Nord"},
        "branch": {"name": "Hafen"},
        "lines": [{"name": "tea", "price": 2.5}, {"name": "bag"}],
        "paid": None,
        "vat": None,
    },
}
LOOP_RECORDS = [
    (loop.task_type, SpecView((loop.rare, loop.common), (), loop.spec.get("output_schema")), record)
    for loop in LOOPS
    for label in (loop.rare, loop.common)
    for record in (record_of_loop(loop, label),)
]


@pytest.mark.parametrize(
    ("name", "view", "record"),
    [*LOOP_RECORDS, ("extraction", SpecView(output_schema=NESTED), RECEIPT)],
    ids=lambda value: value if isinstance(value, str) else "",
)
@pytest.mark.parametrize("of_vendor", [strict_schema, chat_schema, anthropic_schema])
def test_a_record_can_be_said_in_the_schema_of_each_vendor_and_is_read_back_as_it_was(
    name: str, view: SpecView, record: dict[str, Any], of_vendor: Callable[[Mapping[str, Any]], Any]
) -> None:
    schema = records_schema(task_type_of(name).record_schema(view))
    said: Any = {"records": [as_asked(record, task_type_of(name).record_schema(view))]}
    errors = list(jsonschema.Draft202012Validator(of_vendor(schema)).iter_errors(said))
    assert errors == []
    assert without_added_nulls(said, schema) == {"records": [record]}
