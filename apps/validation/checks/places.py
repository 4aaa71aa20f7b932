"""Where in a record a check looks: JSON pointers that the spec gives as options."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from apps.core.pointers import EVERY, values_at
from apps.validation.checks.base import FindingData, Item
from apps.validation.models import Outcome

_LONE_TILDE = re.compile("~(?![01])")


class NothingThereError(LookupError):
    """The record has nothing at the pointer, which is its message."""


def pointer_option(default: str | None, description: str) -> dict[str, Any]:
    """The schema of an option that holds a pointer into `{"input": …, "output": …}`."""
    return {
        "type": "string" if default is not None else ["string", "null"],
        "maxLength": 200,
        "default": default,
        "description": f"{description} A JSON pointer into the record.",
        "x-pointer": True,
    }


def pointer_problems(options: Mapping[str, Any], schemas: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """What is wrong with those of ``options`` that are pointers."""
    for name, pointer in options.items():
        if pointer is None or not schemas.get(name, {}).get("x-pointer"):
            continue
        steps = pointer.split("/")
        if (
            steps[1:2] not in (["input"], ["output"])
            or steps[0]
            or EVERY in steps
            or _LONE_TILDE.search(pointer)
        ):
            like = schemas[name].get("default") or "/input/code"
            yield f"{name}: {pointer!r} names no one place in a record; write a JSON pointer like {like}"


def value_at(item: Item, pointer: str) -> Any:
    """Raises NothingThereError."""
    for _, value in values_at(item.payload, pointer):
        return value
    raise NothingThereError(pointer)


def text_at(item: Item, pointer: str) -> str:
    """The string there. Raises NothingThereError also for anything else, and for an empty one."""
    value = value_at(item, pointer)
    if not isinstance(value, str) or not value.strip():
        raise NothingThereError(pointer)
    return value


def nothing_there(pointer: str, what: str) -> FindingData:
    return FindingData(
        outcome=Outcome.BLOCK, code="missing", message=f"There is no {what} at {pointer}.", pointer=pointer
    )
