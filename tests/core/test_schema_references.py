"""A schema with references, as Pydantic writes it, means the same inside another one."""

from __future__ import annotations

from typing import Any

import pytest

from apps.core.json_schemas import validator_of
from apps.core.schema_references import self_contained
from apps.task_types.base import record_of

LINE = {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}}
PYDANTIC: dict[str, Any] = {
    "$defs": {"Line": LINE, "Page": {"type": "array", "items": {"$ref": "#/$defs/Line"}}},
    "type": "object",
    "required": ["lines"],
    "properties": {
        "lines": {"$ref": "#/$defs/Page"},
        "first": {"anyOf": [{"$ref": "#/$defs/Line"}, {"type": "null"}], "default": None},
    },
}
TREE: dict[str, Any] = {
    "definitions": {
        "Node": {
            "type": "object",
            "required": ["name"],
            "properties": {
                "name": {"type": "string"},
                "children": {"type": "array", "items": {"$ref": "#/definitions/Node"}},
            },
        }
    },
    "$ref": "#/definitions/Node",
}


def fits(output_schema: dict[str, Any], output: Any) -> bool:
    return bool(
        validator_of(record_of({"type": "object"}, output_schema)).is_valid({"input": {}, "output": output})
    )


def test_what_is_referred_to_stands_in_its_place() -> None:
    made, definitions = self_contained(PYDANTIC)
    assert definitions == {}
    assert made["properties"]["lines"]["items"] == LINE
    assert made["properties"]["first"]["anyOf"][0] == LINE
    assert "$defs" in PYDANTIC


@pytest.mark.parametrize(
    ("output", "is_right"),
    [
        ({"lines": [{"name": "tea"}]}, True),
        ({"lines": [{"name": 3}]}, False),
        ({"lines": [], "first": None}, True),
        ({"lines": [], "first": {}}, False),
    ],
)
def test_it_is_as_strict_inside_a_record(output: Any, is_right: bool) -> None:  # noqa: FBT001
    assert fits(PYDANTIC, output) is is_right


def test_what_contains_itself_keeps_its_definitions_at_the_new_root() -> None:
    made, definitions = self_contained(TREE)
    assert made == {"$ref": "#/$defs/Node"}
    assert definitions["Node"]["properties"]["children"]["items"] == {"$ref": "#/$defs/Node"}
    assert fits(TREE, {"name": "a", "children": [{"name": "b"}]})
    assert not fits(TREE, {"name": "a", "children": [{}]})


def test_definitions_that_double_and_double_are_not_written_out() -> None:
    doubling = {
        "$defs": {
            **{f"d{n}": {"anyOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(30)},
            "d30": {"type": "string"},
        },
        "$ref": "#/$defs/d0",
    }
    made, definitions = self_contained(doubling)
    assert made == {"$ref": "#/$defs/d0"}
    assert len(definitions) == 31


def test_what_is_said_beside_a_reference_stays() -> None:
    made, _ = self_contained(
        {"$defs": {"a": {"type": "string"}}, "properties": {"b": {"$ref": "#/$defs/a", "title": "B"}}}
    )
    assert made["properties"]["b"] == {"type": "string", "title": "B"}
