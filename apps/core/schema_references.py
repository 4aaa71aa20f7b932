"""References inside a JSON Schema, so that it can stand in a larger one: as Pydantic writes them, in ``$defs``.

A reference is counted from the root. Once the schema is part of another it would lead nowhere, so what it refers to is
put in its place. Where a definition contains itself that cannot be done: then all definitions move to the new root.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from apps.core.pointers import values_at

DEFINITIONS = ("$defs", "definitions")
MOST_PARTS = 5_000
"""Definitions that use each other twice and twice again would grow beyond all bounds."""


class _CannotInlineError(Exception):
    """A circle, or too much of it."""


def self_contained(schema: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """``schema`` for a place inside another one, and the definitions that have to stand under that one's ``$defs``."""
    try:
        return _Inlining(schema).made(), {}
    except _CannotInlineError:
        definitions = {name: each for key in DEFINITIONS for name, each in schema.get(key, {}).items()}
        rest = {key: value for key, value in schema.items() if key not in DEFINITIONS}
        return _moved(rest), _moved(definitions)


class _Inlining:
    def __init__(self, root: Mapping[str, Any]) -> None:
        self._root = root
        self._parts = 0
        self._open: list[str] = []

    def made(self) -> dict[str, Any]:
        made: dict[str, Any] = self._of({k: v for k, v in self._root.items() if k not in DEFINITIONS})
        return made

    def _of(self, part: Any) -> Any:
        self._parts += 1
        if self._parts > MOST_PARTS:
            raise _CannotInlineError
        if isinstance(part, list):
            return [self._of(each) for each in part]
        if not isinstance(part, dict):
            return part
        reference = part.get("$ref")
        if isinstance(reference, str) and reference.startswith("#"):
            beside = {key: value for key, value in part.items() if key != "$ref"}
            return {**self._referred(reference), **self._of(beside)}
        return {key: self._of(value) for key, value in part.items()}

    def _referred(self, reference: str) -> dict[str, Any]:
        found = values_at(self._root, reference[1:]) if reference != "#" else []
        if reference in self._open or not found or not isinstance(found[0][1], dict):
            raise _CannotInlineError
        self._open.append(reference)
        made: dict[str, Any] = self._of(found[0][1])
        self._open.pop()
        return made


def _moved(part: Any) -> Any:
    if isinstance(part, list):
        return [_moved(each) for each in part]
    if not isinstance(part, dict):
        return part
    made = {key: _moved(value) for key, value in part.items()}
    reference = made.get("$ref")
    if isinstance(reference, str) and reference.startswith("#/definitions/"):
        made["$ref"] = f"#/$defs/{reference.removeprefix('#/definitions/')}"
    return made
