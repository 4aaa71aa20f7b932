"""Dialogue: a conversation in turns, and its outcome."""

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
    object_schema,
    record_of,
    require_text,
    text_in,
)

ROLES = ("system", "user", "assistant", "tool")


class Dialogue(Common):
    """A turn is ``{"role", "content"}``; an assistant's may have ``calls`` of tools, which tool turns answer."""

    name: str = "dialogue"
    title: str = "Dialogue"
    reading_template: str = "task_types/dialogue.html"
    answers_one_label: bool = True
    check_ids: tuple[str, ...] = (*SHAPE, "turns", "values", *WRITING, "citations", "rules", *ORIGIN, *TONE)
    check_options: Mapping[str, Mapping[str, Any]] = {"turns": {}}
    reject_reasons: tuple[tuple[str, str], ...] = (
        ("wrong_outcome", "Another outcome"),
        ("out_of_character", "Somebody does not talk like that"),
        ("turn_does_not_follow", "A turn does not follow from the one before"),
    )
    facet_pointer: str = "/output/label"
    measures: Mapping[str, Measure] = {"accuracy": Measure("Accuracy", "dialogues with the right outcome")}
    readings: Mapping[str, str] = {"input.turns": "messages of a chat interface read as turns"}
    guesses: tuple[tuple[str, tuple[str, ...]], ...] = (
        ("input.turns", ("turns", "messages", "conversation", "dialogue", "input.turns")),
        ("output.label", ("label", "outcome", "output.label")),
    )

    def record_schema(self, spec: SpecView) -> dict[str, Any]:
        label: dict[str, Any] = {"type": "string", "minLength": 1, "title": "Outcome", "x-widget": "choice"}
        if spec.labels:
            label["enum"] = list(spec.labels)
        turn = object_schema(
            {
                "role": {"type": "string", "enum": list(ROLES)},
                "content": {"type": "string", "x-widget": "long-text"},
                "calls": {"type": "array", "items": {"type": "object"}, "x-widget": "json"},
            },
            required=("role", "content"),
        )
        turns = {"type": "array", "minItems": 1, "items": turn, "title": "Turns", "x-widget": "turns"}
        return record_of(
            object_schema({"turns": turns}, required=("turns",), more=FIELD),
            object_schema({"label": label}, required=("label",)),
        )

    def text_of(self, input_: Payload) -> str:
        """What is said, a line for each turn."""
        turns = input_.get("turns")
        said = (
            [text_in(turn, "content") for turn in turns if isinstance(turn, dict)]
            if isinstance(turns, list)
            else []
        )
        return "\n".join(said)

    def facet(self, input_: Payload, output: Payload) -> str:
        return text_in(output, "label")[:LONGEST_FACET]

    def normalised(self, input_: Payload, output: Payload) -> Parts:
        """Messages of a chat interface: ``tool_calls`` are calls, a content that is null is empty."""
        made = dict(input_)
        if isinstance(made.get("turns"), list):
            made["turns"] = [_plain_turn(turn) for turn in made["turns"]]
        return made, dict(output)

    def example(self, text: str, label: str) -> Parts:
        input_, output = super().example(text, label)
        if output:
            return input_, output
        return {"turns": [{"role": "user", "content": text}]}, {"label": label}

    def prompt_parts(self, spec: SpecView) -> dict[str, str]:
        return {
            "record": 'A record is {"input": {"turns": [{"role": "user" or "assistant", "content": …}, …]}, "output": '
            '{"label": the outcome}}.',
            "answer": f"The outcome is one of: {', '.join(spec.labels)}." if spec.labels else "",
        }

    def score(self, item: Payload, prediction: Payload, spec: SpecView) -> dict[str, float]:
        return {"accuracy": float(text_in(item["output"], "label") == text_in(prediction, "label"))}

    def prediction_from_row(self, row: Mapping[str, Any]) -> Payload:
        return {"label": require_text(row, ("label", "outcome", "prediction"))}

    def to_training(self, input_: Payload, output: Payload) -> list[dict[str, Any]]:
        """The turns as chat messages, and the outcome."""
        turns = input_.get("turns")
        chat = [_chat_message(turn) for turn in turns] if isinstance(turns, list) else []
        return [{"messages": chat, "label": text_in(output, "label")}]

    def primary_score(self) -> str:
        return "accuracy"


def _plain_turn(written: Any) -> Any:
    if not isinstance(written, dict):
        return written
    turn = {"role": written.get("role"), "content": written.get("content") or ""}
    calls = written.get("calls", written.get("tool_calls"))
    return turn | ({"calls": calls} if calls else {})


def _chat_message(turn: Any) -> Any:
    if not isinstance(turn, dict) or "calls" not in turn:
        return turn
    return {"role": turn.get("role"), "content": turn.get("content"), "tool_calls": turn["calls"]}
