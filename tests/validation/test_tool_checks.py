"""Tool calls: what fits the definition passes, what does not is named at its place; the stub says what a call does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from apps.task_types.tool_definitions import read_tools
from apps.validation.checks import FindingData
from tests.validation.running import refusals, said_of, told

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
BFCL, ANSWERS = DATA / "bfcl-live-simple.jsonl", DATA / "bfcl-live-simple-answers.jsonl"

REFUND_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["order"],
    "properties": {
        "order": {"type": "string", "pattern": "^A[0-9]+$"},
        "amount": {"type": "number", "minimum": 0},
        "reason": {"enum": ["late", "broken"]},
        "address": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
        },
        "tags": {"type": "array", "items": {"type": "string"}},
        "extra": {"type": "object"},
    },
}
REFUND = {"name": "refund", "description": "Pays back.", "parameters": REFUND_SCHEMA}
TRACK = {"name": "track", "input_schema": {"type": "object", "properties": {}}}
DIALECTS: dict[str, Any] = {
    "bare": REFUND,
    "OpenAI": {"type": "function", "function": {**REFUND, "strict": True}},
    "Anthropic": {"name": "refund", "input_schema": REFUND_SCHEMA},
    "draft 7": {
        **REFUND,
        "parameters": {"$schema": "http://json-schema.org/draft-07/schema#", **REFUND_SCHEMA},
    },
    "BFCL": {
        "name": "refund",
        "parameters": {
            "type": "dict",
            "required": ["order"],
            "properties": {
                "order": {"type": "string"},
                "amount": {"type": "float"},
                "reason": {"type": "string", "enum": ["late", "broken"]},
                "address": {"type": "dict", "properties": {"city": {"type": "string"}}},
                "tags": {"type": "tuple", "items": {"type": "string"}},
                "extra": {"type": "any"},
            },
        },
    },
}


def call(**arguments: Any) -> dict[str, Any]:
    return {"name": "refund", "arguments": arguments}


def arguments(written: Any, tools: Any = (REFUND, TRACK), **options: Any) -> list[FindingData]:
    tools = list(tools) if isinstance(tools, tuple) else tools
    return said_of("tool_arguments", options, ({"tools": tools}, {"call": written}))[0]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_call_that_fits_passes_in_every_dialect(dialect: str) -> None:
    right = call(order="A1", amount=2, reason="late", address={"city": "Bonn"}, tags=["x"], extra={"any": 1})
    assert arguments(right, [DIALECTS[dialect]]) == []


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        ({"amount": 1}, ("missing", "/output/call/arguments")),
        ({"order": 7}, ("type", "/output/call/arguments/order")),
        ({"order": "A1", "amount": "2"}, ("type", "/output/call/arguments/amount")),
        ({"order": "A1", "reason": "bored"}, ("enum", "/output/call/arguments/reason")),
        ({"order": "A1", "sum": 1}, ("unknown", "/output/call/arguments/sum")),
        ({"order": "A1", "address": {"town": 1}}, ("unknown", "/output/call/arguments/address/town")),
        ({"order": "A1", "tags": ["x", 2]}, ("type", "/output/call/arguments/tags/1")),
    ],
)
def test_what_does_not_fit_is_named_at_its_place(
    dialect: str, wrong: dict[str, Any], expected: tuple[str, str]
) -> None:
    found = arguments(call(**wrong), [DIALECTS[dialect]])
    assert told(found) == [expected]
    assert found[0].message.startswith("refund: ")


def test_the_same_calls_as_openai_and_anthropic_write_them() -> None:
    def openai(arguments: str) -> dict[str, Any]:
        return {"id": "c1", "type": "function", "function": {"name": "refund", "arguments": arguments}}

    assert arguments(openai('{"order": "A1"}')) == []
    assert arguments([openai('{"order": "A1"}'), {"name": "track", "arguments": {}}]) == []
    assert arguments({"type": "tool_use", "name": "refund", "input": {"order": "A1"}}) == []
    assert arguments(json.dumps([call(order="A1")]), json.dumps([REFUND])) == []
    place = "/output/call/function/arguments"
    assert told(arguments(openai('{"order": 1}'))) == [("type", place)]
    assert told(arguments(openai("{'order': 1}"))) == [("not_json", place)]
    assert told(arguments(openai('{"order": "A1", "order": "A2"}'))) == [("not_json", place)]
    assert told(arguments(openai("[1]"))) == [("not_an_object", place)]
    assert told(arguments([call(order="A1"), call()])) == [("missing", "/output/call/1/arguments")]


def test_unknown_tools_and_what_is_no_call() -> None:
    (finding,) = arguments({"name": "refnud", "arguments": {}})
    assert (finding.code, finding.pointer) == ("unknown_tool", "/output/call")
    assert "refund, track" in finding.message
    assert told(arguments({"arguments": {}})) == [("no_name", "/output/call")]
    assert told(arguments({"name": "track"})) == [("no_arguments", "/output/call")]
    assert told(arguments("track()")) == [("not_json", "/output/call")]
    assert told(arguments(["track"])) == [("not_a_call", "/output/call/0")]
    assert told(arguments({"name": "track", "arguments": {"x": 1}})) == [
        ("unknown", "/output/call/arguments/x")
    ]


def test_no_tool_is_an_answer_only_where_the_spec_says_so() -> None:
    nothing: Any
    for nothing in (None, []):
        assert told(arguments(nothing)) == [("missing", "/output/call")]
        assert arguments(nothing, no_tool=True) == []


def tool_with(order: dict[str, Any]) -> dict[str, Any]:
    return {"name": "refund", "parameters": {"properties": {"order": order}}}


def test_definitions_that_cannot_be_used_are_named() -> None:
    right = call(order="A1")
    for tools, place in (
        ([REFUND, TRACK, REFUND], "/2/name"),
        ([{"name": "refund", "parameters": {"type": "objekt"}}], "/0/parameters/type"),
        ([tool_with({"minLength": "x"})], "/0/parameters/properties/order/minLength"),
        ([tool_with({"$ref": "http://evil.example/x"})], "/0/parameters/properties/order/$ref"),
        ([tool_with({"$ref": "file:///etc/passwd"})], "/0/parameters/properties/order/$ref"),
        ([tool_with({"$ref": "#/$defs/nowhere"})], "/0/parameters"),
        ([tool_with({"pattern": r"(?=a)"})], "/0/parameters/properties/order/pattern"),
        ([{"parameters": {}}], "/0/name"),
        ("[", ""),
    ):
        assert told(arguments(right, tools)) == [("tool_definition", f"/input/tools{place}")]
    (missing,) = said_of("tool_arguments", {}, ({}, {"call": right}))
    assert told(missing) == [("missing", "/input/tools")]


def doubling(levels: int) -> dict[str, Any]:
    steps = {f"n{n}": {"anyOf": [{"$ref": f"#/$defs/n{n + 1}"}] * 2} for n in range(levels)}
    return {"properties": {"a": {"$ref": "#/$defs/n0"}}, "$defs": {**steps, f"n{levels}": {"type": "string"}}}


NODE = {"type": "object", "properties": {"left": {"$ref": "#/$defs/Node"}, "right": {"$ref": "#/$defs/Node"}}}


@pytest.mark.parametrize(
    "parameters",
    [
        doubling(30),
        {"properties": {"a": {"anyOf": [{"$ref": "#"}, {"$ref": "#"}]}}},
        {"$defs": {"Node": {"allOf": [NODE, NODE]}}, "properties": {"a": {"$ref": "#/$defs/Node"}}},
        {"$dynamicAnchor": "a", "properties": {"a": {"$dynamicRef": "#a"}}},
        {"$defs": {f"n{n}": {"$ref": f"#/$defs/n{n + 1}"} for n in range(5_000)}, "$ref": "#/$defs/n0"},
    ],
)
def test_a_definition_made_to_keep_the_validator_busy_is_refused(parameters: dict[str, Any]) -> None:
    (finding,) = arguments({"name": "f", "arguments": {"a": 1}}, [{"name": "f", "parameters": parameters}])
    assert finding.code == "tool_definition"


def test_branches_and_recursion_of_everyday_size_are_taken() -> None:
    tree = {"$defs": {"Node": NODE}, "properties": {"a": {"$ref": "#/$defs/Node"}}}
    for parameters, value in ((doubling(4), "x"), (tree, {"left": {"right": {}}})):
        assert (
            arguments({"name": "f", "arguments": {"a": value}}, [{"name": "f", "parameters": parameters}])
            == []
        )
    deep: dict[str, Any] = {}
    for _ in range(50):
        deep = {"left": deep, "right": {"middle": 1}}
    found = arguments({"name": "f", "arguments": {"a": deep}}, [{"name": "f", "parameters": tree}])
    assert {code for code, _ in told(found)} == {"unknown"}


def test_tools_of_the_spec_serve_all_records() -> None:
    found = said_of(
        "tool_arguments",
        {"tools": [REFUND], "calls_at": "/output/steps/0"},
        ({}, {"steps": [call(order="A1")]}),
        ({}, {"steps": [call(order=1)]}),
    )
    assert found[0] == []
    assert told(found[1]) == [("type", "/output/steps/0/arguments/order")]


def test_no_value_of_the_record_stands_in_a_message() -> None:
    secret = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"
    for wrong in (call(order=secret), call(order="A1", reason=secret), call(order="A1", amount=secret)):
        assert secret not in arguments(wrong)[0].message
    (finding,) = arguments({"name": secret, "arguments": {}})
    assert secret not in finding.message


def test_what_an_open_schema_takes_is_taken() -> None:
    opening: dict[str, Any]
    for opening in ({"additionalProperties": True}, {"patternProperties": {"^x_": {}}}):
        tool = {"name": "refund", "parameters": {**REFUND_SCHEMA, **opening}}
        assert arguments(call(order="A1", x_free=1), [tool]) == []


def test_a_pydantic_schema_is_closed_through_its_references() -> None:
    tool = {
        "name": "refund",
        "parameters": {
            "$defs": {"Address": {"type": "object", "properties": {"city": {"type": "string"}}}},
            "type": "object",
            "properties": {
                "home": {"$ref": "#/$defs/Address"},
                "work": {"anyOf": [{"$ref": "#/$defs/Address"}, {"type": "null"}], "default": None},
            },
        },
    }
    assert arguments(call(home={"city": "Bonn"}, work=None), [tool]) == []
    assert told(arguments(call(home={"town": "Bonn"}), [tool])) == [
        ("unknown", "/output/call/arguments/home/town")
    ]
    assert arguments(call(work={"town": "Bonn"}), [tool]) != []


def test_dialects_are_read_with_a_note_and_the_original_is_left_as_it_was() -> None:
    written = json.dumps(DIALECTS["BFCL"])
    (tool,) = read_tools(json.loads(written))
    assert tool.parameters["type"] == "object"
    assert "type “float” read as “number”" in tool.notes
    original = json.loads(written)
    read_tools(original)
    assert json.dumps(original) == written
    (mode,) = read_tools(
        {"name": "f", "parameters": {"properties": {"modes": {"type": "array", "enum": ["a", "b"]}}}}
    )
    assert mode.parameters["properties"]["modes"] == {"type": "array", "items": {"enum": ["a", "b"]}}
    (positions,) = read_tools(
        {"name": "f", "parameters": {"properties": {"xy": {"type": "ARRAY", "items": [{"type": "Float"}]}}}}
    )
    assert positions.parameters["properties"]["xy"] == {"type": "array", "prefixItems": [{"type": "number"}]}


def accepted_call(truth: dict[str, Any]) -> dict[str, Any]:
    """The first accepted value of each argument; an empty string among them says that it may be left out."""
    made = {}
    for name, values in truth.items():
        if "" not in values:
            first = values[0] if values else []
            made[name] = accepted_call(first) if isinstance(first, dict) else first
    return made


@pytest.mark.skipif(not BFCL.is_file(), reason="NO ../shared/data/bfcl-live-simple.jsonl")
def test_every_definition_of_bfcl_is_read_and_its_accepted_calls_fit() -> None:
    definitions = [json.loads(line) for line in BFCL.read_text().splitlines()]
    truths = [json.loads(line)["ground_truth"][0] for line in ANSWERS.read_text().splitlines()]
    calls = [
        {"name": name, "arguments": accepted_call(accepted)}
        for truth in truths
        for name, accepted in truth.items()
    ]
    assert len(definitions) == len(calls) == 150
    records = [
        ({"tools": row["function"]}, {"call": made}) for row, made in zip(definitions, calls, strict=True)
    ]
    assert said_of("tool_arguments", {}, *records) == [[]] * 150
    for made in calls:
        made["arguments"]["nobody_declared_this"] = 1
    found = said_of("tool_arguments", {}, *records)
    assert {code for each in found for code, _ in told(each)} == {"unknown"}
    assert all(found)


@pytest.mark.parametrize(
    ("name", "options", "place", "remedy"),
    [
        ("tool_arguments", {"calls_at": "output/call"}, "calls_at: ", "like /output/call"),
        ("tool_arguments", {"tools_at": "/tools"}, "tools_at: ", "like /input/tools"),
        ("tool_arguments", {"tools_at": "/input/a~b"}, "tools_at: ", "like /input/tools"),
        (
            "tool_arguments",
            {"tools": [{"name": "f", "parameters": 3}]},
            "tools/0/parameters: ",
            "JSON Schema",
        ),
        (
            "tool_arguments",
            {"tools": [{"name": "f", "parameters": {"required": "x"}}]},
            "tools/0/parameters/required: ",
            "no JSON Schema",
        ),
        ("tool_arguments", {"tools": [REFUND, REFUND]}, "tools/1/name: ", "defined already"),
    ],
)
def test_options_that_make_no_sense_are_refused(
    name: str, options: dict[str, Any], place: str, remedy: str
) -> None:
    (problem,) = refusals(name, options)
    assert problem.startswith(f"checks/{name}/{place}")
    assert remedy in problem


def test_options_that_make_sense_are_not_refused() -> None:
    assert refusals("tool_arguments", {"enabled": True, "tools": list(DIALECTS.values())[:1]}) == []
