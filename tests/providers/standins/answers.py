"""What a stand-in's model says: valid and varied by the request's schema, the same for the same request."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

_COUNT = re.compile(
    r"\b(\d{1,3})\s+(?:\w+\s+){0,3}?(?:records|messages|examples|texts|items|rows|answers|cases)\b",
    re.IGNORECASE,
)
_ANY_COUNT = re.compile(
    r"\b(?:exactly|write|make|generate|give|produce)\s+(?:me\s+)?(\d{1,3})\b", re.IGNORECASE
)
_LABEL = re.compile(r"""\blabel(?:\s+is|\s*[:=])?\s*["'`“]?([A-Za-z0-9][\w./-]*)""", re.IGNORECASE)
_TEXT_NAMES = frozenset({"text", "message", "question", "query", "utterance", "body", "content"})

OPENINGS = (
    "Hi,", "Hello there,", "Good morning,", "Sorry to bother you,", "Hey,", "Quick question:", "Second time I write:",
    "Please help,", "To whom it may concern,", "ok so", "Evening,", "Not sure this is the right place, but",
)  # fmt: skip
EVENTS = (
    "my card was charged twice", "the parcel never came", "I cannot log in any more", "the app closes on start",
    "the invoice has the wrong address", "I was promised a refund", "the code you sent does not work",
    "my account got locked", "half of the order is missing", "the screen arrived cracked", "the renewal went through",
    "nobody called me back", "the transfer is still pending", "the discount was not applied",
    "the driver left it outside", "my old number is still on file",
)  # fmt: skip
TIMES = (
    "since Monday", "yesterday evening", "three days ago", "after the last update", "again", "for two weeks now",
    "on the 14th", "right after I paid", "while I was abroad", "this morning", "last month", "at the weekend",
)  # fmt: skip
WISHES = (
    "Can you look into it?", "What should I do now?", "I want my money back.", "Please fix this today.",
    "Who can I talk to?", "Is there a form for that?", "Please confirm by mail.", "I need it before Friday.",
    "How long will it take?", "Do I have to send it back?", "Otherwise cancel everything.", "thanks",
    "Could somebody call me?", "I have the receipt here.",
)  # fmt: skip
REFERENCES = ("Order {}.", "Reference {}.", "Ticket {}.", "(no. {})", "", "", "", "")


def count_in(prompt: str, *, default: int = 3) -> int:
    """How many records a prompt asks for, as far as a pattern can tell."""
    match = _COUNT.search(prompt) or _ANY_COUNT.search(prompt)
    return max(1, min(int(match[1]), 200)) if match else default


def answer_for(schema: Mapping[str, Any], prompt: str, count: int, *, salt: str = "") -> str:
    """JSON that is valid by ``schema``: ``count`` items in a list at its root, messages where it wants text.

    ``salt`` (a custom id) makes two requests with one prompt answer differently.
    """
    seed = hashlib.sha256(f"{salt}\0{prompt}\0{count}".encode()).digest()
    throw = Random(seed)
    writer = _Writer(schema.get("$defs", {}), prompt, throw)
    return json.dumps(writer.value(schema, "", items=count), ensure_ascii=False)


class _Writer:
    def __init__(self, definitions: Mapping[str, Any], prompt: str, throw: Random) -> None:
        self.definitions = definitions
        self.prompt = prompt
        self.throw = throw

    def value(self, schema: Mapping[str, Any], name: str, *, items: int) -> Any:
        if "$ref" in schema:
            schema = self.definitions[schema["$ref"].rsplit("/", 1)[-1]]
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return self._choice(schema["enum"])
        choices = schema.get("anyOf") or schema.get("oneOf")
        if choices:
            fit = [choice for choice in choices if choice.get("type") != "null"]
            return self.value(fit[0], name, items=items) if fit else None
        return self._of_type(schema, name, items=items)

    def _of_type(self, schema: Mapping[str, Any], name: str, *, items: int) -> Any:
        kinds = schema.get("type", "object" if "properties" in schema else "string")
        kind = next((kind for kind in _listed(kinds) if kind.lower() != "null"), "null").lower()
        if kind == "object":
            properties = schema.get("properties", {})
            return {key: self.value(value, key, items=items) for key, value in properties.items()}
        if kind == "array":
            inner = schema.get("items", {"type": "string"})
            size = max(schema.get("minItems", 0), min(items, schema.get("maxItems", items)))
            return [self.value(inner, name, items=2) for _ in range(size)]
        if kind in {"integer", "number"}:
            low = schema.get("minimum", 0)
            number = self.throw.randint(int(low), max(int(low), int(schema.get("maximum", low + 5))))
            return number if kind == "integer" else float(number)
        if kind == "boolean":
            return self.throw.random() < 0.5
        return None if kind == "null" else self._string(name, schema.get("maxLength", 2000))

    def _string(self, name: str, longest: int) -> str:
        if name == "label":
            return match[1] if (match := _LABEL.search(self.prompt)) else "other"
        text = self.message() if name in _TEXT_NAMES else self.throw.choice(EVENTS)
        return text[:longest]

    def message(self) -> str:
        throw = self.throw
        reference = throw.choice(REFERENCES).format(throw.randrange(10_000, 999_999))
        parts = (
            throw.choice(OPENINGS),
            f"{throw.choice(EVENTS)} {throw.choice(TIMES)}.",
            reference,
            throw.choice(WISHES),
        )
        return " ".join(filter(None, parts))

    def _choice(self, choices: Sequence[Any]) -> Any:
        """The one that the prompt names beside "label", or the only one that it names at all."""
        if (match := _LABEL.search(self.prompt)) and match[1].rstrip(".") in choices:
            return match[1].rstrip(".")
        named = [choice for choice in choices if isinstance(choice, str) and _names(self.prompt, choice)]
        return named[0] if len(named) == 1 else self.throw.choice(list(choices))


def _listed(kinds: str | list[str]) -> list[str]:
    return [kinds] if isinstance(kinds, str) else kinds


def _names(prompt: str, word: str) -> bool:
    return bool(re.search(rf"(?<!\w){re.escape(word)}(?!\w)", prompt))
