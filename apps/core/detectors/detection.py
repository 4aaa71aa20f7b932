"""What a detector reports, which of two overlapping reports stays, and how a value is shown outside its record."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, NamedTuple

from apps.core.detectors.patterns import EncodedText

Kind = Literal["secret", "pii"]

# A value shorter than this is masked whole: two characters at each end would give too much of it away.
SHOWN_ENDS_FROM = 12


@dataclass(frozen=True, slots=True)
class Detection:
    """A credential or a piece of personal data in a text.

    ``start`` and ``end`` count characters (``text[start:end]`` is the value). ``reserved`` marks a value that was
    set aside for documentation, tests or fiction, such as ``192.0.2.1`` or the card 4242 4242 4242 4242: shaped
    like the real thing, known to belong to nobody. Whether that is fine is for the project to say.
    """

    rule: str
    kind: Kind
    start: int
    end: int
    description: str
    reserved: bool = False


class Hit(NamedTuple):
    """A detection while it is still measured in bytes of the encoded text."""

    rule: str
    start: int
    end: int
    description: str
    reserved: bool = False


def to_detections(text: EncodedText, hits: Iterable[Hit], kind: Kind) -> list[Detection]:
    """Drops each hit that overlaps an earlier one, and turns byte offsets into character offsets.

    ``hits`` come in order of precedence: the more specific rule first. The answer is in order of position.
    """
    kept = _without_overlaps(hits)
    offsets = text.characters(offset for hit in kept for offset in (hit.start, hit.end))
    return [
        Detection(hit.rule, kind, offsets[hit.start], offsets[hit.end], hit.description, hit.reserved)
        for hit in kept
    ]


def _without_overlaps(hits: Iterable[Hit]) -> list[Hit]:
    starts: list[int] = []
    kept: list[Hit] = []
    for hit in hits:
        place = bisect_right(starts, hit.start)
        if place and kept[place - 1].end > hit.start:
            continue
        if place < len(kept) and kept[place].start < hit.end:
            continue
        starts.insert(place, hit.start)
        kept.insert(place, hit)
    return kept


def mask(text: str, detections: Iterable[Detection]) -> str:
    """The text with every detected value reduced to its ends (``gh…3f``), or to ``…`` when it is short."""
    pieces: list[str] = []
    done = 0
    for detection in sorted(detections, key=lambda each: (each.start, -each.end)):
        start = max(detection.start, done)
        if start >= detection.end:
            continue
        pieces += (text[done:start], masked_value(text[start : detection.end]))
        done = detection.end
    return "".join((*pieces, text[done:]))


def masked_value(value: str) -> str:
    """``gh…3f`` for a long value, ``…`` for one that its ends would give away."""
    return f"{value[:2]}…{value[-2:]}" if len(value) >= SHOWN_ENDS_FROM else "…"
