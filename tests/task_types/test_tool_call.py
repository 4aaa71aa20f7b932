"""Tool calls: accepted arguments, in any order, as the Berkeley leaderboard compares them."""

from __future__ import annotations

from typing import Any

import pytest

from apps.task_types import task_type_of
from apps.task_types.accepted_values import accepts
from tests.task_types.scoring import NO_SPEC, golden, score

TOOL = {
    "name": "ride",
    "parameters": {"type": "dict", "properties": {"to": {"type": "string"}, "n": {"type": "float"}}},
}


def call(name: str = "ride", **arguments: Any) -> dict[str, Any]:
    return {"name": name, "arguments": arguments}


def test_calls() -> None:
    gold = {
        "call": call(to="Main St. 5"),
        "accepted": [{"to": ["Main St. 5", "main street 5"], "n": ["", 2]}],
    }
    right = score("tool_call", gold, {"call": call(to="main st 5", n=2)}, tools=[TOOL])
    assert right == {"exact": 1, "tool_name": 1, "relevance": 1, "arguments": 1, "schema_valid": 1}
    wrong = score("tool_call", gold, {"call": call(to="Main St. 5", n="2")}, tools=[TOOL])
    assert wrong == {"exact": 0, "tool_name": 1, "relevance": 1, "arguments": 0, "schema_valid": 0}
    other = score("tool_call", gold, {"call": call("walk")}, tools=[TOOL])
    assert other == {"exact": 0, "tool_name": 0, "relevance": 1, "schema_valid": 0}
    none = score("tool_call", gold, {"call": None}, tools=[TOOL])
    assert none == {"exact": 0, "tool_name": 0, "relevance": 0}


def test_no_call_is_right_where_no_tool_fits() -> None:
    assert score("tool_call", {"call": None}, {"call": None}) == {"exact": 1, "tool_name": 1, "relevance": 1}
    assert score("tool_call", {"call": None}, {"call": call()}, tools=[TOOL])["relevance"] == 0


def test_calls_may_come_in_another_order() -> None:
    gold = {"call": [call(to="a"), call(to="b")]}
    assert score("tool_call", gold, {"call": [call(to="b"), call(to="a")]})["exact"] == 1
    assert score("tool_call", gold, {"call": [call(to="b"), call(to="b")]})["exact"] == 0


@pytest.mark.parametrize(
    ("accepted", "arguments", "fits"),
    [
        ({"a": ["New-York, USA"]}, {"a": "new york usa"}, True),
        ({"a": [5]}, {"a": 5.0}, False),
        ({"a": [5.0]}, {"a": 5}, True),
        ({"a": [1]}, {"a": True}, False),
        ({"a": [5], "b": ["", "x"]}, {"a": 5}, True),
        ({"a": [5], "b": ["x"]}, {"a": 5}, False),
        ({"a": [5]}, {"a": 5, "b": 1}, False),
        ({"a": [["x", "Y"]]}, {"a": ["X", "y"]}, True),
        ({"a": [["x", "y"]]}, {"a": ["y", "x"]}, False),
        ({"a": [{"b": [1, 2], "c": ["", 3]}]}, {"a": {"b": 2}}, True),
        ({"a": [{"b": [1, 2], "c": ["", 3]}]}, {"a": {"c": 3}}, False),
        ({"a": []}, {"a": []}, True),
    ],
)
def test_arguments_are_accepted_as_the_leaderboard_accepts_them(
    accepted: dict[str, Any],
    arguments: dict[str, Any],
    fits: bool,  # noqa: FBT001
) -> None:
    assert accepts(accepted, arguments) is fits


@pytest.mark.parametrize(
    "case", golden("22_bfcl_calls")["cases"], ids=lambda case: f"{case['what']} {case['id']}"
)
def test_a_call_is_right_exactly_where_the_leaderboards_own_checker_says_so(case: dict[str, Any]) -> None:
    task = task_type_of("tool_call")
    input_, output = task.normalised({"text": "x", "tools": case["function"]}, {"call": case["truth"]})
    got = task.score({"input": input_, "output": output}, {"call": case["call"]}, NO_SPEC)
    assert got["exact"] == case["valid"]
