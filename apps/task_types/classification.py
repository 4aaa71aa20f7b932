"""Classification: a text (or a text with fields) and its label."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from apps.task_types.base import Payload, SpecView, require_text


class Classification:
    name: str = "classification"
    title: str = "Classification"
    reading_template: str = "task_types/classification.html"
    check_ids: tuple[str, ...] = (
        "schema",
        "label",
        "values",
        "format",
        "tool_arguments",
        "length",
        "encoding",
        "forbidden",
        "boilerplate",
        "answer_in_text",
        "citations",
        "rules",
        "exact_duplicate",
        "secrets",
        "personal_data",
        "leakage",
        "near_duplicate",
        "language",
        "realism",
        "adversarial",
        "tool_outcome",
        "executable_tests",
    )

    def record_schema(self, spec: SpecView) -> dict[str, Any]:
        label: dict[str, Any] = {"type": "string", "title": "Label", "x-widget": "choice"}
        if spec.labels:
            label["enum"] = list(spec.labels)
        return {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object",
            "required": ["input", "output"],
            "additionalProperties": False,
            "properties": {
                "input": {
                    "type": "object",
                    "required": ["text"],
                    # Fields beside the text (channel, subject, …) belong to the data, not to us.
                    "additionalProperties": {"type": ["string", "number", "boolean", "null"]},
                    "properties": {
                        "text": {"type": "string", "minLength": 1, "title": "Text", "x-widget": "long-text"}
                    },
                },
                "output": {
                    "type": "object",
                    "required": ["label"],
                    "additionalProperties": False,
                    "properties": {"label": label},
                },
            },
        }

    def text_of(self, input_: Payload) -> str:
        text = input_.get("text")
        return text if isinstance(text, str) else ""

    def facet(self, output: Payload) -> str:
        label = output.get("label")
        return label[:120] if isinstance(label, str) else ""

    def example(self, text: str, label: str) -> tuple[dict[str, Any], dict[str, Any]]:
        return {"text": text}, {"label": label}

    def prompt_parts(self, spec: SpecView) -> dict[str, str]:
        return {
            "record": 'A record is {"input": {"text": …}, "output": {"label": …}}.',
            "answer": f"The label is one of: {', '.join(spec.labels)}." if spec.labels else "",
        }

    def score(self, item: Payload, prediction: Payload, spec: SpecView) -> dict[str, float]:
        return {"accuracy": float(self.facet(item["output"]) == self.facet(prediction))}

    def prediction_from_row(self, row: Mapping[str, Any]) -> Payload:
        return {"label": require_text(row, ("label", "prediction"))}

    def to_example(self, input_: Payload, output: Payload) -> dict[str, Any]:
        return {"input": dict(input_), "output": dict(output)}

    def primary_score(self) -> str:
        return "accuracy"
