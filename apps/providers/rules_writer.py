"""Writing the texts of one request: a pattern, a phrase for each slot, a manner, and some mess."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from random import Random

from apps.core.spread import spread
from apps.providers import rules_noise
from apps.providers import rules_words as words
from apps.providers.rules_axes import Manner, manner_of
from apps.providers.rules_dice import dice
from apps.providers.rules_phrases import PLACEHOLDER, LabelPhrases, Material, slots_of
from apps.providers.rules_records import member_of
from apps.providers.rules_seeds import phrases_from, reworded

_STOPS = re.compile(r"([?!,:…])\s*[.,](?=\s|$)|(?<!\.)\.\s*\.(?=\s|$)|\s+([.,!?])(?=\s|$)")
_SPACES = re.compile(r"[ \t]{2,}")
_LAST_STOP = re.compile(r"[.!]*$")


@dataclass(frozen=True)
class Job:
    """What one request wants; ``first`` is the place of its first text among the label's in this run."""

    label: str
    material: Material
    seeds: tuple[str, ...]
    axes: Mapping[str, str]
    realism: tuple[str, ...]
    count: int
    first: int
    seed: int


@dataclass(frozen=True)
class Draft:
    """A text and the slots of its pattern: who has an opening gets no second one. ``taken``: slot → phrase."""

    text: str
    slots: frozenset[str]
    taken: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Written:
    """A text, and the phrases that it was made of, by slot. ``plain`` is the text before manner and noise."""

    text: str
    plain: str
    taken: Mapping[str, str]


def write(job: Job) -> list[Written]:
    """``job.count`` texts.

    The same job gives the same texts, and no two places of a label the same phrases in the same order, as
    long as the material lasts.
    """
    is_from_seeds = not job.material.phrases.patterns
    phrases = phrases_from(job.seeds) if is_from_seeds else job.material.phrases
    manner = manner_of(job.axes, realism=job.realism, prompt_noise=job.material.noise)
    key = (job.seed, job.label, *sorted(job.axes.items()))
    texts = []
    for place in range(job.first, job.first + job.count):
        throw = dice("text", *key, place)
        draft = _compose(phrases, manner, place, job)
        if is_from_seeds:
            draft = Draft(reworded(draft.text, throw), draft.slots)
        dressed = _dress(draft, phrases, job.material, manner, throw)
        texts.append(Written(dressed, draft.text, draft.taken))
    return texts


def _compose(phrases: LabelPhrases, manner: Manner, place: int, job: Job) -> Draft:
    pattern = _pattern_for(place, phrases, manner, job)
    names = slots_of(pattern)
    digits = spread(place, [len(phrases.slots[name]) for name in names])
    taken: dict[str, list[str]] = {}
    for name, digit in zip(names, digits, strict=True):
        taken.setdefault(name, []).append(_shuffled(phrases.slots[name], job.seed, job.label, name)[digit])
    waiting = {name: iter(texts) for name, texts in taken.items()}

    def said(match: re.Match[str]) -> str:
        written = match.group(1)
        name = written.partition(".")[0]
        return next(waiting[name]) if written == name else str(member_of(taken[name][0], written))

    first = {name: texts[0] for name, texts in taken.items()}
    return Draft(PLACEHOLDER.sub(said, pattern), frozenset(names), first)


def _pattern_for(place: int, phrases: LabelPhrases, manner: Manner, job: Job) -> str:
    """The pattern of ``place``: one that suits the manner and has not used its combination of this place yet.

    Patterns with the same slots are one choice: they differ in a comma, and their combinations are the same.
    A place beyond the largest pattern comes round again to a place that other patterns have used, and takes
    one that has not.
    """
    sizes = {pattern: _combinations(phrases, pattern) for pattern in phrases.patterns}
    lap, place = divmod(place, max(sizes.values()))
    fresh = [pattern for pattern in phrases.patterns if sizes[pattern] > place]
    dice("pattern", job.seed, job.label, place).shuffle(fresh)
    choices: dict[tuple[str, ...], str] = {}
    for pattern in sorted(fresh, key=_misfit(fresh, manner)):
        choices.setdefault(slots_of(pattern), pattern)
    return list(choices.values())[lap % len(choices)]


def _misfit(patterns: Sequence[str], manner: Manner) -> Callable[[str], int]:
    """How badly a pattern suits the manner: 0 is well. A stable sort by it keeps the shuffle among equals."""
    sizes = sorted(len(slots_of(pattern)) for pattern in patterns)
    short, long = sizes[len(sizes) // 3], sizes[-1 - len(sizes) // 3]

    def misfit(pattern: str) -> int:
        slots = slots_of(pattern)
        is_wrong_length = (manner.length == "short" and len(slots) > short) or (
            manner.length == "long" and len(slots) < long
        )
        is_wrong_tone = (manner.tone == "angry" and "closing" in slots) or (
            manner.tone == "polite" and {"opening", "closing"}.isdisjoint(slots)
        )
        return 2 * is_wrong_length + is_wrong_tone

    return misfit


def _combinations(phrases: LabelPhrases, pattern: str) -> int:
    return math.prod(len(phrases.slots[name]) for name in slots_of(pattern))


@lru_cache(maxsize=256)
def _shuffled(texts: tuple[str, ...], *key: object) -> list[str]:
    shuffled = list(texts)
    dice("slot", *key).shuffle(shuffled)
    return shuffled


def _dress(draft: Draft, phrases: LabelPhrases, material: Material, manner: Manner, throw: Random) -> str:
    text = _with_extras(draft.text, phrases, material, manner, throw)
    text = _in_tone(tidy(text), draft.slots, manner, throw)
    text = _in_channel(text, draft.slots, manner, throw)
    for kind, apply in rules_noise.IN_ORDER:
        if throw.random() < manner.noise.get(kind, 0.0):
            text = apply(text, throw)
    return tidy(text).strip()


def _with_extras(text: str, phrases: LabelPhrases, material: Material, manner: Manner, throw: Random) -> str:
    """Sentences that no pattern placed: an aside for long texts, a confusable one, a contradiction."""
    extras = []
    aside = phrases.slots.get("aside", ())
    if manner.length == "long" and aside and not any(phrase in text for phrase in aside):
        extras.append(throw.choice(aside))
    if material.confusable and manner.length != "short" and throw.random() < material.confusable_share:
        extras.append(throw.choice(material.confusable))
    for extra in extras:
        text = f"{_ended(text)} {extra}"
    if throw.random() < manner.noise.get("contradictions", 0.0):
        text = rules_noise.contradictions(text, throw, phrases.slots.get("contradiction", ()))
    return text


def _in_tone(text: str, slots: frozenset[str], manner: Manner, throw: Random) -> str:
    if manner.tone == "angry":
        text = _LAST_STOP.sub(throw.choice(("!", "!!", "!!!", ".", "")), text, count=1)
        if manner.length != "short" or throw.random() < 0.3:
            text = f"{_ended(text)} {throw.choice(words.ANGRY_TAILS)}"
        if throw.random() < 0.25:
            text = rules_noise.casing(text.lower(), throw)
    if manner.tone == "polite":
        if "opening" not in slots and manner.channel != "email" and throw.random() < 0.5:
            text = f"{throw.choice(words.POLITE_OPENINGS)} {text}"
        if "closing" not in slots and (manner.length != "short" or throw.random() < 0.3):
            text = f"{_ended(text)} {throw.choice(words.POLITE_TAILS)}"
    return text


def _in_channel(text: str, slots: frozenset[str], manner: Manner, throw: Random) -> str:
    if manner.channel == "email":
        opening = "" if "opening" in slots else f"{throw.choice(words.MAIL_OPENINGS)}\n\n"
        closing = "" if "closing" in slots else f"\n\n{throw.choice(words.MAIL_CLOSINGS)}"
        return f"{opening}{text}{closing}"
    if manner.channel == "chat":
        text = text.rstrip(".")
        return text.replace(". ", "\n", throw.randrange(0, 3)) if throw.random() < 0.4 else text
    if manner.channel == "phone":
        spoken = re.sub(r"[.,:;!]+(?=\s|$)", "", text.lower()).split(" ")
        spoken.insert(throw.randrange(0, max(1, len(spoken) // 2)), throw.choice(words.FILLERS))
        return " ".join(spoken)
    if manner.channel == "form":
        return f"Topic: {throw.choice(words.FORM_TOPICS)}\nMessage: {text}"
    return text


def _ended(text: str) -> str:
    return text if text.endswith((".", "!", "?", ":", ",")) else f"{text}."


def tidy(text: str) -> str:
    """Repairs what joining phrases breaks: a stop after a question mark, two stops, spaces before stops."""
    text = _STOPS.sub(lambda match: match.group(1) or match.group(2) or ".", text)
    return _SPACES.sub(" ", text)
