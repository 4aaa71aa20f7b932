"""Calls of tools beside their definitions: each argument with its value, its type, and what the definition says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from apps.records.models import Record
from apps.review.marks import Passage, passage
from apps.review.reading import Reading, spoken
from apps.task_types.tool_calls import ToolCall, ToolCallError, read_calls
from apps.task_types.tool_definitions import Tool, ToolDefinitionError, read_tools

MOST_CHOICES = 12


@dataclass(frozen=True)
class Argument:
    """``value`` is None where the call does not give it."""

    name: str
    value: Passage | None
    kind: str
    description: str
    is_required: bool
    is_defined: bool
    accepted: list[str]
    """The values that count as right, where the record says more than one; "" is: left out."""

    @property
    def is_missing(self) -> bool:
        return self.value is None and self.is_required


@dataclass(frozen=True)
class ShownCall:
    name: str
    description: str
    is_defined: bool
    arguments: list[Argument]


@dataclass(frozen=True)
class Calls:
    """``unreadable``: the answer as it is written, where it is no call. ``others``: tools that are not called."""

    calls: list[ShownCall]
    others: list[ShownCall]
    has_tools: bool
    notes: list[str]
    unreadable: str = ""


def calls_of(record: Record, reading: Reading) -> Calls:
    written = record.current_output.get("call")
    tools, notes = _tools(record.current_input.get("tools"))
    try:
        calls = read_calls(written)
    except ToolCallError:
        return Calls([], _uncalled(tools, ()), bool(tools), notes, unreadable=spoken(written))
    accepted = record.current_output.get("accepted")
    named = accepted if isinstance(accepted, list) and len(accepted) == len(calls) else [{}] * len(calls)
    by_name = {tool.name: tool for tool in tools}
    shown = [
        _call(call, by_name.get(call.name), also if isinstance(also, dict) else {}, reading)
        for call, also in zip(calls, named, strict=True)
    ]
    return Calls(shown, _uncalled(tools, [call.name for call in calls]), bool(tools), notes)


def _tools(written: Any) -> tuple[list[Tool], list[str]]:
    """The definitions, and what of them was read otherwise than it is written."""
    try:
        tools = read_tools(written or [])
    except ToolDefinitionError as error:
        return [], [str(error)]
    return tools, [f"{tool.name}: {note}" for tool in tools for note in tool.notes]


def _call(call: ToolCall, tool: Tool | None, accepted: Mapping[str, Any], reading: Reading) -> ShownCall:
    defined = _properties(tool)
    arguments = []
    for name in [*call.arguments, *(name for name in defined if name not in call.arguments)]:
        value: Passage | None = None
        if name in call.arguments:
            place = f"/output/call{call.place_of(name)}"
            is_marked = isinstance(call.arguments[name], str) and not call.is_text
            value = reading.passages.get(place) if is_marked else None
            value = value or passage(spoken(call.arguments[name]))
        arguments.append(_argument(name, value, tool, accepted.get(name)))
    return ShownCall(call.name, tool.description if tool else "", tool is not None, arguments)


def _argument(name: str, value: Passage | None, tool: Tool | None, accepted: Any) -> Argument:
    defined = _properties(tool)
    schema = defined.get(name)
    schema = schema if isinstance(schema, Mapping) else {}
    others = [spoken(each) for each in accepted] if isinstance(accepted, list) and len(accepted) > 1 else []
    return Argument(
        name=name,
        value=value,
        kind=_kind(schema),
        description=str(schema.get("description", "")),
        is_required=tool is not None and name in tool.parameters.get("required", ()),
        is_defined=tool is None or name in defined,
        accepted=others,
    )


def _properties(tool: Tool | None) -> Mapping[str, Any]:
    properties = tool.parameters.get("properties") if tool else None
    return properties if isinstance(properties, Mapping) else {}


def _kind(schema: Mapping[str, Any]) -> str:
    """The type in a word, or the values to choose from."""
    choices = schema.get("enum")
    if isinstance(choices, list) and choices:
        more = " …" if len(choices) > MOST_CHOICES else ""
        return " | ".join(map(spoken, choices[:MOST_CHOICES])) + more
    kind = schema.get("type", "")
    return " or ".join(map(str, kind)) if isinstance(kind, list) else str(kind)


def _uncalled(tools: Sequence[Tool], called: Sequence[str]) -> list[ShownCall]:
    return [
        ShownCall(
            tool.name,
            tool.description,
            is_defined=True,
            arguments=[_argument(name, None, tool, None) for name in _properties(tool)],
        )
        for tool in tools
        if tool.name not in called
    ]
