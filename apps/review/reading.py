"""A record as people read it: a heading, short facts, long passages, with the findings marked in the text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from apps.core.pointers import joined, unescaped
from apps.core.text import flatten_strings
from apps.records.models import Record
from apps.review.marks import Passage, Span, passage
from apps.review.payloads import PROTECTED_CHECKS, TOO_CLOSE, current_payload
from apps.validation.models import Outcome
from apps.validation.selectors import CheckLine

HEADINGS = ("/input/subject", "/input/title")
"""Where a text has a heading of its own, by convention of the data it comes from."""
LONG = 60
"""A value with more characters, or with line breaks, is a passage; a shorter one is a fact."""


@dataclass(frozen=True)
class Fact:
    """A short named value. ``is_answer``: it is (part of) the expected output, the thing in question."""

    name: str
    value: Passage
    is_answer: bool = False


@dataclass(frozen=True)
class ShownCheck:
    """One line of the checks panel. ``anchor``: id of its mark in the text, where it has one."""

    name: str
    title: str
    outcome: str
    message: str
    quote: str = ""
    anchor: str = ""


@dataclass(frozen=True)
class Reading:
    """What a reading template shows. ``passages``: JSON pointer into the payload → text with its marks."""

    heading: Passage | None
    facts: list[Fact]
    passages: dict[str, Passage]
    checks: list[ShownCheck]

    @property
    def to_look_at(self) -> int:
        return sum(1 for check in self.checks if check.outcome not in (Outcome.PASS, Outcome.INFO))


def reading_of(record: Record, lines: Sequence[CheckLine], *, prefix: str) -> Reading:
    """``lines`` are what the checks said; ``prefix`` makes the ids of the marks unique on the page."""
    payload = current_payload(record)
    texts = dict(flatten_strings(payload))
    placed = _placed(lines, texts)
    passages = {
        pointer: passage(text, [span for _, span in placed.get(pointer, [])], prefix=f"{prefix}{number}")
        for number, (pointer, text) in enumerate(texts.items())
    }
    anchors = {
        position: anchor
        for pointer, found in placed.items()
        for (position, _), anchor in zip(found, passages[pointer].anchors, strict=True)
    }
    heading = next((passages[pointer] for pointer in HEADINGS if texts.get(pointer, "").strip()), None)
    return Reading(
        heading=heading,
        facts=_facts(payload, passages, record.axes),
        passages=passages,
        checks=[_shown(line, texts, anchors.get(position, "")) for position, line in enumerate(lines)],
    )


def _placed(lines: Sequence[CheckLine], texts: Mapping[str, str]) -> dict[str, list[tuple[int, Span]]]:
    """The findings that have a place in a text: pointer → (position in ``lines``, span)."""
    placed: dict[str, list[tuple[int, Span]]] = {}
    for position, line in enumerate(lines):
        if line.name in PROTECTED_CHECKS or line.start is None or line.end is None:
            continue
        if line.pointer in texts and line.outcome != Outcome.PASS:
            span = Span(line.start, line.end, line.outcome, f"{line.title}: {line.message}")
            placed.setdefault(line.pointer, []).append((position, span))
    return placed


def _shown(line: CheckLine, texts: Mapping[str, str], anchor: str) -> ShownCheck:
    if line.name in PROTECTED_CHECKS:
        message = "" if line.outcome == Outcome.PASS else TOO_CLOSE
        return ShownCheck(line.name, line.title, line.outcome, message)
    quote = texts[line.pointer][line.start : line.end] if anchor else ""
    return ShownCheck(line.name, line.title, line.outcome, line.message, quote, anchor)


def _facts(
    payload: Mapping[str, Any], passages: Mapping[str, Passage], axes: Mapping[str, Any]
) -> list[Fact]:
    """The answer first, then what is short in the input, then what the generator was asked to vary."""
    facts = [
        Fact(
            _name_of(pointer), passages.get(pointer, Passage()) if is_text else passage(str(value)), is_answer
        )
        for side, is_answer in (("output", True), ("input", False))
        for pointer, value, is_text in _leaves(payload[side], f"/{side}")
        if pointer not in HEADINGS and not (is_text and is_passage(pointer, value))
    ]
    return facts + [
        Fact(str(name).replace("_", " ").capitalize(), passage(str(value))) for name, value in axes.items()
    ]


def _leaves(value: Any, pointer: str) -> Iterator[tuple[str, Any, bool]]:
    """(pointer, value, is it a string) of the scalars directly inside an object."""
    if not isinstance(value, dict):
        return
    for key, item in value.items():
        if item is None or isinstance(item, (dict, list)):
            continue
        yield joined(pointer, key), item, isinstance(item, str)


def is_passage(pointer: str, value: str) -> bool:
    """Whether the text is read as a passage: of an answer, only what has lines."""
    if pointer.startswith("/output"):
        return "\n" in value
    return pointer == "/input/text" or len(value) > LONG or "\n" in value


def _name_of(pointer: str) -> str:
    name = unescaped(pointer.rsplit("/", 1)[1])
    return name.replace("_", " ").capitalize()
