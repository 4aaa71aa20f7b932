"""Classification: a text and its label, as data and pure functions."""

from __future__ import annotations

import jsonschema
import pytest

from apps.core.errors import DomainError
from apps.task_types import REGISTRY, TaskType, task_type_of
from apps.task_types.base import SpecView
from tests.task_types.scoring import golden, means, score

TASK = task_type_of("classification")
SPEC = SpecView(labels=("refund", "billing"))


def test_an_unknown_task_type_lists_those_there_are() -> None:
    with pytest.raises(DomainError, match="there is classification, code_repair"):
        task_type_of("poetry")


@pytest.mark.parametrize("task", REGISTRY.values(), ids=lambda task: task.name)
def test_every_schema_is_a_schema(task: TaskType) -> None:
    jsonschema.Draft202012Validator.check_schema(task.record_schema(SPEC))


@pytest.mark.parametrize(
    ("record", "fits"),
    [
        ({"input": {"text": "hello"}, "output": {"label": "refund"}}, True),
        ({"input": {"text": "hello", "channel": "chat"}, "output": {"label": "refund"}}, True),
        ({"input": {"text": "hello"}, "output": {"label": "weather"}}, False),
        ({"input": {"text": ""}, "output": {"label": "refund"}}, False),
        ({"input": {}, "output": {"label": "refund"}}, False),
        ({"input": {"text": "hello"}, "output": {"label": "refund", "why": "x"}}, False),
        ({"input": {"text": "hello"}}, False),
    ],
)
def test_the_schema_takes_records_and_nothing_else(record: dict[str, object], fits: bool) -> None:  # noqa: FBT001
    assert jsonschema.Draft202012Validator(TASK.record_schema(SPEC)).is_valid(record) is fits


def test_right_is_one_and_wrong_is_zero() -> None:
    item = {"input": {"text": "x"}, "output": {"label": "refund"}}
    assert TASK.score(item, {"label": "refund"}, SPEC) == {"accuracy": 1.0}
    assert TASK.score(item, {"label": "billing"}, SPEC) == {"accuracy": 0.0}
    assert TASK.score(item, {}, SPEC) == {"accuracy": 0.0}
    assert TASK.primary_score() in TASK.score(item, {}, SPEC)


def test_a_prediction_line_needs_a_label() -> None:
    assert TASK.prediction_from_row({"id": "1", "label": " refund "}) == {"label": "refund"}
    with pytest.raises(ValueError, match="'label' or 'prediction'"):
        TASK.prediction_from_row({"id": "1", "label": " "})


@pytest.mark.parametrize("broken", [{}, {"text": None}, {"text": 3}])
def test_text_of_an_unshapely_input_is_empty_rather_than_an_error(broken: dict[str, object]) -> None:
    assert TASK.text_of(broken) == ""


def test_a_guide_example_is_a_record() -> None:
    input_, output = TASK.example("i want my money", "refund")
    assert (TASK.text_of(input_), TASK.facet(input_, output)) == ("i want my money", "refund")
    assert TASK.to_example(input_, output) == {"input": input_, "output": output}


def test_the_mean_is_the_accuracy_of_scikit_learn() -> None:
    case = golden("21_task_scores")["classification"]
    pairs = zip(case["inputs"]["gold"], case["inputs"]["given"], strict=True)
    got = means([score("classification", {"label": gold}, {"label": given}) for gold, given in pairs])
    assert got["accuracy"] == pytest.approx(case["expected"]["accuracy"])
