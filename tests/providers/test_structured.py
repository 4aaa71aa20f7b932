"""The schema of every task type is asked for in the subset that all vendors enforce, and its answers read back."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from apps.providers.structured import records_schema, strict_schema, without_added_nulls
from apps.task_types import REGISTRY, TaskType, task_type_of
from apps.task_types.base import SpecView


def nodes(schema: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield schema
    for inner in (*schema.get("properties", {}).values(), *schema.get("anyOf", ())):
        yield from nodes(inner)
    if isinstance(schema.get("items"), dict):
        yield from nodes(schema["items"])


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
