"""Phrase material out of seed examples, for labels whose prompt has no phrases.

What comes out is close to the seeds; the near-duplicate check will say how close. Nothing here knows the
domain: openings, closings and synonyms must be true of any label.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import permutations
from random import Random

from apps.providers.rules_phrases import LabelPhrases, slots_of
from apps.providers.rules_words import CLOSINGS, OPENINGS, SYNONYMS

# Seeds of one request are paired with each other, so this bounds the pairs to 132.
MOST_SEEDS = 12

PATTERNS = (
    "{opening} {seed}",
    "{seed} {closing}",
    "{opening} {seed} {closing}",
    "{pair}",
    "{opening} {pair}",
    "{pair} {closing}",
    "{spliced}",
    "{opening} {spliced}",
    "{spliced} {closing}",
)

_REPLACEABLE = re.compile(
    r"\b(" + "|".join(sorted(map(re.escape, SYNONYMS), key=len, reverse=True)) + r")\b(?!['’])", re.IGNORECASE
)
_CLAUSE_BREAK = re.compile(r"(?<=[.!?])\s+|,\s+(?:and|but|so)\s+|\s+(?=but\b)|\s+-\s+|;\s+", re.IGNORECASE)


def phrases_from(seeds: Sequence[str]) -> LabelPhrases:
    """Patterns and slots over ``seeds`` (at least one), in the shape that the writer takes."""
    texts = [" ".join(seed.split()) for seed in seeds[:MOST_SEEDS]]
    slots = {
        "opening": OPENINGS,
        "closing": CLOSINGS,
        "seed": tuple(texts),
        "pair": tuple(f"{_ended(first)} {second}" for first, second in permutations(texts, 2)),
        "spliced": tuple(_spliced(texts)),
    }
    filled = {name: phrases for name, phrases in slots.items() if phrases}
    return LabelPhrases(
        patterns=tuple(pattern for pattern in PATTERNS if filled.keys() >= set(slots_of(pattern))),
        slots=filled,
    )


def reworded(text: str, throw: Random) -> str:
    """Some of the words replaced by their like."""

    def choose(match: re.Match[str]) -> str:
        if throw.random() < 0.4:
            return match.group()
        word = throw.choice(SYNONYMS[match.group().casefold()])
        return word[0].upper() + word[1:] if match.group()[0].isupper() else word

    return _REPLACEABLE.sub(choose, text)


def _spliced(texts: Sequence[str]) -> list[str]:
    """The first clause of one seed with the last of another, and each seed's clauses turned round."""
    clauses = [parts for text in texts if len(parts := _clauses(text)) > 1]
    turned = [f"{_ended(parts[-1])} {' '.join(parts[:-1])}" for parts in clauses]
    crossed = [
        f"{_ended(first[0])} {second[-1]}"
        for first, second in permutations(clauses, 2)
        if first[0] != second[0]
    ]
    return list(dict.fromkeys([*turned, *crossed]))


def _clauses(text: str) -> list[str]:
    return [part.strip() for part in _CLAUSE_BREAK.split(text) if len(part.split()) > 2]


def _ended(text: str) -> str:
    return text if text.endswith((".", "!", "?", ",", ":")) else f"{text}."
