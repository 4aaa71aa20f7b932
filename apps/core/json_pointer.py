"""JSON pointers (RFC 6901): where in a document something stands."""

from __future__ import annotations

import re
from typing import Any

_LONE_TILDE = re.compile("~(?![01])")


class NothingThereError(LookupError):
    """The document has nothing at the pointer."""


def is_pointer(text: str) -> bool:
    """Whether ``text`` is written as one, with or without something at its end."""
    return not text or (text.startswith("/") and _LONE_TILDE.search(text) is None)


def at(document: Any, pointer: str) -> Any:
    """The value at ``pointer``. NothingThereError, when there is none; an array has no ``-``."""
    for part in _parts(pointer):
        if isinstance(document, dict) and part in document:
            document = document[part]
        elif isinstance(document, list) and _is_index(part) and int(part) < len(document):
            document = document[int(part)]
        else:
            raise NothingThereError(pointer)
    return document


def join(pointer: str, *parts: str | int) -> str:
    """``pointer``, some steps further down."""
    return pointer + "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in parts)


def _parts(pointer: str) -> list[str]:
    if not pointer:
        return []
    if not pointer.startswith("/"):
        raise NothingThereError(pointer)
    return [part.replace("~1", "/").replace("~0", "~") for part in pointer[1:].split("/")]


def _is_index(part: str) -> bool:
    return part.isascii() and part.isdigit() and len(part) < 10 and (part == "0" or part[0] != "0")
