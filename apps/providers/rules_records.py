"""Records of the ``rules`` generator that are more than a text and a label.

A record is JSON. In its texts ``{text}`` is the text that was written and ``{slot}`` the phrase that was taken for a
slot; ``{slot.member}`` is a member of a phrase that is a JSON object. A text that is nothing but ``{=slot.member}``
becomes that value itself: a number, a list. ``{"$spans": {"slot": "kind"}}`` becomes the list of the places where
those phrases stand in the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from apps.core.strict_json import JsonValue, StrictJsonError, loads_line

TEXT = "text"
SPANS = "$spans"
_PLACE = re.compile(r"\{([a-z][a-z0-9_]*(?:\.\w+)?)\}")
_VALUE = re.compile(r"\{=([a-z][a-z0-9_]*(?:\.\w+)?)\}")


def record_of(template: JsonValue, *, text: str, plain: str, taken: Mapping[str, str]) -> JsonValue:
    """The record of one text. Where manner or noise took a phrase that spans point to, the plain text stands."""
    if any(taken.get(slot, "") not in text for slot in _span_slots(template)):
        text = plain
    return _filled(template, text, {**taken, TEXT: text})


def member_of(phrase: str, written: str) -> JsonValue:
    """What ``{slot.member}`` means of a phrase: a member, the phrase itself without one; None where there is none."""
    _, dot, member = written.partition(".")
    if not dot:
        return phrase
    try:
        value = loads_line(phrase.encode())
    except StrictJsonError:
        return None
    return value.get(member) if isinstance(value, dict) else None


def problems_of(place: str, template: Any, slots: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    """What cannot be filled in ``template``, each with its place."""
    if not isinstance(template, dict) or not {"input", "output"} <= template.keys():
        yield f"{place}: must have an input and an output"
        return
    for name in _names_in(template):
        slot, dot, _ = name.partition(".")
        if slot == TEXT and not dot:
            continue
        if slot not in slots:
            yield f"{place}: {{{name}}} is no slot here; there is {', '.join((TEXT, *slots))}"
        elif any(member_of(phrase, name) is None for phrase in slots[slot]):
            yield f"{place}: not every phrase of {slot} is JSON with the member {{{name}}}"


def _filled(template: JsonValue, text: str, taken: Mapping[str, str]) -> JsonValue:
    if isinstance(template, str):
        if whole := _VALUE.fullmatch(template):
            return _value(whole.group(1), taken)
        return _PLACE.sub(lambda match: str(_said(match.group(1), taken)), template)
    if isinstance(template, list):
        return [_filled(value, text, taken) for value in template]
    if isinstance(template, dict):
        if isinstance(kinds := template.get(SPANS), dict):
            return _spans(text, kinds, taken)
        return {key: _filled(value, text, taken) for key, value in template.items()}
    return template


def _said(name: str, taken: Mapping[str, str]) -> JsonValue:
    return member_of(taken.get(name.partition(".")[0], ""), name)


def _value(name: str, taken: Mapping[str, str]) -> JsonValue:
    said = _said(name, taken)
    if not isinstance(said, str) or "." in name:
        return said
    try:
        return loads_line(said.encode())
    except StrictJsonError:
        return said


def _spans(text: str, kinds: Mapping[str, JsonValue], taken: Mapping[str, str]) -> list[JsonValue]:
    found: set[tuple[int, int, str]] = set()
    for slot, kind in kinds.items():
        phrase = taken.get(slot, "")
        for match in re.finditer(re.escape(phrase), text) if phrase else ():
            found.add((match.start(), match.end(), str(kind)))
    return [{"start": start, "end": end, "kind": kind} for start, end, kind in sorted(found)]


def _span_slots(template: JsonValue) -> Iterator[str]:
    if isinstance(template, list):
        for value in template:
            yield from _span_slots(value)
    elif isinstance(template, dict):
        if isinstance(kinds := template.get(SPANS), dict):
            yield from kinds
        for value in template.values():
            yield from _span_slots(value)


def _names_in(template: JsonValue) -> Iterator[str]:
    if isinstance(template, str):
        yield from (name for pair in (_PLACE.findall(template), _VALUE.findall(template)) for name in pair)
    elif isinstance(template, list):
        for value in template:
            yield from _names_in(value)
    elif isinstance(template, dict):
        if isinstance(kinds := template.get(SPANS), dict):
            yield from kinds
            return
        for value in template.values():
            yield from _names_in(value)
