"""Instruction: a prompt, a response, and the rubric by which responses are judged."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from apps.task_types.base import (
    FIELD,
    ORIGIN,
    SHAPE,
    TONE,
    WRITING,
    Common,
    Measure,
    Payload,
    SpecView,
    kind_schema,
    long_text,
    messages,
    object_schema,
    record_of,
    require_json,
    require_text,
    share,
    text_in,
)

JUDGES = ("people", "judge")


class Instruction(Common):
    """``output.rubric`` is a list of points, one sentence each: what a good response has. It is not trained on.

    Points cannot be counted by a program: a prediction brings them along, and says whether people gave them or a
    model that judges.
    """

    name: str = "instruction"
    title: str = "Instruction"
    reading_template: str = "task_types/instruction.html"
    default_kind: str = "instruction"
    check_ids: tuple[str, ...] = (
        *SHAPE,
        "values",
        "format",
        *WRITING,
        "answer_in_text",
        "citations",
        "rules",
        *ORIGIN,
        *TONE,
    )
    reject_reasons: tuple[tuple[str, str], ...] = (
        ("not_followed", "Does not do what the prompt asks"),
        ("invented", "Says something made up"),
        ("rubric_wrong", "The rubric does not fit the prompt"),
    )
    measures: Mapping[str, Measure] = {
        "rubric": Measure("Rubric points", "points of the rubric that were given"),
        "rubric by people": Measure("Rubric points by people", "the same, where people gave them"),
        "rubric by judge": Measure("Rubric points by a judge", "the same, where a model gave them"),
    }
    guesses: tuple[tuple[str, tuple[str, ...]], ...] = (
        ("input.text", ("text", "prompt", "instruction", "question", "input.text")),
        ("output.response", ("response", "completion", "answer", "output.response")),
        ("output.rubric", ("rubric", "output.rubric")),
    )

    def record_schema(self, spec: SpecView) -> dict[str, Any]:
        rubric = {
            "type": "array",
            "minItems": 1,
            "maxItems": 50,
            "items": {"type": "string", "minLength": 1},
            "title": "Rubric",
        }
        return record_of(
            object_schema(
                {"text": long_text("Prompt"), "kind": kind_schema(spec)}, required=("text",), more=FIELD
            ),
            object_schema(
                {"response": long_text("Response"), "rubric": rubric}, required=("response", "rubric")
            ),
        )

    def prompt_parts(self, spec: SpecView) -> dict[str, str]:
        return {
            "record": 'A record is {"input": {"text": the prompt, "kind": its kind}, "output": {"response": …, '
            '"rubric": [what a good response has, one sentence each]}}.',
            "answer": "The response fulfils every point of the rubric, and each point can be told true or false.",
        }

    def score(self, item: Payload, prediction: Payload, spec: SpecView) -> dict[str, float]:
        """``rubric`` is the share of points that were given; it stands once more under who gave them."""
        wanted = len(item["output"]["rubric"])
        points = list(prediction.get("points") or ())[:wanted]
        scored = share(sum(map(float, points)), wanted)
        judge = text_in(prediction, "judged_by")
        return {"rubric": scored} | ({f"rubric by {judge}": scored} if judge in JUDGES else {})

    def prediction_from_row(self, row: Mapping[str, Any]) -> Payload:
        points = require_json(row, ("points",))
        if not isinstance(points, list) or not all(
            isinstance(point, bool | int | float) and 0 <= point <= 1 for point in points
        ):
            raise ValueError(
                "needs a list in 'points' with a number from 0 to 1 for each point of the rubric"
            )
        judge = require_text(row, ("judged_by",))
        if judge not in JUDGES:
            raise ValueError(f"needs {' or '.join(map(repr, JUDGES))} in 'judged_by'")
        return {
            "response": require_text(row, ("response", "prediction")),
            "points": points,
            "judged_by": judge,
        }

    def to_example(self, input_: Payload, output: Payload) -> dict[str, Any]:
        return {"input": dict(input_), "output": {"response": output.get("response")}}

    def to_training(self, input_: Payload, output: Payload) -> list[dict[str, Any]]:
        """A chat of prompt and response."""
        return [{"messages": messages(self.text_of(input_), text_in(output, "response"))}]

    def primary_score(self) -> str:
        return "rubric"
