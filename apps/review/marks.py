"""Text cut into pieces: plain, marked by findings, or a control character made visible."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

# Characters that change how text looks without being seen: bidirectional controls, zero-width spaces, and
# control codes other than line ends and tabs. (Joiners stay: emoji and several scripts need them.)
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]"
)


@dataclass(frozen=True)
class Span:
    """Characters ``start`` to ``end`` of a text, and what was found there."""

    start: int
    end: int
    outcome: str
    title: str


@dataclass(frozen=True)
class Segment:
    """A piece of a text. ``anchor``: id of a marked piece. ``is_control``: a name, not the text."""

    text: str
    anchor: str = ""
    outcome: str = ""
    title: str = ""
    is_control: bool = False


@dataclass(frozen=True)
class Passage:
    """One string of a record, ready to be shown. ``anchors``: for each span, in order, the id of its mark."""

    text: str = ""
    segments: list[Segment] = field(default_factory=list)
    anchors: list[str] = field(default_factory=list)


def passage(text: str, spans: Sequence[Span] = (), *, prefix: str = "mark") -> Passage:
    """Cuts ``text`` at its spans. Overlapping spans become one mark that says everything found in it."""
    groups = list(_groups(text, spans))
    segments: list[Segment] = []
    anchors = [""] * len(spans)
    position = 0
    for number, (start, end, members) in enumerate(groups):
        anchor = f"{prefix}-{number}"
        segments += _plain(text[position:start])
        outcome = "block" if any(spans[member].outcome == "block" for member in members) else "warn"
        title = " ".join(dict.fromkeys(spans[member].title for member in members))
        shown = _INVISIBLE.sub(lambda found: f"⟨{_name(found[0])}⟩", text[start:end])
        segments.append(Segment(shown, anchor=anchor, outcome=outcome, title=title))
        for member in members:
            anchors[member] = anchor
        position = end
    segments += _plain(text[position:])
    return Passage(text, segments, anchors)


def _groups(text: str, spans: Sequence[Span]) -> Iterator[tuple[int, int, list[int]]]:
    """(start, end, positions of the spans in it), in order and apart from each other."""
    inside = [
        (min(max(span.start, 0), len(text)), min(span.end, len(text)), position)
        for position, span in enumerate(spans)
    ]
    start, end, members = 0, 0, list[int]()
    for span_start, span_end, position in sorted(inside):
        if span_end <= span_start:
            continue
        if members and span_start < end:
            end = max(end, span_end)
            members.append(position)
            continue
        if members:
            yield start, end, members
        start, end, members = span_start, span_end, [position]
    if members:
        yield start, end, members


def _plain(text: str) -> Iterator[Segment]:
    position = 0
    for found in _INVISIBLE.finditer(text):
        if found.start() > position:
            yield Segment(text[position : found.start()])
        yield Segment(_name(found[0]), is_control=True)
        position = found.end()
    if position < len(text):
        yield Segment(text[position:])


def _name(char: str) -> str:
    return f"U+{ord(char):04X}"
