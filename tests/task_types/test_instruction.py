"""Instruction: points of the rubric, told apart by who gave them."""

from __future__ import annotations

from apps.task_types import task_type_of
from tests.task_types.scoring import score


def test_points_of_people_and_of_a_judge_are_told_apart() -> None:
    gold = {"response": "x", "rubric": ["a", "b", "c", "d"]}
    people = score("instruction", gold, {"response": "y", "points": [1, 0.5, 0], "judged_by": "people"})
    assert people == {"rubric": 1.5 / 4, "rubric by people": 1.5 / 4}
    judge = score("instruction", gold, {"response": "y", "points": [1, 1, 1, 1], "judged_by": "judge"})
    assert judge == {"rubric": 1, "rubric by judge": 1}


def test_the_rubric_is_not_trained_on() -> None:
    made = task_type_of("instruction").to_example({"text": "x"}, {"response": "y", "rubric": ["z"]})
    assert made == {"input": {"text": "x"}, "output": {"response": "y"}}
