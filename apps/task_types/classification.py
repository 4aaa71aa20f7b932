"""Classification: a text (or a text with fields) and its label."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from apps.task_types.base import (
    FIELD,
    LONGEST_FACET,
    ORIGIN,
    SHAPE,
    TONE,
    WRITING,
    Common,
    Measure,
    Parts,
    Payload,
    SpecView,
    long_text,
    object_schema,
    record_of,
    require_text,
    text_in,
)

CHECKS = (
    *SHAPE,
    "values",
    "format",
    "tool_arguments",
    *WRITING,
    "answer_in_text",
    "citations",
    "rules",
    *ORIGIN,
    *TONE,
    "tool_outcome",
    "executable_tests",
)
TEXT_COLUMNS = ("text", "message", "body", "utterance", "query", "input.text", "input")


class Classification(Common):
    name: str = "classification"
    title: str = "Classification"
    reading_template: str = "task_types/text.html"
    check_ids: tuple[str, ...] = CHECKS
    answers_one_label: bool = True
    facet_pointer: str = "/output/label"
    measures: Mapping[str, Measure] = {"accuracy": Measure("Accuracy", "rows with the right label")}
    guesses: tuple[tuple[str, tuple[str, ...]], ...] = (
        ("input.text", TEXT_COLUMNS),
        ("output.label", ("label", "category", "intent", "class", "output.label")),
    )

    def record_schema(self, spec: SpecView) -> dict[str, Any]:
        label: dict[str, Any] = {"type": "string", "title": "Label", "x-widget": "choice"}
        if spec.labels:
            label["enum"] = list(spec.labels)
        return record_of(
            object_schema({"text": long_text()}, required=("text",), more=FIELD),
            object_schema({"label": label}, required=("label",)),
        )

    def shown(self, input_: Payload, output: Payload | None = None) -> str:
        """The text alone: the prompt names the label that its examples are of."""
        return self.text_of(input_)

    def facet(self, input_: Payload, output: Payload) -> str:
        return text_in(output, "label")[:LONGEST_FACET]

    def example(self, text: str, label: str) -> Parts:
        return {"text": text}, {"label": label}

    def prompt_parts(self, spec: SpecView) -> dict[str, str]:
        return {
            "record": 'A record is {"input": {"text": …}, "output": {"label": …}}.',
            "answer": f"The label is one of: {', '.join(spec.labels)}." if spec.labels else "",
        }

    def score(self, item: Payload, prediction: Payload, spec: SpecView) -> dict[str, float]:
        return {"accuracy": float(text_in(item["output"], "label") == text_in(prediction, "label"))}

    def prediction_from_row(self, row: Mapping[str, Any]) -> Payload:
        return {"label": require_text(row, ("label", "prediction"))}

    def to_training(self, input_: Payload, output: Payload) -> list[dict[str, Any]]:
        """Columns of a table, as text classifiers take them."""
        return [{**input_, **output}]

    def primary_score(self) -> str:
        return "accuracy"
