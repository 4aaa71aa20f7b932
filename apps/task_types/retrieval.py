"""Retrieval: a query, the passage that answers it, and passages that only look as if they did."""

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
    object_schema,
    record_of,
    require_json,
    text_in,
)

CUTS = (1, 5, 10)
"""Ranks at which recall is told. One passage is right, so recall there is 0 or 1."""


class Retrieval(Common):
    """A passage is ``{"id", "text"}``; a prediction is a list of ids, the best first."""

    name: str = "retrieval"
    title: str = "Retrieval"
    reading_template: str = "task_types/retrieval.html"
    default_kind: str = "query"
    check_ids: tuple[str, ...] = (*SHAPE, "negatives", "values", *WRITING, "rules", *ORIGIN, *TONE)
    check_options: Mapping[str, Mapping[str, Any]] = {"negatives": {}}
    reject_reasons: tuple[tuple[str, str], ...] = (
        ("negative_answers", "A negative answers the query"),
        ("positive_does_not", "The positive does not answer the query"),
        ("too_easy", "The negatives are too easy"),
    )
    measures: Mapping[str, Measure] = {
        **{
            f"recall_at_{cut}": Measure(f"Recall@{cut}", f"queries with the positive among the first {cut}")
            for cut in CUTS
        },
        "mrr": Measure("MRR", "one divided by the rank of the positive, 0 where it is not found"),
    }
    guesses: tuple[tuple[str, tuple[str, ...]], ...] = (
        ("input.text", ("text", "query", "question", "input.text")),
        ("output.positive", ("positive", "pos", "output.positive")),
        ("output.negatives", ("negatives", "hard_negatives", "neg", "output.negatives")),
    )

    def record_schema(self, spec: SpecView) -> dict[str, Any]:
        passage = object_schema(
            {"id": {"type": "string", "minLength": 1, "maxLength": 200}, "text": long_text("Passage")},
            required=("id", "text"),
        )
        negatives = {"type": "array", "minItems": 1, "maxItems": 200, "items": passage, "title": "Negatives"}
        return record_of(
            object_schema(
                {"text": long_text("Query"), "kind": kind_schema(spec)}, required=("text",), more=FIELD
            ),
            object_schema(
                {"positive": passage | {"title": "Positive"}, "negatives": negatives},
                required=("positive", "negatives"),
            ),
        )

    def prompt_parts(self, spec: SpecView) -> dict[str, str]:
        return {
            "record": 'A record is {"input": {"text": the query, "kind": its kind}, "output": {"positive": {"id": …, '
            '"text": …}, "negatives": [{"id": …, "text": …}, …]}}.',
            "answer": "The positive answers the query. Each negative is about the same matter and does not answer it.",
        }

    def score(self, item: Payload, prediction: Payload, spec: SpecView) -> dict[str, float]:
        """``mrr`` of one item is the reciprocal rank of its positive, 0 where the list does not have it."""
        wanted = item["output"]["positive"]["id"]
        ranking = list(dict.fromkeys(prediction.get("ranking") or ()))
        rank = ranking.index(wanted) + 1 if wanted in ranking else 0
        return {f"recall_at_{cut}": float(0 < rank <= cut) for cut in CUTS} | {
            "mrr": 1 / rank if rank else 0.0
        }

    def prediction_from_row(self, row: Mapping[str, Any]) -> Payload:
        ranking = require_json(row, ("ranking", "prediction"))
        if not isinstance(ranking, list) or not all(isinstance(each, str) for each in ranking):
            raise ValueError("needs a list of ids in 'ranking' or 'prediction', the best first")
        return {"ranking": ranking}

    def to_training(self, input_: Payload, output: Payload) -> list[dict[str, Any]]:
        """A triplet for each negative, as Sentence Transformers take them."""
        passages = dict(passages_of(output))
        positive = passages.pop("/output/positive", None)
        if positive is None:
            return []
        return [
            {"anchor": self.text_of(input_), "positive": positive["text"], "negative": negative["text"]}
            for negative in passages.values()
        ]

    def primary_score(self) -> str:
        return "recall_at_5"


def passages_of(output: Payload) -> list[tuple[str, Payload]]:
    """(JSON pointer, passage), the positive first; what is no passage is left out."""
    negatives = output.get("negatives")
    found = [("/output/positive", output.get("positive"))]
    found += [(f"/output/negatives/{number}", each) for number, each in enumerate(negatives or ())]
    return [(place, each) for place, each in found if isinstance(each, dict) and text_in(each, "text")]
