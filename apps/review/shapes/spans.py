"""A text with the spans of its answer in it, each kind in a colour of its own, and the text without them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from zlib import crc32

from apps.records.models import Record
from apps.review.marks import HUES, Cover, Passage, apart_from_each_other, passage
from apps.review.reading import Reading
from apps.task_types.redaction import redacted, spans_of


@dataclass(frozen=True)
class Kind:
    """One line of the legend."""

    name: str
    hue: int
    count: int


@dataclass(frozen=True)
class Misplaced:
    """A span that cannot be shown in the text: it overlaps another one or leaves the text."""

    start: int
    end: int
    kind: str


@dataclass(frozen=True)
class SpannedText:
    """``without``: how the text reads once every span is replaced by its kind."""

    text: Passage
    kinds: list[Kind]
    misplaced: list[Misplaced]
    without: Passage


def spanned_text(record: Record, reading: Reading) -> SpannedText:
    text = str(record.current_input.get("text", ""))
    spans = spans_of(record.current_output)
    hues = hues_of(span.kind for span in spans)
    covers = [Cover(span.start, span.end, span.kind, hues[span.kind]) for span in spans]
    shown = set(apart_from_each_other(text, covers))
    counts = Counter(span.kind for span in spans)
    placed = [span for span, cover in zip(spans, covers, strict=True) if cover in shown]
    return SpannedText(
        text=reading.covered("/input/text", covers),
        kinds=[Kind(name, hues[name], count) for name, count in counts.items()],
        misplaced=[Misplaced(cover.start, cover.end, cover.name) for cover in covers if cover not in shown],
        without=passage(redacted(text, list(dict.fromkeys(placed)))),
    )


def hues_of(names: Iterable[str]) -> dict[str, int]:
    """A colour for each name: mostly the same one in every record, and never one twice before all are used."""
    hues: dict[str, int] = {}
    for name in sorted(set(names)):
        wanted = crc32(name.encode(errors="replace")) % HUES
        taken = set(hues.values()) if len(hues) < HUES else set()
        hues[name] = next(hue for step in range(HUES) if (hue := (wanted + step) % HUES + 1) not in taken)
    return hues
