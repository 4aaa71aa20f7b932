"""The checks that one type of task brings along: spans, turns, negatives; and that they run by themselves there."""

from __future__ import annotations

from typing import Any

import pytest

from apps.specs.models import Project, Spec
from apps.task_types import REGISTRY as TASKS
from apps.task_types import TaskType, task_type_of
from apps.task_types.base import SpecView
from apps.validation.checks import REGISTRY, Batch
from apps.validation.pipeline import checks_of
from apps.validation.settings_of_checks import problems_of
from tests.validation.running import codes, findings_of, slips


def batch_of(task: str, **checks: Any) -> Batch:
    project = Project(task_type=task)
    return Batch(project, Spec(project=project, checks=checks), SpecView(), task_type_of(task), [])


@pytest.mark.parametrize("task", TASKS.values(), ids=lambda task: task.name)
def test_what_a_task_type_says_of_checks_is_something_that_a_spec_could_say(task: TaskType) -> None:
    assert set(task.check_options) <= set(task.check_ids) <= set(REGISTRY)
    spec = Spec(project=Project(task_type=task.name), checks=dict(task.check_options))
    assert problems_of(spec) == []
    on = {check.name for check in checks_of(batch_of(task.name))}
    named = {name for name, options in task.check_options.items() if options.get("enabled", True)}
    assert named <= on


def test_the_spec_goes_before_the_task_type() -> None:
    assert batch_of("extraction").options("answer_in_text")["answers"][0] == "/output/*"
    spoken = batch_of("extraction", answer_in_text={"answers": ["/output/total"]})
    assert spoken.options("answer_in_text") == {"enabled": True, "answers": ["/output/total"]}
    off = batch_of("extraction", answer_in_text=False)
    assert "answer_in_text" not in {check.name for check in checks_of(off)}
    lowered = batch_of("extraction", answer_in_text={"severity": "warn"})
    assert "answer_in_text" in {check.name for check in checks_of(lowered)}


TEXT = "Write to ana@example.org or call Ana"


def spans(*each: tuple[int, int], **more: Any) -> dict[str, Any]:
    return {"spans": [{"start": start, "end": end, "kind": "x"} for start, end in each]} | more


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        (spans((9, 24)), []),
        (spans((9, 24), redacted="Write to [x] or call Ana"), []),
        (spans((9, 12), (12, 24)), []),
        (spans(), [("left_outside", "/input/text")]),
        (spans((9, 20)), [("left_outside", "/input/text")]),
        (spans((9, 24), (20, 26)), [("overlap", "/input/text")]),
        (spans((9, 24), (33, 99)), [("out_of_bounds", "/output/spans")]),
        (spans((8, 9), (9, 24)), [("empty", "/input/text")]),
        (spans((9, 24), redacted="Write to [y] or call Ana"), [("not_reproduced", "/output/redacted")]),
    ],
)
def test_spans(output: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    assert codes("spans", input={"text": TEXT}, output=output) == expected


def test_what_stands_outside_may_be_left_to_people() -> None:
    assert codes("spans", options={"leftovers": False}, input={"text": TEXT}, output=spans()) == []


def test_a_leftover_is_shown_in_its_place_and_not_quoted() -> None:
    (finding,) = findings_of("spans", input={"text": TEXT}, output=spans())
    assert (finding.start, finding.end) == (9, 24)
    assert "ana" not in finding.message


def said(*turns: Any) -> dict[str, Any]:
    return {
        "turns": [
            turn if isinstance(turn, dict) else {"role": turn, "content": f"{turn} {number}"}
            for number, turn in enumerate(turns)
        ]
    }


CALLS = {"role": "assistant", "content": "", "calls": [{"name": "look", "arguments": {}}]}


@pytest.mark.parametrize(
    ("turns", "expected"),
    [
        (said("system", "user", "assistant", "user"), []),
        (said("user", CALLS, "tool", "assistant"), []),
        (said("assistant", "user"), [("first", "/input/turns")]),
        (said("user", "user"), [("twice", "/input/turns/1")]),
        (said("user", "system"), [("system", "/input/turns/1")]),
        (said("user", "tool"), [("no_call", "/input/turns/1")]),
        (said("user", CALLS, "user"), [("no_answer", "/input/turns/2")]),
        (said("user", CALLS), [("no_answer", "/input/turns")]),
        (said("user", {"role": "assistant", "content": " "}), [("empty", "/input/turns/1/content")]),
        (
            said("user", CALLS | {"calls": [{"name": "look"}]}),
            [("no_arguments", "/input/turns/1/calls/0")],
        ),
    ],
)
def test_turns(turns: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    assert codes("turns", input=turns) == expected


def test_how_many_turns_and_who_begins_is_for_the_spec() -> None:
    assert codes("turns", options={"max_turns": 1}, input=said("user", "assistant")) == [
        ("number", "/input/turns")
    ]
    assert codes("turns", options={"first": "assistant"}, input=said("assistant", "user")) == []
    assert codes("turns", options={"alternate": False}, input=said("user", "user")) == []
    assert slips("turns", {"min_turns": 300}) == ["max_turns: 200 is less than min_turns, 300"]


POSITIVE = {"id": "p", "text": "The screen of a tablet is covered by the warranty for two years."}


@pytest.mark.parametrize(
    ("negatives", "options", "expected"),
    [
        ([{"id": "n", "text": "Spare parts are sold at the desk on the first floor."}], {}, []),
        (
            [{"id": "n", "text": "The screen of a tablet is covered by the warranty for ten years."}],
            {},
            [("positive_again", "/output/negatives/0/text")],
        ),
        (
            [{"id": "p", "text": "Spare parts are sold at the desk on the first floor."}],
            {},
            [("same_id", "/output/negatives/0/id")],
        ),
        (
            [{"id": "n", "text": "Spare parts are sold at the desk on the first floor."}],
            {"ids": ["p", "q"]},
            [("unknown_id", "/output/negatives/0/id")],
        ),
    ],
)
def test_negatives(negatives: list[Any], options: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    output = {"positive": POSITIVE, "negatives": negatives}
    assert codes("negatives", options=options, output=output) == expected
