"""What an edit changed, in words: one diff for the screen, the audit and whoever settles a case."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from apps.core.pointers import joined, unescaped
from apps.core.text import DiffPart, word_diff
from apps.review.payloads import Payload
from apps.review.reading import name_of, spoken

LONGEST_ITEM = 400
"""Of an item of a list that stands in one line of the diff; a text in it is never cut."""


@dataclass(frozen=True)
class FieldDiff:
    """How one value of the payload changed. A list is one value with a line for each item."""

    pointer: str
    parts: list[DiffPart]
    is_indented: bool = False
    """Whether it has lines that begin with spaces: code, or a table made of characters."""

    @property
    def name(self) -> str:
        """What to call it; nothing for the text of a record, which is what one expects to see."""
        return "" if self.pointer == "/input/text" else name_of(unescaped(self.pointer.rpartition("/")[2]))


def diff_of(before: Payload, after: Payload) -> list[FieldDiff]:
    """Word diffs of the values that changed, in document order; new and gone values count as changed."""
    old = dict(values_of(before, "", before))
    new = dict(values_of(after, "", after))
    pointers = [*old, *(pointer for pointer in new if pointer not in old)]
    return [
        FieldDiff(
            pointer,
            word_diff(was := old.get(pointer, ""), becomes := new.get(pointer, "")),
            is_indented="\n  " in was or "\n  " in becomes,
        )
        for pointer in pointers
        if old.get(pointer) != new.get(pointer)
    ]


def values_of(value: Any, pointer: str, payload: Payload) -> Iterator[tuple[str, str]]:
    """(pointer, text) of every scalar and every list in ``value``, which stands at ``pointer`` of ``payload``."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from values_of(inner, joined(pointer, key), payload)
    elif isinstance(value, list):
        yield pointer, "\n".join(_item(each, payload) for each in value)
    elif value is not None:
        yield pointer, spoken(value)


def _item(value: Any, payload: Payload) -> str:
    """An item of a list in one line, or as many as its texts have. A place in the text is shown by its words."""
    if not isinstance(value, Mapping):
        return value if isinstance(value, str) else _short(value)
    text, start, end = payload["input"].get("text"), value.get("start"), value.get("end")
    words = []
    if isinstance(text, str) and isinstance(start, int) and isinstance(end, int) and 0 <= start < end:
        words.append(f"“{text[start:end]}”")
    words += [
        f"{name_of(str(key)).lower()}: {inner if isinstance(inner, str) else _short(inner)}"
        for key, inner in value.items()
    ]
    return " · ".join(words)


def _short(value: Any) -> str:
    text = "yes" if value is True else "no" if value is False else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST_ITEM else f"{text[:LONGEST_ITEM]}…"
