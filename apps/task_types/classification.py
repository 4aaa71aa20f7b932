"""Classification: a text (or a text with fields) and its label, or several labels."""

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
    Parts,
    Payload,
    SpecView,
    f1,
    long_text,
    object_schema,
    record_of,
    require_json,
    require_text,
    share,
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
_TEXT_COLUMNS = ("text", "message", "body", "utterance", "query", "input.text", "input")


class Classification(Common):
    name: str = "classification"
    title: str = "Classification"
    reading_template: str = "task_types/text.html"
    check_ids: tuple[str, ...] = CHECKS
    answers_one_label: bool = True
    facet_pointer: str = "/output/label"
    guesses: tuple[tuple[str, tuple[str, ...]], ...] = (
        ("input.text", _TEXT_COLUMNS),
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

    def primary_score(self) -> str:
        return "accuracy"


class MultiLabel(Common):
    """A text and every label that is true of it, the main one first. Texts with none have a label that says so."""

    name: str = "multi_label"
    title: str = "Classification with several labels"
    reading_template: str = "task_types/text.html"
    check_ids: tuple[str, ...] = CHECKS
    reject_reasons: tuple[tuple[str, str], ...] = (
        ("label_missing", "A label is missing"),
        ("label_too_many", "A label too many"),
    )
    facet_pointer: str = "/output/labels"
    guesses: tuple[tuple[str, tuple[str, ...]], ...] = (
        ("input.text", _TEXT_COLUMNS),
        ("output.labels", ("labels", "categories", "intents", "classes", "output.labels")),
    )

    def record_schema(self, spec: SpecView) -> dict[str, Any]:
        label: dict[str, Any] = {"type": "string", "minLength": 1}
        if spec.labels:
            label["enum"] = list(spec.labels)
        labels = {
            "type": "array",
            "minItems": 1,
            "uniqueItems": True,
            "items": label,
            "title": "Labels",
            "x-widget": "choices",
        }
        return record_of(
            object_schema({"text": long_text()}, required=("text",), more=FIELD),
            object_schema({"labels": labels}, required=("labels",)),
        )

    def facet(self, input_: Payload, output: Payload) -> str:
        labels = self.labels_of(input_, output)
        return labels[0][:LONGEST_FACET] if labels else ""

    def labels_of(self, input_: Payload, output: Payload) -> tuple[str, ...]:
        labels = output.get("labels")
        return tuple(map(str, labels)) if isinstance(labels, list) else ()

    def normalised(self, input_: Payload, output: Payload) -> Parts:
        """One cell with all labels, ``refund | billing``, becomes a list."""
        labels = output.get("labels")
        return dict(input_), dict(output) | ({"labels": _split(labels)} if isinstance(labels, str) else {})

    def example(self, text: str, label: str) -> Parts:
        input_, output = super().example(text, label)
        return (input_, output) if output else ({"text": text}, {"labels": [label]})

    def prompt_parts(self, spec: SpecView) -> dict[str, str]:
        among = f" of: {', '.join(spec.labels)}" if spec.labels else ""
        return {
            "record": 'A record is {"input": {"text": …}, "output": {"labels": […]}}.',
            "answer": f"The labels are all that apply{among}; the main one comes first.",
        }

    def score(self, item: Payload, prediction: Payload, spec: SpecView) -> dict[str, float]:
        gold = set(self.labels_of(item["input"], item["output"]))
        given = set(self.labels_of(item["input"], prediction))
        hits = len(gold & given)
        return {
            "exact": float(gold == given),
            "jaccard": share(hits, len(gold | given)),
            "f1": f1(hits=hits, gold=len(gold), given=len(given)),
            "recall": share(hits, len(gold)),
            **({"precision": hits / len(given)} if given else {}),
        }

    def prediction_from_row(self, row: Mapping[str, Any]) -> Payload:
        written = row.get("labels", row.get("prediction"))
        if isinstance(written, str) and not written.lstrip().startswith("["):
            return {"labels": _split(require_text(row, ("labels", "prediction")))}
        labels = require_json(row, ("labels", "prediction"))
        if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
            raise ValueError("needs a list of texts in 'labels' or 'prediction'")
        return {"labels": list(dict.fromkeys(labels))}

    def primary_score(self) -> str:
        return "exact"


def _split(cell: str) -> list[str]:
    return list(dict.fromkeys(part.strip() for part in cell.split("|") if part.strip()))
