"""Whether the arguments of a call are among the accepted ones, as the Berkeley Function-Calling Leaderboard compares.

Rules of its ``ast_checker`` (Patil et al., gorilla, Apache-2.0), written anew: no argument beside the accepted names;
an argument may be missing only where "" is accepted; texts are compared without case, spaces and ``,./-_*^``, either
quotation mark standing for the other; a whole number stands for a fraction of that value, not the other way round;
members of lists and of objects are compared the same way. No accepted value at all, which its files have of some
lists, is read as the empty list: ``ast_checker`` accepts nothing there (docs/task-types.md has the comparison).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

_LEFT_OUT = re.compile(r"[ ,./\-_*^]")
OPTIONAL = ""


def accepts(accepted: Mapping[str, Sequence[Any]], arguments: Mapping[str, Any]) -> bool:
    """``accepted``: argument → values that are right."""
    if not arguments.keys() <= accepted.keys():
        return False
    return all(
        any(_same(value, arguments[name]) for value in values or [[]])
        if name in arguments
        else OPTIONAL in values
        for name, values in accepted.items()
    )


def first_of(accepted: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
    """The arguments that the first accepted values make; what may be left out first of all is."""
    return {
        name: _plain(values[0]) if values else []
        for name, values in accepted.items()
        if OPTIONAL not in values[:1]
    }


def _plain(value: Any) -> Any:
    is_nested = isinstance(value, dict) and all(isinstance(values, list) for values in value.values())
    return first_of(value) if is_nested else value


def _same(right: Any, given: Any) -> bool:
    if isinstance(right, str) and isinstance(given, str):
        return _folded(right) == _folded(given)
    if isinstance(right, bool) or isinstance(given, bool):
        return right is given
    if isinstance(right, float) and isinstance(given, int | float):
        return right == given
    if isinstance(right, list) and isinstance(given, list):
        return len(right) == len(given) and all(map(_same, right, given))
    if isinstance(right, dict) and isinstance(given, dict):
        return _same_object(right, given)
    return type(right) is type(given) and right == given


def _same_object(right: Mapping[str, Any], given: Mapping[str, Any]) -> bool:
    """An accepted object has a list of accepted values for each of its members, or plain members."""
    if all(isinstance(values, list) for values in right.values()):
        return accepts(right, given) or (
            right.keys() == given.keys() and all(_same(right[name], given[name]) for name in right)
        )
    return right.keys() == given.keys() and all(_same(right[name], given[name]) for name in right)


def _folded(text: str) -> str:
    return _LEFT_OUT.sub("", text).lower().replace("'", '"')
