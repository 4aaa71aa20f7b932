"""The bulk engine (jsonschema-rs) says of records what the authoring engine (jsonschema) says of them."""

from __future__ import annotations

from typing import Any

import jsonschema
import jsonschema_rs
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from hypothesis_jsonschema import from_schema

from apps.core.json_schemas import validator_of

TEXT = st.fixed_dictionaries(
    {"type": st.just("string")}, optional={"minLength": st.integers(0, 4), "maxLength": st.integers(4, 9)}
)
NUMBER = st.fixed_dictionaries(
    {"type": st.sampled_from(["integer", "number"])},
    optional={
        "minimum": st.integers(-5, 5),
        "exclusiveMaximum": st.integers(6, 20),
        "multipleOf": st.integers(1, 4),
    },
)
FIXED: list[dict[str, Any]] = [
    {"type": "boolean"},
    {"type": "null"},
    {"enum": ["a", 1, None]},
    {"const": 3},
    {},
    {"type": "string", "pattern": "^[a-c]{1,3}$"},
]
SCALAR = st.one_of(TEXT, NUMBER, st.sampled_from(FIXED))
NAMES = st.sampled_from(["total", "date", "lines", "x"])


def _arrays(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.fixed_dictionaries(
        {"type": st.just("array"), "items": inner},
        optional={
            "minItems": st.integers(0, 2),
            "maxItems": st.integers(2, 4),
            "uniqueItems": st.booleans(),
        },
    )


def _objects(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.fixed_dictionaries(
        {"type": st.just("object"), "properties": st.dictionaries(NAMES, inner, max_size=3)},
        optional={
            "required": st.lists(NAMES, max_size=2, unique=True),
            "additionalProperties": st.one_of(st.booleans(), inner),
            "maxProperties": st.integers(1, 4),
        },
    )


def _logic(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(
        _arrays(inner),
        _objects(inner),
        st.fixed_dictionaries({"anyOf": st.lists(inner, min_size=1, max_size=3)}),
        st.fixed_dictionaries({"oneOf": st.lists(inner, min_size=1, max_size=2)}),
        st.fixed_dictionaries({"not": inner}),
        st.fixed_dictionaries({"if": inner, "then": inner, "else": inner}),
    )


# What the generator of values can follow: it fails on objects under the hypothesis that is pinned.
ARRAYS = st.recursive(st.one_of(TEXT, NUMBER), _arrays, max_leaves=6)
SCHEMAS = st.recursive(SCALAR, _logic, max_leaves=6)
PLAIN = st.one_of(
    st.none(), st.booleans(), st.integers(-20, 20), st.floats(-9, 9), st.text("abcxyz é", max_size=9)
)
VALUES = st.recursive(
    PLAIN,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(NAMES, inner, max_size=4)),
    max_leaves=8,
)
QUICK = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


def verdicts(schema: dict[str, Any], value: Any) -> tuple[bool, bool]:
    bulk = validator_of(schema).is_valid(value)
    return bulk, jsonschema.Draft202012Validator(schema).is_valid(value)


@QUICK
@given(SCHEMAS, VALUES)
def test_both_engines_agree_on_any_value(schema: dict[str, Any], value: Any) -> None:
    bulk, authoring = verdicts(schema, value)
    assert bulk == authoring


@QUICK
@given(ARRAYS, st.data())
def test_both_engines_accept_values_made_to_fit(schema: dict[str, Any], data: st.DataObject) -> None:
    """At random most values miss their schema, and agreement on misses alone says little."""
    made = from_schema(schema)
    assume(not made.is_empty)
    assert verdicts(schema, data.draw(made)) == (True, True)


@pytest.mark.parametrize("address", ["http://127.0.0.1:9/schema.json", "file:///etc/passwd"])
def test_no_engine_follows_a_reference_outside(address: str) -> None:
    with pytest.raises(jsonschema_rs.ValidationError, match="remote references are never followed"):
        validator_of({"$ref": address})


def test_a_reference_inside_is_followed() -> None:
    schema = {"$defs": {"line": {"type": "integer"}}, "type": "array", "items": {"$ref": "#/$defs/line"}}
    assert [validator_of(schema).is_valid(value) for value in ([1], ["a"])] == [True, False]


def test_a_pattern_made_to_hang_is_answered() -> None:
    validator = validator_of({"type": "string", "pattern": "^(a+)+$"})
    assert not validator.is_valid("a" * 5_000 + "!")
