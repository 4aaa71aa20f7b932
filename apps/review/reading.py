"""A record as people read it: a heading, short facts, long passages, with the findings marked in the text."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from apps.core.pointers import joined, unescaped
from apps.core.text import flatten_strings
from apps.records.models import Record
from apps.review.marks import Cover, Passage, Span, passage
from apps.review.payloads import PROTECTED_CHECKS, TOO_CLOSE, current_payload
from apps.task_types.base import LONGEST_FACET
from apps.validation.models import Outcome
from apps.validation.selectors import CheckLine

HEADINGS = ("/input/subject", "/input/title")
"""Where a text has a heading of its own, by convention of the data it comes from."""
LONG = 60
"""A value with more characters, or with line breaks, is a passage; a shorter one is a fact."""
LONGEST_TAG, MOST_TAGS = 40, 30
"""A list of so few and so short texts is read as tags in a row."""


@dataclass(frozen=True)
class Fact:
    """A short named value, or several. ``is_answer``: it is (part of) the expected output, the thing in question.

    ``pointer`` is empty for what is no part of the record: an axis.
    """

    name: str
    values: list[Passage]
    is_answer: bool = False
    pointer: str = ""


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
    found: Mapping[str, Sequence[Span]] = field(default_factory=dict)
    """JSON pointer → the findings in that text."""
    prefixes: Mapping[str, str] = field(default_factory=dict)
    """JSON pointer → what the ids of its marks begin with."""

    def covered(self, pointer: str, covers: Sequence[Cover]) -> Passage:
        """The text at ``pointer`` with its findings and, under them, places that the answer speaks of."""
        if pointer not in self.passages:
            return Passage()
        text = self.passages[pointer].text
        return passage(text, self.found.get(pointer, ()), prefix=self.prefixes[pointer], covers=covers)

    @property
    def to_look_at(self) -> int:
        return sum(1 for check in self.checks if check.outcome not in (Outcome.PASS, Outcome.INFO))


def reading_of(record: Record, lines: Sequence[CheckLine], *, prefix: str) -> Reading:
    """``lines`` are what the checks said; ``prefix`` makes the ids of the marks unique on the page."""
    payload = current_payload(record)
    texts = dict(flatten_strings(payload))
    placed = _placed(lines, texts)
    found = {pointer: [span for _, span in pairs] for pointer, pairs in placed.items()}
    prefixes = {pointer: f"{prefix}{number}" for number, pointer in enumerate(texts)}
    passages = {
        pointer: passage(text, found.get(pointer, ()), prefix=prefixes[pointer])
        for pointer, text in texts.items()
    }
    anchors = {
        position: anchor
        for pointer, pairs in placed.items()
        for (position, _), anchor in zip(pairs, passages[pointer].anchors, strict=True)
    }
    heading = next((passages[pointer] for pointer in HEADINGS if texts.get(pointer, "").strip()), None)
    return Reading(
        heading=heading,
        facts=_facts(payload, passages, record.axes),
        passages=passages,
        checks=[_shown(line, texts, anchors.get(position, "")) for position, line in enumerate(lines)],
        found=found,
        prefixes=prefixes,
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
        Fact(_name_of(pointer), _values(pointer, value, passages), is_answer, pointer)
        for side, is_answer in (("output", True), ("input", False))
        for pointer, value in _short(payload[side], f"/{side}")
        if pointer not in HEADINGS
    ]
    return facts + [
        Fact(str(name).replace("_", " ").capitalize(), [passage(str(value))]) for name, value in axes.items()
    ]


def _short(value: Any, pointer: str) -> Iterator[tuple[str, Any]]:
    """(pointer, value) of what can be said in a line of an object: scalars, and lists of short texts."""
    if not isinstance(value, dict):
        return
    for key, item in value.items():
        place = joined(pointer, key)
        if not (item is None or is_long(place, item)):
            yield place, item


def _values(pointer: str, value: Any, passages: Mapping[str, Passage]) -> list[Passage]:
    if isinstance(value, list):
        return [passages[joined(pointer, number)] for number in range(len(value))]
    return [passages[pointer] if isinstance(value, str) else passage(spoken(value))]


def is_long(pointer: str, value: Any) -> bool:
    """Whether the value stands below the facts, as a passage or as a part of its own."""
    if isinstance(value, list):
        return not (0 < len(value) <= MOST_TAGS and all(_is_tag(each) for each in value))
    return isinstance(value, dict) or (isinstance(value, str) and is_passage(pointer, value))


def _is_tag(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= LONGEST_TAG and "\n" not in value


def spoken(value: Any) -> str:
    """A value that is no text, in words."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)


def is_passage(pointer: str, value: str) -> bool:
    """Whether the text is read as a passage rather than as a fact. A label may be a long name."""
    longest = LONGEST_FACET if pointer.startswith("/output") else LONG
    return pointer == "/input/text" or len(value) > longest or "\n" in value


def _name_of(pointer: str) -> str:
    return name_of(unescaped(pointer.rsplit("/", 1)[1]))


def name_of(key: str) -> str:
    """A key of a record as a word for people."""
    return key.replace("_", " ").strip().capitalize() or key
