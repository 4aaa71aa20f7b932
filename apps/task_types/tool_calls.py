"""Calls of tools as models write them, made into one shape.

Read are `{"name", "arguments": {…}}`, OpenAI's `{"type": "function", "function": {"name", "arguments": "<JSON>"}}`,
Anthropic's `{"type": "tool_use", "name", "input": {…}}`, a list of these, and JSON text of any of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from apps.core.pointers import joined
from apps.core.strict_json import JsonValue, StrictJsonError, loads_line


class ToolCallError(ValueError):
    """This is no call of a tool; ``pointer`` says where, from the calls on."""

    def __init__(self, code: str, pointer: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.pointer = pointer
        self.message = message


@dataclass(frozen=True)
class ToolCall:
    """``pointer`` and ``arguments_pointer`` lead from the calls to this one and to its arguments."""

    name: str
    arguments: dict[str, JsonValue]
    pointer: str
    arguments_pointer: str
    is_text: bool = False
    """Whether the arguments are written as JSON text: then no pointer leads inside."""

    def place_of(self, *inside: str | int) -> str:
        return self.arguments_pointer if self.is_text else joined(self.arguments_pointer, *inside)


def read_calls(written: Any) -> list[ToolCall]:
    """The calls in ``written``, in order; none for null and for an empty list. Raises ToolCallError."""
    is_text = isinstance(written, str)
    if isinstance(written, str):
        written = _parsed(written, "")
    if written is None:
        return []
    if isinstance(written, list):
        return list(_each(written, is_text=is_text))
    return [_read(written, "", is_text=is_text)]


def _each(written: list[Any], *, is_text: bool) -> Iterator[ToolCall]:
    for number, each in enumerate(written):
        yield _read(each, "" if is_text else f"/{number}", is_text=is_text)


def _read(written: Any, pointer: str, *, is_text: bool) -> ToolCall:
    if not isinstance(written, dict):
        raise ToolCallError("not_a_call", pointer, 'A call is an object, like {"name": …, "arguments": {…}}.')
    call, place = written, pointer
    if isinstance(written.get("function"), dict):
        call, place = written["function"], pointer if is_text else f"{pointer}/function"
    name = call.get("name")
    if not isinstance(name, str) or not name:
        raise ToolCallError("no_name", place, "The call does not say which tool it calls.")
    keyword = next((key for key in ("arguments", "input") if key in call), None)
    if keyword is None:
        raise ToolCallError("no_arguments", place, "The call has no arguments; write {} when it needs none.")
    within = place if is_text else f"{place}/{keyword}"
    arguments = call[keyword]
    if isinstance(arguments, str):
        arguments, is_text = _parsed(arguments, within), True
    if not isinstance(arguments, dict):
        raise ToolCallError("not_an_object", within, "The arguments are no JSON object.")
    return ToolCall(name, arguments, pointer, within, is_text)


def _parsed(text: str, pointer: str) -> JsonValue:
    try:
        return loads_line(text.encode())
    except UnicodeEncodeError as error:
        raise ToolCallError("not_json", pointer, "A string holds half a surrogate pair.") from error
    except StrictJsonError as error:
        # It names keys that are there twice: those stand in the record, and may be anything.
        said = "a key is there twice" if error.reason_code == "duplicate_key" else error.message
        raise ToolCallError("not_json", pointer, f"This is not JSON that can be trusted: {said}") from error
