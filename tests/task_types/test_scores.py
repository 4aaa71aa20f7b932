"""What each scorer says, against cases counted by hand; and what prediction files may hold."""

from __future__ import annotations

from typing import Any

import pytest

from apps.task_types import task_type_of
from apps.task_types.accepted_values import accepts
from apps.task_types.base import SpecView

NO_SPEC = SpecView()


def test_a_prompt_shows_the_text_as_it_is_and_the_rest_as_json() -> None:
    paper = {"text": "Nord\nTotal 9", "kind": "receipt"}
    shown = task_type_of("extraction").shown(paper, {"total": "9"})
    assert shown == 'Nord\nTotal 9\n{"kind": "receipt"}\nOutput: {"total": "9"}'
    assert task_type_of("multi_label").shown({"text": "hello"}) == "hello"
    assert task_type_of("classification").shown({"text": "hello"}, {"label": "x"}) == "hello"


def score(task: str, gold: Any, given: Any, *, spec: SpecView = NO_SPEC, **input_: Any) -> dict[str, float]:
    return task_type_of(task).score({"input": input_, "output": gold}, given, spec)


def test_several_labels() -> None:
    got = score("multi_label", {"labels": ["a", "b", "c"]}, {"labels": ["b", "c", "d", "e"]})
    assert got == {"exact": 0, "jaccard": 2 / 5, "f1": 4 / 7, "recall": 2 / 3, "precision": 2 / 4}
    assert score("multi_label", {"labels": ["a", "b"]}, {"labels": ["b", "a"]})["exact"] == 1
    assert "precision" not in score("multi_label", {"labels": ["a"]}, {"labels": []})


def test_fields_are_leaves_compared_up_to_white_space_and_by_value() -> None:
    gold = {"company": "Café  Nord\nLtd", "total": 9, "lines": [{"n": 1}, {"n": 2}], "vat": None}
    given = {"company": "Cafe\u0301 Nord Ltd", "total": 9.0, "lines": [{"n": 1}, {"n": 3}], "tip": "1"}
    got = score("extraction", gold, given)
    # Four gold leaves, five given, three the same.
    assert got == {
        "document_exact": 0,
        "field_recall": 3 / 4,
        "field_precision": 3 / 5,
        "field_f1": 6 / 9,
        "format_valid": 1,
    }
    assert score("extraction", {"total": 9}, {"total": "9"})["document_exact"] == 0
    assert score("extraction", {"paid": True}, {"paid": 1})["document_exact"] == 0


def test_an_answer_that_does_not_fit_the_schema_has_no_valid_format() -> None:
    spec = SpecView(output_schema={"type": "object", "required": ["total"]})
    got = score("extraction", {"total": "9.00"}, {"sum": "9.00"}, spec=spec)
    assert (got["format_valid"], got["field_recall"]) == (0, 0)


def spans(*each: tuple[int, int, str]) -> dict[str, Any]:
    return {"spans": [{"start": start, "end": end, "kind": kind} for start, end, kind in each]}


def test_spans_and_what_leaks() -> None:
    gold = spans((0, 4, "name"), (10, 20, "mail"), (30, 36, "name"))
    given = spans((0, 4, "name"), (10, 18, "mail"), (30, 36, "place"), (50, 51, "name"))
    got = score("redaction", gold, given)
    # Right is one span of three; of 20 characters two stand outside whatever was marked.
    assert got == {
        "exact": 0,
        "recall": 1 / 3,
        "precision": 1 / 4,
        "f1": 2 / 7,
        "recall: name": 1 / 2,
        "recall: mail": 0,
        "leak_rate": 2 / 20,
        "no_leak": 0,
    }


def test_a_text_with_nothing_to_redact_has_no_leak_rate() -> None:
    assert score("redaction", spans(), spans()) == {"exact": 1, "f1": 1, "recall": 1}


def test_refusals() -> None:
    must = {"label": "dosage", "refusal": True, "note": "x"}
    may = {"label": "talk", "refusal": False, "note": "x"}
    assert score("policy", must, {"label": "dosage", "refusal": False}) == {
        "exact": 0,
        "label": 1,
        "refusal": 0,
        "refusal_recall": 0,
    }
    assert score("policy", may, {"label": "talk", "refusal": True}) == {
        "exact": 0,
        "label": 1,
        "refusal": 0,
        "over_refusal": 1,
        "refusal_precision": 0,
    }
    assert score("policy", may, {"label": "talk", "refusal": False})["exact"] == 1


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


def test_an_outcome_is_right_or_wrong() -> None:
    assert score("dialogue", {"label": "solved"}, {"label": "solved"}) == {"accuracy": 1}
    assert score("dialogue", {"label": "solved"}, {"label": "sold"}) == {"accuracy": 0}


def test_points_of_people_and_of_a_judge_are_told_apart() -> None:
    gold = {"response": "x", "rubric": ["a", "b", "c", "d"]}
    people = score("instruction", gold, {"response": "y", "points": [1, 0.5, 0], "judged_by": "people"})
    assert people == {"rubric": 1.5 / 4, "rubric by people": 1.5 / 4}
    judge = score("instruction", gold, {"response": "y", "points": [1, 1, 1, 1], "judged_by": "judge"})
    assert judge == {"rubric": 1, "rubric by judge": 1}


@pytest.mark.parametrize(
    ("ranking", "at_1", "at_5", "at_10", "mrr"),
    [
        (["p"], 1, 1, 1, 1),
        (["a", "b", "p"], 0, 1, 1, 1 / 3),
        ([*"abcdefg", "p"], 0, 0, 1, 1 / 8),
        ([*"abcdefghijk", "p"], 0, 0, 0, 1 / 12),
        (["a", "a", "p"], 0, 1, 1, 1 / 2),
        ([], 0, 0, 0, 0),
    ],
)
def test_ranks(ranking: list[str], at_1: float, at_5: float, at_10: float, mrr: float) -> None:
    gold = {"positive": {"id": "p", "text": "x"}, "negatives": []}
    got = score("retrieval", gold, {"ranking": ranking})
    assert got == {"recall_at_1": at_1, "recall_at_5": at_5, "recall_at_10": at_10, "mrr": mrr}


CASES = [[[2], 4], [[3], 9]]


def test_code_is_scored_by_running_its_tests() -> None:
    values: dict[str, Any] = {
        "tests": CASES,
        "function": "square",
        "code": "def square(n):\n    return n * 2\n",
    }
    right = {"code": "def square(n):\n    return n * n\n"}
    assert score("code_repair", right, right, **values) == {"pass_at_1": 1, "cases": 1}
    assert score("code_repair", right, {"code": values["code"]}, **values) == {"pass_at_1": 0, "cases": 1 / 2}
    assert score("code_repair", right, {"code": ""}, **values) == {"pass_at_1": 0, "cases": 0}


@pytest.mark.parametrize(
    ("task", "row", "output"),
    [
        ("multi_label", {"labels": "a | b|a"}, {"labels": ["a", "b"]}),
        ("multi_label", {"prediction": '["a", "b"]'}, {"labels": ["a", "b"]}),
        ("extraction", {"fields": '{"total": 9}'}, {"total": 9}),
        ("tool_call", {"call": '{"name": "f", "input": {"a": 1}}'}, {"call": call("f", a=1)}),
        ("tool_call", {"call": "no tool"}, {"call": None}),
        ("redaction", {"spans": [[0, 2, "x"]]}, spans((0, 2, "x"))),
        ("redaction", {"spans": '[{"start": 0, "end": 2, "label": "x"}]'}, spans((0, 2, "x"))),
        ("code_repair", {"code": "x = 1"}, {"code": "x = 1"}),
        ("policy", {"label": "a", "refusal": "Yes"}, {"label": "a", "refusal": True}),
        ("dialogue", {"outcome": "solved"}, {"label": "solved"}),
        ("retrieval", {"ranking": '["a", "b"]'}, {"ranking": ["a", "b"]}),
        (
            "instruction",
            {"response": "x", "points": "[1, 0]", "judged_by": "judge"},
            {"response": "x", "points": [1, 0], "judged_by": "judge"},
        ),
    ],
)
def test_a_prediction_is_read(task: str, row: dict[str, Any], output: dict[str, Any]) -> None:
    assert task_type_of(task).prediction_from_row(row) == output


@pytest.mark.parametrize(
    ("task", "row", "reason"),
    [
        ("multi_label", {"labels": [1]}, "a list of texts"),
        ("extraction", {"output": "[]"}, "a JSON object"),
        ("extraction", {"output": "{"}, "needs JSON in 'output'"),
        ("extraction", {}, "'output' or 'fields' or 'prediction'"),
        ("tool_call", {"call": '{"arguments": {}}'}, "which tool"),
        ("redaction", {"spans": [[2, 0, "x"]]}, "has a span"),
        ("code_repair", {"code": " "}, "'code' or 'prediction'"),
        ("policy", {"label": "a", "refusal": "perhaps"}, "true or false"),
        ("retrieval", {"ranking": [1]}, "a list of ids"),
        ("instruction", {"response": "x", "points": [2], "judged_by": "judge"}, "from 0 to 1"),
        ("instruction", {"response": "x", "points": [1], "judged_by": "me"}, "'people' or 'judge'"),
    ],
)
def test_a_prediction_that_cannot_be_read_says_why(task: str, row: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        task_type_of(task).prediction_from_row(row)
