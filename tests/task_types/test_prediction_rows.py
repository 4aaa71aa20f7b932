"""What prediction files may hold, and how a prompt shows a record."""

from __future__ import annotations

from typing import Any

import pytest

from apps.task_types import task_type_of
from tests.task_types.test_redaction import spans
from tests.task_types.test_tool_call import call


def test_a_prompt_shows_the_text_as_it_is_and_the_rest_as_json() -> None:
    paper = {"text": "Nord\nTotal 9", "kind": "receipt"}
    shown = task_type_of("extraction").shown(paper, {"total": "9"})
    assert shown == 'Nord\nTotal 9\n{"kind": "receipt"}\nOutput: {"total": "9"}'
    assert task_type_of("multi_label").shown({"text": "hello"}) == "hello"
    assert task_type_of("classification").shown({"text": "hello"}, {"label": "x"}) == "hello"


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
