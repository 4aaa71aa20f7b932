"""Provider keys: named by a connection, read from the generation worker's environment at the moment of the call.

A key is never stored, logged, or put into a task argument. A name that could point at a secret of our own is
refused, so that nobody who may edit a connection can have it sent away.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from apps.core.errors import DomainError
from apps.providers.base import Endpoint

KEY_NAME = re.compile(r"[A-Z][A-Z0-9_]{0,100}_(API_KEY|CREDENTIALS|ACCESS_KEY_ID|SECRET_ACCESS_KEY|TOKEN)")
# Endings that are ours as well.
OURS = frozenset({"SECRET_KEY", "LEAKAGE_KEY"})
SHORTEST = 8
_handed_out: set[str] = set()


class MissingKeyError(DomainError):
    """The environment of this process does not hold the key that the connection names."""


def check_key_name(name: str) -> None:
    """DomainError when ``name`` cannot be the name of a provider key."""
    if name in OURS or not KEY_NAME.fullmatch(name):
        raise DomainError(
            f"{name!r} cannot name a provider key: use capital letters with an ending such as _API_KEY, "
            "_CREDENTIALS or _TOKEN, for example TEAM_OPENAI_API_KEY."
        )


def read_key(name: str) -> str:
    """The value of ``name``, or the content of the file that ``name``_FILE names.

    MissingKeyError says what to set, and never what is set.
    """
    key = _read(name)
    if len(key) >= SHORTEST:
        _handed_out.add(key)
    return key


def without_keys(text: str) -> str:
    """``text`` with every key that this process has handed out taken from it: some servers quote it in an error."""
    # The longest first: one may be the beginning of another.
    for key in sorted(_handed_out, key=len, reverse=True):
        text = text.replace(key, "[key]")
    return text


def _read(name: str) -> str:
    check_key_name(name)
    if value := os.environ.get(name, "").strip():
        return value
    file = os.environ.get(f"{name}_FILE", "")
    if not file:
        raise MissingKeyError(
            f"The generation worker has no {name}: set {name} or {name}_FILE in its environment and restart it."
        )
    try:
        return Path(file).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise MissingKeyError(f"{name}_FILE cannot be read: {error.strerror}.") from error


def is_given(name: str) -> bool:
    """Whether this process has ``name`` or ``name``_FILE: for a key that is only sometimes needed."""
    return bool(os.environ.get(name) or os.environ.get(f"{name}_FILE"))


def key_of(endpoint: Endpoint, default_name: str) -> str:
    """The key of a connection, by the name it gives or else the vendor's usual one."""
    return read_key(endpoint.key_name or default_name)
