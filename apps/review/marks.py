"""Text cut into pieces: plain, marked by findings, or a control character made visible."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

# Characters that change how text looks without being seen: bidirectional controls, zero-width spaces, and
# control codes other than line ends and tabs. (Joiners stay: emoji and several scripts need them.)
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]"
)

HUES = 6
"""Colours that tell the kinds of covered places apart."""


@dataclass(frozen=True)
class Span:
    """Characters ``start`` to ``end`` of a text, and what was found there."""

    start: int
    end: int
    outcome: str
    title: str


@dataclass(frozen=True)
class Cover:
    """Characters ``start`` to ``end`` that the answer speaks of: a span of it, the place of a value.

    ``hue`` tells kinds apart, beside their name: 1 to ``HUES``; 0 has no colour of its own.
    """

    start: int
    end: int
    name: str
    hue: int = 0


@dataclass(frozen=True)
class Segment:
    """A piece of a text. ``is_control``: a name, not the text.

    ``anchor``: id of the first piece of a finding; the pieces after it have its ``outcome`` alone.
    """

    text: str
    anchor: str = ""
    outcome: str = ""
    title: str = ""
    is_control: bool = False
    cover: Cover | None = None
    ends_cover: bool = False

    @property
    def is_plain(self) -> bool:
        return not (self.outcome or self.is_control or self.cover)


@dataclass(frozen=True)
class Passage:
    """One string of a record, ready to be shown. ``anchors``: for each span, in order, the id of its mark."""

    text: str = ""
    segments: list[Segment] = field(default_factory=list)
    anchors: list[str] = field(default_factory=list)


def passage(
    text: str, spans: Sequence[Span] = (), *, prefix: str = "mark", covers: Sequence[Cover] = ()
) -> Passage:
    """Cuts ``text`` at its spans and covers. Overlapping spans become one mark that says everything found in it; of
    covers that overlap the first one counts."""
    groups = list(_groups(text, spans))
    apart = apart_from_each_other(text, covers)
    anchors = [""] * len(spans)
    for number, (_, _, members) in enumerate(groups):
        for member in members:
            anchors[member] = f"{prefix}-{number}"
    cuts = {0, len(text)}
    cuts.update(at for start, end, _ in groups for at in (start, end))
    cuts.update(at for cover in apart for at in (cover.start, cover.end))
    segments: list[Segment] = []
    inside, covering = iter([*groups, None]), iter([*apart, None])
    group, cover = next(inside), next(covering)
    for start, end in pairwise(sorted(cuts)):
        while group is not None and group[1] <= start:
            group = next(inside)
        while cover is not None and cover.end <= start:
            cover = next(covering)
        pieces = list(_plain(text[start:end]))
        if group is not None and group[0] <= start:
            pieces = [_marked(text[start:end], [spans[each] for each in group[2]])]
            if group[0] == start:
                pieces = [replace(pieces[0], anchor=anchors[group[2][0]])]
        if cover is not None and cover.start <= start:
            pieces = [replace(piece, cover=cover) for piece in pieces]
            pieces[-1] = replace(pieces[-1], ends_cover=end == cover.end)
        segments += pieces
    return Passage(text, segments, anchors)


def apart_from_each_other(text: str, covers: Sequence[Cover]) -> list[Cover]:
    """Those in the text that begin behind the end of the one before, in the order of the text."""
    apart: list[Cover] = []
    for cover in sorted(covers, key=lambda each: (each.start, -each.end)):
        end_before = apart[-1].end if apart else 0
        if end_before <= cover.start < cover.end <= len(text):
            apart.append(cover)
    return apart


def lines_of(shown: Passage) -> list[Passage]:
    """A passage for each line. A mark or cover that goes on in the next line goes on there without its id."""
    lines: list[list[Segment]] = [[]]
    for piece in shown.segments:
        parts = piece.text.split("\n")
        for number, part in enumerate(parts):
            if number:
                lines.append([])
            if part:
                is_last = number == len(parts) - 1
                lines[-1].append(
                    replace(
                        piece,
                        text=part,
                        anchor=piece.anchor if number == 0 else "",
                        ends_cover=piece.ends_cover and is_last,
                    )
                )
    return [Passage("".join(piece.text for piece in line), line) for line in lines]


def _marked(text: str, found: Sequence[Span]) -> Segment:
    outcome = "block" if any(span.outcome == "block" for span in found) else "warn"
    title = " ".join(dict.fromkeys(span.title for span in found))
    shown = _INVISIBLE.sub(lambda match: f"⟨{_name(match[0])}⟩", text)
    return Segment(shown, outcome=outcome, title=title)


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
