"""What the record probes: attack phrasings that the project has registered. A mark for readers, never a verdict."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from apps.core.detectors.patterns import EncodedText, Pattern, literal
from apps.validation.checks.base import Batch, Check, FindingData, Findings, Item
from apps.validation.models import Outcome

WORST_PHRASE = 200


class AdversarialCheck(Check):
    """A phrase is found as words, without regard to case and to the width of spaces."""

    name = "adversarial"
    title = "Probes an attack"
    severity = Outcome.INFO
    options = {
        "phrasings": {
            "type": "object",
            "default": {
                "prompt injection": [
                    "ignore previous instructions",
                    "ignore all previous instructions",
                    "disregard the above",
                    "system prompt",
                ],
            },
            "maxProperties": 50,
            "propertyNames": {"minLength": 1, "maxLength": 60},
            "additionalProperties": {
                "type": "array",
                "maxItems": 200,
                "items": {"type": "string", "pattern": r"\S", "minLength": 3, "maxLength": WORST_PHRASE},
            },
            "description": "What is probed → phrases that probe it.",
        }
    }

    def run(self, batch: Batch) -> Findings:
        patterns = _compiled(self.option(batch, "phrasings"))
        return {
            position: found
            for position, item in enumerate(batch.items)
            if (found := list(_marks(item, patterns)))
        }


def _compiled(phrasings: Mapping[str, Sequence[str]]) -> dict[str, Pattern]:
    return {
        probed: Pattern("|".join(map(_as_words, phrases)), ignore_case=True)
        for probed, phrases in phrasings.items()
        if phrases
    }


def _as_words(phrase: str) -> str:
    """A bound of a word is asked for where the phrase begins or ends with a letter or digit."""
    words = phrase.split()
    before, after = (r"\b" if char.isalnum() else "" for char in (words[0][0], words[-1][-1]))
    return before + r"\s+".join(map(literal, words)) + after


def _marks(item: Item, patterns: Mapping[str, Pattern]) -> Iterator[FindingData]:
    strings = item.input_strings
    for probed, pattern in patterns.items():
        for pointer, text in strings:
            encoded = EncodedText(text)
            first = next(iter(pattern.values(encoded.data)), None)
            if first is None:
                continue
            offsets = encoded.characters(first)
            yield FindingData(
                outcome=Outcome.INFO,
                code=probed,
                message=f"Probes: {probed}.",
                pointer=pointer,
                start=offsets[first[0]],
                end=offsets[first[1]],
            )
            break
