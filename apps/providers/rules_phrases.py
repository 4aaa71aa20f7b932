"""The phrase format: what a prompt of the ``rules`` provider says, label by label.

    labels:
      refunds:
        patterns: ["{opening} {fact} {ask}"]
        slots:
          opening: ["hi", "hello,"]
          fact: ["i ordered twice by accident"]
          ask: ["please refund one"]
          contradiction: ["or was it three times"]
    confusable: {share: 0.2, with: [billing], phrases: ["the invoice is fine"]}
    noise: {typos: 0.3, casing: 0.2}

A task whose records are more than a text and a label says what one looks like, with the phrases that were taken:

      receipts:
        patterns: ["{shop}\nTotal {total}"]
        slots: {shop: [Corner Store], total: ["9.00"]}
        record: {input: {text: "{text}"}, output: {shop: "{shop}", total: "{total}"}}

``rules_records`` says what may stand there. In patterns and records, ``{case.name}`` is a member of a phrase that is
a JSON object: so values that belong together are taken together.

A label without phrases is made from its seed examples. ``noise`` is the share of records that get each kind.
``aside`` and ``contradiction`` may be added to a record whose pattern does not name them; ``confusable``
phrases are sentences that writers of other labels use as well.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import yaml

from apps.core.errors import RefusedError
from apps.core.strict_json import JsonValue
from apps.providers.base import JsonObject
from apps.providers.rules_records import member_of, problems_of

NOISE_KINDS = ("typos", "fragments", "run_ons", "abbreviations", "casing", "pasted_mail", "contradictions")
DEFAULT_NOISE = {"typos": 0.25, "fragments": 0.15, "abbreviations": 0.25, "casing": 0.25}
PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
SLOT_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
TOP_KEYS = frozenset({"labels", "noise", "confusable"})
LABEL_KEYS = frozenset({"patterns", "slots", "record"})
CONFUSABLE_KEYS = frozenset({"share", "with", "phrases"})


@dataclass(frozen=True)
class LabelPhrases:
    """Patterns with ``{slot}`` places, and the phrases that may stand there."""

    patterns: tuple[str, ...] = ()
    slots: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    record: JsonValue = None
    """What a record looks like, where it is more than the task type's example of a text and a label."""


@dataclass(frozen=True)
class Phrases:
    """A whole template."""

    labels: Mapping[str, LabelPhrases]
    noise: Mapping[str, float]
    confusable_share: float = 0.0
    confusable: tuple[str, ...] = ()

    def prompt_for(self, label: str) -> JsonObject:
        """The material of one label, as a request carries it; without patterns where the label has none."""
        phrases = self.labels.get(label, LabelPhrases())
        return {
            "patterns": list(phrases.patterns),
            "slots": {name: list(texts) for name, texts in phrases.slots.items()},
            **({} if phrases.record is None else {"record": phrases.record}),
            "confusable": {"share": self.confusable_share, "phrases": list(self.confusable)},
            "noise": dict(self.noise),
        }


@dataclass(frozen=True)
class Material:
    """What a request carried, read back."""

    phrases: LabelPhrases
    noise: Mapping[str, float]
    confusable_share: float
    confusable: tuple[str, ...]


def material_of(prompt: JsonValue) -> Material:
    """The reverse of ``Phrases.prompt_for``: request lines are ours, so their shape is taken on trust."""
    values = cast("dict[str, Any]", prompt)
    return Material(
        phrases=LabelPhrases(
            tuple(values["patterns"]),
            {name: tuple(texts) for name, texts in values["slots"].items()},
            values.get("record"),
        ),
        noise=values["noise"],
        confusable_share=values["confusable"]["share"],
        confusable=tuple(values["confusable"]["phrases"]),
    )


def slots_of(pattern: str) -> tuple[str, ...]:
    """The slots that phrases are taken from. Members of one slot (``{case.name}``, ``{case.size}``) are one phrase."""
    names = [place.partition(".") for place in PLACEHOLDER.findall(pattern)]
    once = dict.fromkeys(slot for slot, dot, _ in names if dot)
    return (*(slot for slot, dot, _ in names if not dot and slot not in once), *once)


def parse_phrases(text: str, *, known_labels: Collection[str] = ()) -> Phrases:
    """Reads a template. RefusedError lists every problem with its place.

    A label that ``known_labels`` (if any) lacks is a problem too.
    """
    try:
        document = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        # ValueError: dates and numbers that YAML takes for such but Python cannot hold.
        raise RefusedError("The prompt is not valid YAML:", [" ".join(str(error).split())]) from error
    if not isinstance(document, dict):
        raise RefusedError("The prompt needs `labels:` with patterns and slots by label (or `labels: {}`).")
    reader = _Reader()
    phrases = reader.template(document, known_labels)
    if reader.problems:
        raise RefusedError("The prompt cannot be used:", reader.problems)
    return phrases


class _Reader:
    """Reads as far as it can and remembers every problem, so that all are named at once."""

    def __init__(self) -> None:
        self.problems: list[str] = []

    def template(self, document: dict[Any, Any], known_labels: Collection[str]) -> Phrases:
        self._unknown_keys("", document, TOP_KEYS)
        labels = self._mapping("labels", document.get("labels") or {})
        for name in sorted(set(labels) - set(known_labels)) if known_labels else ():
            self.problems.append(
                f"labels.{name}: the published guide has no such label; it has {', '.join(known_labels)}"
            )
        confusable = self._mapping("confusable", document.get("confusable") or {})
        self._unknown_keys("confusable.", confusable, CONFUSABLE_KEYS)
        return Phrases(
            labels={name: self._label(f"labels.{name}", value) for name, value in labels.items()},
            noise=self._noise(document.get("noise", DEFAULT_NOISE)),
            confusable_share=self._share("confusable.share", confusable.get("share", 0)),
            confusable=self._texts("confusable.phrases", confusable.get("phrases")),
        )

    def _label(self, place: str, value: Any) -> LabelPhrases:
        value = self._mapping(place, value or {})
        self._unknown_keys(f"{place}.", value, LABEL_KEYS)
        patterns = self._texts(f"{place}.patterns", value.get("patterns"))
        slots = {}
        for name, texts in self._mapping(f"{place}.slots", value.get("slots") or {}).items():
            if not SLOT_NAME.fullmatch(name):
                self.problems.append(
                    f"{place}.slots.{name}: name slots with small letters, digits and underscores"
                )
            slots[name] = self._texts(f"{place}.slots.{name}", texts)
        for number, pattern in enumerate(patterns, 1):
            self._pattern(f"{place}.patterns, no. {number}", pattern, slots)
        if slots and not patterns:
            self.problems.append(f"{place}.patterns: there are slots but no pattern that uses them")
        record = value.get("record")
        if record is not None:
            self.problems += problems_of(f"{place}.record", record, slots)
        return LabelPhrases(patterns, slots, record)

    def _pattern(self, place: str, pattern: str, slots: Mapping[str, tuple[str, ...]]) -> None:
        if not set("{}").isdisjoint(PLACEHOLDER.sub("", pattern)):
            self.problems.append(f"{place}: a brace is not closed in “{pattern[:60]}”")
        for written in PLACEHOLDER.findall(pattern):
            name, dot, _ = written.partition(".")
            if dot and any(member_of(phrase, written) is None for phrase in slots.get(name, ())):
                self.problems.append(
                    f"{place}: not every phrase of {name} is JSON with the member {{{written}}}"
                )
            if name not in slots:
                self.problems.append(
                    f"{place}: {{{name}}} is no slot here; there is {', '.join(slots) or 'none'}"
                )
            elif not slots[name]:
                self.problems.append(f"{place}: the slot {{{name}}} has no phrases")

    def _noise(self, value: Any) -> dict[str, float]:
        noise = self._mapping("noise", value or {})
        self._unknown_keys("noise.", noise, frozenset(NOISE_KINDS))
        return {kind: self._share(f"noise.{kind}", share) for kind, share in noise.items()}

    def _share(self, place: str, value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 1:
            self.problems.append(f"{place}: must be a number from 0 to 1")
            return 0.0
        return float(value)

    def _texts(self, place: str, value: Any) -> tuple[str, ...]:
        if value is None:
            return ()
        if not isinstance(value, list):
            self.problems.append(f"{place}: must be a list of texts")
            return ()
        texts = []
        for number, text in enumerate(value, 1):
            if isinstance(text, str) and text.strip():
                texts.append(text.strip())
            else:
                # What YAML makes of "a: b", of a bare number, of yes and no.
                self.problems.append(
                    f"{place}, no. {number}: must be a text, is a {type(text).__name__}: put it in quotes"
                )
        return tuple(texts)

    def _mapping(self, place: str, value: Any) -> dict[str, Any]:
        if isinstance(value, dict) and all(isinstance(key, str) for key in value):
            return value
        self.problems.append(f"{place}: must be a mapping with texts as keys")
        return {}

    def _unknown_keys(self, place: str, value: Mapping[Any, Any], known: frozenset[str]) -> None:
        for key in sorted(map(str, set(value) - known)):
            self.problems.append(f"{place}{key}: is not known; there is {', '.join(sorted(known))}")
