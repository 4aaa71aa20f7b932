"""Classification with several labels: a text and every label that is true of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from apps.task_types.base import (
    FIELD,
    LONGEST_FACET,
    Common,
    Measure,
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
)
from apps.task_types.classification import CHECKS, TEXT_COLUMNS


class MultiLabel(Common):
    """The main label comes first. Texts with none have a label that says so."""

    name: str = "multi_label"
    title: str = "Classification with several labels"
    reading_template: str = "task_types/text.html"
    check_ids: tuple[str, ...] = CHECKS
    reject_reasons: tuple[tuple[str, str], ...] = (
        ("label_missing", "A label is missing"),
        ("label_too_many", "A label too many"),
    )
    facet_pointer: str = "/output/labels"
    measures: Mapping[str, Measure] = {
        "exact": Measure("All labels right", "rows with the right labels and no other"),
        "jaccard": Measure("Jaccard", "labels in both, of labels in either"),
        "precision": Measure("Precision", "of the labels that were given, those that are right"),
        "recall": Measure("Recall", "of the labels that are right, those that were given"),
        "f1": Measure("F1", "harmonic mean of precision and recall"),
    }
    readings: Mapping[str, str] = {"output.labels": "one cell with all labels read as a list"}
    guesses: tuple[tuple[str, tuple[str, ...]], ...] = (
        ("input.text", TEXT_COLUMNS),
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
        """The means of ``recall: LABEL`` and ``precision: LABEL`` over rows are those of the label."""
        gold = set(self.labels_of(item["input"], item["output"]))
        given = set(self.labels_of(item["input"], prediction))
        hits = len(gold & given)
        return {
            "exact": float(gold == given),
            "jaccard": share(hits, len(gold | given)),
            "f1": f1(hits=hits, gold=len(gold), given=len(given)),
            "recall": share(hits, len(gold)),
            **({"precision": hits / len(given)} if given else {}),
            **{f"recall: {label}": float(label in given) for label in sorted(gold)},
            **{f"precision: {label}": float(label in gold) for label in sorted(given)},
        }

    def prediction_from_row(self, row: Mapping[str, Any]) -> Payload:
        written = row.get("labels", row.get("prediction"))
        if isinstance(written, str) and not written.lstrip().startswith("["):
            return {"labels": _split(require_text(row, ("labels", "prediction")))}
        labels = require_json(row, ("labels", "prediction"))
        if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
            raise ValueError("needs a list of texts in 'labels' or 'prediction'")
        return {"labels": list(dict.fromkeys(labels))}

    def to_training(self, input_: Payload, output: Payload) -> list[dict[str, Any]]:
        """Columns of a table, as text classifiers take them."""
        return [{**input_, **output}]

    def primary_score(self) -> str:
        return "exact"


def _split(cell: str) -> list[str]:
    return list(dict.fromkeys(part.strip() for part in cell.split("|") if part.strip()))
