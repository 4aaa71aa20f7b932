"""Characters that no person types: controls, halves of pairs, hidden directions, and the scars of a wrong decoding."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from apps.validation.checks.base import Batch, Check, FindingData, Findings, Item
from apps.validation.models import Outcome

# Line breaks and tabs are text, and so are U+0085, U+2028 and U+2029.
_BROKEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
_DIRECTION = re.compile("[\u202a-\u202e\u2066-\u2069]")
# A joiner between letters of one script that has no use for it; in emoji and in Indic or Arabic words it is spelling.
_HIDDEN = re.compile("(?<=[A-Za-z0-9])[\u200b-\u200d\u2060\ufeff\u00ad](?=[A-Za-z0-9])")
_REPLACED = re.compile("\ufffd")
# UTF-8 that was read as Windows-1252: é as Ã©, ’ as â€™.
_MOJIBAKE = re.compile("[ÃÂ][\u0080-\u00bf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]|â€[\u0080-\u00bf™œžš¦˜“”]?")

_LOOKS = (
    ("control", _BROKEN, Outcome.BLOCK, "Holds a character that is none ({name})."),
    (
        "direction",
        _DIRECTION,
        Outcome.WARN,
        "Holds a hidden sign that turns the direction of writing ({name}).",
    ),
    ("hidden", _HIDDEN, Outcome.WARN, "Holds an invisible character inside a word ({name})."),
    ("replaced", _REPLACED, Outcome.WARN, "Holds the sign for an unreadable character."),
    ("mojibake", _MOJIBAKE, Outcome.WARN, "Looks as if it was decoded wrongly ({shown})."),
)


class EncodingCheck(Check):
    """Blocks what is no text; warns of what a reader would not see."""

    name = "encoding"
    title = "Characters"

    def run(self, batch: Batch) -> Findings:
        return {
            position: found for position, item in enumerate(batch.items) if (found := list(_findings(item)))
        }


def _findings(item: Item) -> Iterator[FindingData]:
    for pointer, text in item.strings:
        if text.isascii() and text.isprintable():
            continue
        for code, pattern, outcome, message in _LOOKS:
            if match := pattern.search(text):
                yield FindingData(
                    outcome=outcome,
                    code=code,
                    message=message.format(name=_name(match.group()[0]), shown=match.group()),
                    pointer=pointer,
                    start=match.start(),
                    end=match.end(),
                )


def _name(char: str) -> str:
    return f"U+{ord(char):04X} {unicodedata.name(char, '')}".strip()
