"""Text compared as people read it: canonical form, tokens, sentences, strings inside JSON, word diff.

``canonical`` is what duplicate, leakage and holdout checks hash, so its output must not drift: stored hashes
and index rows would silently stop matching. Its golden values are pinned in the tests.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import takewhile
from typing import TYPE_CHECKING, Literal

from apps.core.pointers import escaped

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from apps.core.strict_json import JsonValue

# Above this many words on either side (after the common start and end are set aside) the diff shows one block
# removed and one added: difflib takes cubic time on text made for it, and no request may hang on that.
# At this bound, with difflib's own "popular words are no anchors" rule left on, the worst text found took
# 0.8 s (with the rule off: 39 s) and ordinary text a few milliseconds.
MAX_DIFF_WORDS = 2_000

# The bound of the Stream-Safe Text Format (UAX #15). Normalisation sorts a run of combining marks in
# quadratic time: three minutes for a megabyte of them.
MAX_MARKS_IN_A_ROW = 30

# Invisible though their Unicode category says mark, letter or symbol: grapheme joiner, Hangul fillers, Khmer
# inherent vowels, Mongolian and general variation selectors, Braille blank.
_INVISIBLE = frozenset(
    "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0"
    + "".join(map(chr, [*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)]))
)
# Sm and Sk hold what a keyboard calls punctuation (| ~ < > = + ^ `), accents typed as apostrophes and skin
# tones; currency signs (Sc) and emoji (So) carry meaning and stay.
_PUNCTUATION_CATEGORIES = frozenset({"Sm", "Sk"})

# Each way begins with a character: that lets the engine skip to the next of them.
_SENTENCE_END = re.compile(
    r"""
      [!?。！？…]+                     # ends a sentence wherever it stands
    | \. (?<! \.\. ) \.*+ (?= \s | $ | ["'”’»)\]] )  # a full stop, but not the one in 1.99 or example.com
    | \. (?<= [a-z]\. ) (?= [A-Z] )   # a missing space: "refund.Please"
    | [\r\n\u0085\u2028\u2029] \s* (?: (?: [-*+–—] | \d{1,3} [.)] ) \s+ )?  # a line, a list item
    | [•‣◦▪●]                          # bullets that were pasted into running text
    """,
    re.VERBOSE,
)
_FIRST_ITEM = re.compile(r"\s* (?: (?: [-*+–—] | \d{1,3} [.)] ) \s+ )?", re.VERBOSE)
_WORD_WITH_SPACE = re.compile(r"\S+\s*|\s+")


class _Folding(dict[int, "str | None"]):
    """A ``str.translate`` table that fills itself: punctuation becomes a space, invisibles nothing."""

    def __missing__(self, code: int) -> str | None:
        char = chr(code)
        folded: str | None = char
        category = unicodedata.category(char)
        if char.isspace() or category[0] == "P" or category in _PUNCTUATION_CATEGORIES:
            folded = " "
        elif category in {"Cc", "Cf", "Cs"} or char in _INVISIBLE:
            folded = None
        # Remembered for the basic plane only, so that hostile text cannot grow the table without end.
        if code <= 0xFFFF:
            self[code] = folded
        return folded


_FOLDING = _Folding()


def canonical(text: str) -> str:
    """Fold case, compatibility forms, punctuation and white space; drop zero-width and control characters.

    Idempotent, and blind to how the input was normalised. Invisibles go first, because one between a letter
    and its accent would keep the two from composing; punctuation is replaced again at the end, because "⑴"
    shows its brackets only then. An accent left on nothing ("´" becomes a space with one) is dropped.
    """
    folded = text.translate(_FOLDING)
    if folded.isascii():
        return " ".join(folded.lower().split())
    # Word by word: nothing composes across a space, and most words of most texts are plain.
    return " ".join(filter(None, map(_canonical_word, folded.split())))


def _canonical_word(word: str) -> str:
    if word.isascii():
        return word.lower()
    folded = _fold_case_and_width(word).translate(_FOLDING)
    return " ".join(filter(None, map(_without_leading_marks, folded.split())))


def _fold_case_and_width(text: str) -> str:
    """Compatibility caseless form (definition D146 of the Unicode Standard), composed at the end."""
    decomposed = unicodedata.normalize("NFKD", _limit_marks(text))
    folded = _limit_marks(decomposed).casefold()
    folded = unicodedata.normalize("NFKC", folded).casefold()
    return unicodedata.normalize("NFKC", folded)


def _without_leading_marks(word: str) -> str:
    start = 0
    while start < len(word) and unicodedata.category(word[start]).startswith("M"):
        start += 1
    return word[start:]


def _limit_marks(text: str) -> str:
    """Keep the first ``MAX_MARKS_IN_A_ROW`` of each run of combining marks."""
    if sum(map(bool, map(unicodedata.combining, text))) <= MAX_MARKS_IN_A_ROW:
        return text
    kept: list[str] = []
    run = 0
    for char in text:
        run = run + 1 if unicodedata.combining(char) else 0
        if run <= MAX_MARKS_IN_A_ROW:
            kept.append(char)
    return "".join(kept)


def tokens(text: str) -> list[str]:
    """The words of the canonical text, in order."""
    return canonical(text).split()


def sentences(text: str) -> list[str]:
    """Split at sentence ends, line breaks and bullets; pieces without a letter or digit are dropped.

    Made for comparing, not for reading: the separators are lost, and an abbreviation may cost a split, in the
    same way on both sides of the comparison.
    """
    if item := _FIRST_ITEM.match(text):
        text = text[item.end() :]
    pieces = (piece.strip() for piece in _SENTENCE_END.split(text))
    return [piece for piece in pieces if any(map(str.isalnum, piece))]


def flatten_strings(value: JsonValue, *, pointer: str = "") -> Iterator[tuple[str, str]]:
    """Yield (JSON pointer, string) for every string value inside, in document order (RFC 6901)."""
    if isinstance(value, str):
        yield pointer, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from flatten_strings(item, pointer=f"{pointer}/{escaped(key)}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from flatten_strings(item, pointer=f"{pointer}/{index}")


@dataclass(frozen=True, slots=True)
class DiffPart:
    """A run of text. ``same`` and ``removed`` parts together are before, ``same`` and ``added`` after."""

    op: Literal["same", "added", "removed"]
    text: str


def word_diff(before: str, after: str) -> list[DiffPart]:
    """What changed, in words; the parts put together again give both texts exactly.

    Each token carries its trailing space (white space as tokens of its own is 250 times slower), but words
    are matched without it, so that adding a word after the last one does not mark the last one as changed.
    """
    old, new = _WORD_WITH_SPACE.findall(before), _WORD_WITH_SPACE.findall(after)
    parts = _Parts()
    for tag, old_from, old_to, new_from, new_to in _opcodes(_words(old), _words(new)):
        if tag == "equal":
            for old_token, new_token in zip(old[old_from:old_to], new[new_from:new_to], strict=True):
                parts.keep(old_token, new_token)
        else:
            parts.replace("".join(old[old_from:old_to]), "".join(new[new_from:new_to]))
    return parts.finished()


class _Parts:
    """Collects a diff so that parts of one kind join and, between two ``same``, removed precedes added."""

    def __init__(self) -> None:
        self._done: list[DiffPart] = []
        self._same = self._removed = self._added = ""

    def keep(self, old: str, new: str) -> None:
        """The same word on both sides, maybe with other white space behind it."""
        self._flush_changes()
        word = old.rstrip()
        self._same += old if old == new else word
        if old != new:
            self.replace(old[len(word) :], new[len(word) :])

    def replace(self, removed: str, added: str) -> None:
        self._flush_same()
        self._removed += removed
        self._added += added

    def finished(self) -> list[DiffPart]:
        self._flush_changes()
        self._flush_same()
        return self._done

    def _flush_same(self) -> None:
        if self._same:
            self._done.append(DiffPart("same", self._same))
        self._same = ""

    def _flush_changes(self) -> None:
        if self._removed:
            self._done.append(DiffPart("removed", self._removed))
        if self._added:
            self._done.append(DiffPart("added", self._added))
        self._removed = self._added = ""


def _words(with_space: Sequence[str]) -> list[str]:
    return [token.rstrip() for token in with_space]


def _opcodes(old: list[str], new: list[str]) -> Iterator[tuple[str, int, int, int, int]]:
    """``SequenceMatcher.get_opcodes`` of the part between the common start and the common end."""
    start = _common_prefix(old, new)
    end = _common_prefix(old[start:][::-1], new[start:][::-1])
    old_end, new_end = len(old) - end, len(new) - end
    yield "equal", 0, start, 0, start
    if max(old_end, new_end) - start > MAX_DIFF_WORDS:
        yield "replace", start, old_end, start, new_end
    else:
        matcher = SequenceMatcher(None, old[start:old_end], new[start:new_end])
        for tag, old_from, old_to, new_from, new_to in matcher.get_opcodes():
            yield tag, old_from + start, old_to + start, new_from + start, new_to + start
    yield "equal", old_end, len(old), new_end, len(new)


def _common_prefix(old: Sequence[str], new: Sequence[str]) -> int:
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(old, new, strict=False)))
