"""The answer stands in the text: what an extraction or a reading task answers is never made up."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from apps.core.pointers import SCHEMA as POINTER
from apps.core.pointers import strings_at, values_at
from apps.core.text import canonical
from apps.validation.checks.base import Batch, Check, FindingData, Findings, Item
from apps.validation.models import Outcome

_NUMBER = re.compile(r"(?<![\w.,])[-+−]?\d(?:[\d.,'’   ]*\d)?(?![\w])")
_SCRIPTS_WITHOUT_SPACES = ("CJK", "HIRAGANA", "KATAKANA", "THAI", "LAO", "KHMER", "MYANMAR")


class AnswerInTextCheck(Check):
    """Words are compared without case, accents written apart, punctuation or width; numbers by their value."""

    name = "answer_in_text"
    title = "Answer in the text"
    is_repairable = True
    is_on = False
    may_be_lowered = True
    options = {
        "answers": {
            "type": "array",
            "minItems": 1,
            "maxItems": 50,
            "items": POINTER,
            "default": ["/output/answer"],
            "description": "Where the answers stand, as JSON pointers; * is every member: /output/fields/*.",
        },
        "source": {
            **POINTER,
            "default": "/input/text",
            "description": "The text, or texts, in which each answer must stand.",
        },
    }

    def run(self, batch: Batch) -> Findings:
        answers, source = self.option(batch, "answers"), self.option(batch, "source")
        findings = {}
        for position, item in enumerate(batch.items):
            if found := list(_missing(item, answers, source)):
                findings[position] = found
        return findings


def _missing(item: Item, answers: Sequence[str], source: str) -> Iterator[FindingData]:
    texts = [text for _, text in strings_at(item.payload, source)]
    words = [canonical(text) for text in texts]
    for pointer in answers:
        for place, answer in values_at(item.payload, pointer):
            if _is_empty(answer) or _stands_in(answer, texts, words):
                continue
            yield FindingData(
                outcome=Outcome.BLOCK,
                code="not_in_text",
                message=f"The answer at {place} does not stand in {source}.",
                pointer=place,
            )


def _is_empty(answer: Any) -> bool:
    """Nothing that could stand in a text: whether it may be empty is the schema's business."""
    return answer is None or isinstance(answer, (bool, dict, list)) or not str(answer).strip()


def _stands_in(answer: Any, texts: Sequence[str], words: Sequence[str]) -> bool:
    if isinstance(answer, str) and any(holds_words(text, canonical(answer)) for text in words):
        return True
    wanted = _readings(str(answer)) if _NUMBER.fullmatch(str(answer).strip()) else set()
    return bool(wanted) and any(
        wanted & _readings(found) for text in texts for found in _NUMBER.findall(text)
    )


def holds_words(text: str, words: str) -> bool:
    """Whether ``words`` stand in ``text`` as whole words; both canonical. No words stand nowhere."""
    start = text.find(words) if words else -1
    while start >= 0:
        end = start + len(words)
        if _is_bound(text[:start][-1:], words[0]) and _is_bound(words[-1], text[end : end + 1]):
            return True
        start = text.find(words, start + 1)
    return False


def _is_bound(left: str, right: str) -> bool:
    """Whether a word may begin or end between two characters: anywhere in scripts that write no spaces."""
    if not left.isalnum() or not right.isalnum():
        return True
    return any(unicodedata.name(char, "").startswith(_SCRIPTS_WITHOUT_SPACES) for char in left + right)


def _readings(written: str) -> set[Decimal]:
    """The numbers that ``written`` may mean: 1,234 is a thousand and more to some, one and a bit to others."""
    plain = re.sub(r"['’\s]", "", written).replace("−", "-")
    return {
        number
        for point, group in ((".", ","), (",", "."))
        if (number := _number(plain, point=point, group=group)) is not None
    }


def _number(plain: str, *, point: str, group: str) -> Decimal | None:
    whole, _, fraction = plain.partition(point)
    groups = whole.lstrip("+-").split(group)
    if len(groups) > 1 and not (1 <= len(groups[0]) <= 3 and all(len(part) == 3 for part in groups[1:])):
        return None
    try:
        return Decimal(f"{whole.replace(group, '')}.{fraction or 0}")
    except InvalidOperation:
        return None
