"""The "too clean" signs of one record: what real mail has and this has not. Told to readers and to the prompt's author.

Never a verdict: messy model text is as easy to tell from real text as clean text is (measurement science, finding 3).
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from apps.core.text import sentences
from apps.records.models import Record
from apps.validation.checks.base import Batch, Check, FindingData, Findings, Item
from apps.validation.models import Outcome

OPENING_WORDS = 4
SIBLINGS = 500
"""Other records of the same prompt that an opening is compared with, the latest."""
SHARED_FROM = 5
FEWEST_WORDS = 8
"""A shorter text has no room for signs."""
TELLS_FROM = 3
"""Signs that together are worth a word: any one of them alone is common in real mail."""

_POLITE = re.compile(
    r"\b(?:I hope this (?:message|e-?mail) finds you well|I am writing to|I would (?:greatly )?appreciate|"
    r"I would like to|thank you for your (?:prompt |kind )?(?:attention|assistance|understanding)|"
    r"at your earliest convenience|please (?:do not hesitate|let me know if)|look forward to (?:your|hearing))",
    re.IGNORECASE,
)
_SLIP = re.compile(
    r"\b(?:pls|plz|thx|u|ur|asap|idk|im|ive|dont|cant|wont|didnt|doesnt|isnt|wanna|gonna|gimme|teh|recieve[ds]?|"
    r"adress|definately|seperate|untill|wich|becuase|i)\b|[!?]{2,}|\.{3,}|…|\s[,.!?]|[a-z],[a-z]|:\(|:-?\)",
)
OWN_SIGNS = {
    "polite_template": "a phrase of business letters",
    "no_slips": "no typo, no abbreviation, no slip of punctuation",
    "tidy_case": "every sentence begins with a capital",
    "no_fragments": "every sentence is whole",
}
"""Code → words, the strongest first."""


class RealismCheck(Check):
    """One finding that lists the signs; its code is the strongest of them."""

    name = "realism"
    title = "Too clean"
    severity = Outcome.INFO

    def run(self, batch: Batch) -> Findings:
        shared = _SharedOpenings(batch)
        findings = {}
        for position, item in enumerate(batch.items):
            signs = list(_signs(item.text, shared.count(item)))
            if any(code == "shared_opening" for code, _ in signs) or len(signs) >= TELLS_FROM:
                message = "; ".join(words for _, words in signs)
                findings[position] = [
                    FindingData(
                        outcome=Outcome.INFO,
                        code=signs[0][0],
                        message=f"{message[:1].upper()}{message[1:]}.",
                        pointer="/input",
                    )
                ]
        return findings


def _signs(text: str, siblings: int) -> Iterator[tuple[str, str]]:
    """(code, words), the strongest first; none where they are too few to be told."""
    is_shared = siblings >= SHARED_FROM
    if is_shared:
        yield (
            "shared_opening",
            f"{siblings} other records of this prompt begin with the same {OPENING_WORDS} words",
        )
    if len(text.split()) >= FEWEST_WORDS:
        own = _own_signs(text, fewest=0 if is_shared else TELLS_FROM)
        yield from ((code, words) for code, words in OWN_SIGNS.items() if code in own)


def _own_signs(text: str, *, fewest: int) -> set[str]:
    """Those of ``OWN_SIGNS`` that ``text`` shows. The dear looks are spared where they could not make ``fewest``."""
    is_ended = text.rstrip()[-1:] in ".!?"
    if fewest > len(OWN_SIGNS) - 2 and not is_ended and text.lstrip()[:1].islower():
        return set()
    own = sentences(text)
    found = set()
    if all(sentence[:1].isupper() or not sentence[:1].isalpha() for sentence in own):
        found.add("tidy_case")
    if is_ended and all(len(sentence.split()) >= FEWEST_WORDS // 2 for sentence in own):
        found.add("no_fragments")
    if len(found) + 2 < fewest:
        return found
    if not _SLIP.search(text):
        found.add("no_slips")
    if _POLITE.search(text):
        found.add("polite_template")
    return found


class _SharedOpenings:
    """How many latest records of the same prompt, and of this batch, begin like an item."""

    def __init__(self, batch: Batch) -> None:
        prompts = dict(
            Record.objects.filter(pk__in=[item.record_id for item in batch.items]).values_list(
                "id", "prompt_version"
            )
        )
        self.prompt_of = {pk: prompt for pk, prompt in prompts.items() if prompt}
        self.openings: dict[str, Counter[str]] = defaultdict(Counter)
        for prompt in sorted(set(self.prompt_of.values())):
            rows = Record.objects.filter(project=batch.project, prompt_version=prompt).exclude(pk__in=prompts)
            for input_ in rows.order_by("-id").values_list("input", flat=True)[:SIBLINGS]:
                self.openings[prompt][_opening(batch.task_type.text_of(input_))] += 1
        for item in batch.items:
            self.openings[self.prompt_of.get(item.record_id, "")][_opening(item.text)] += 1

    def count(self, item: Item) -> int:
        opening = _opening(item.text)
        prompt = self.prompt_of.get(item.record_id)
        return self.openings[prompt][opening] - 1 if prompt and opening else 0


def _opening(text: str) -> str:
    """Empty for a text that has no more words than that: it is compared as a duplicate."""
    words: Sequence[str] = text.casefold().split()
    return " ".join(words[:OPENING_WORDS]) if len(words) > OPENING_WORDS else ""
