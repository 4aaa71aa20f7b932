"""The record calls tools that are defined, with arguments that fit their schemas."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import jsonschema_rs

from apps.core.json_schemas import pointer_to, validator_of
from apps.core.strict_json import JsonValue, sha256_of
from apps.task_types.tool_calls import ToolCall, ToolCallError, read_calls
from apps.task_types.tool_definitions import ToolDefinitionError, read_tools
from apps.validation.checks.base import Batch, Check, FindingData, Findings, Item
from apps.validation.checks.places import (
    NothingThereError,
    nothing_there,
    pointer_option,
    pointer_problems,
    value_at,
)
from apps.validation.checks.quoting import quoted_text
from apps.validation.checks.schema import MAX_ERRORS
from apps.validation.models import Outcome

CALLS_OPTIONS: dict[str, dict[str, Any]] = {
    "calls_at": pointer_option("/output/call", "The call of a tool, or a list of calls."),
    "no_tool": {
        "type": "boolean",
        "default": False,
        "description": "Whether null or an empty list, “no tool is called”, is an answer too.",
    },
}
MOST_CALLS = 50
_KINDS = jsonschema_rs.ValidationErrorKind


@dataclass(frozen=True)
class _Checked:
    """Tools by name, each with the validator of its arguments."""

    validators: Mapping[str, Any]


class ToolArgumentsCheck(Check):
    name = "tool_arguments"
    title = "Tool arguments"
    is_on = False
    is_repairable = True
    options = {
        **CALLS_OPTIONS,
        "tools_at": pointer_option(
            "/input/tools", "The definitions of the tools, when they stand in the record."
        ),
        "tools": {
            "type": ["array", "null"],
            "minItems": 1,
            "maxItems": 500,
            "default": None,
            "description": "The definitions of the tools, when they are the same for all records.",
        },
    }

    def problems(self, options: Mapping[str, Any]) -> Sequence[str]:
        problems = list(pointer_problems(options, self.options))
        if options.get("tools") is not None:
            try:
                _checked(options["tools"])
            except ToolDefinitionError as error:
                problems.append(f"tools{error.pointer}: {error.message}")
        return problems

    def definitions(self, batch: Batch) -> Mapping[str, JsonValue]:
        """The tools of the spec, as they are read: another dialect of the same is no other definition."""
        written = self.option(batch, "tools")
        if written is None:
            return {}
        return {tool.name: [tool.description, dict(tool.parameters)] for tool in read_tools(written)}

    def run(self, batch: Batch) -> Findings:
        look = _Look(
            calls_at=self.option(batch, "calls_at"),
            tools_at=self.option(batch, "tools_at"),
            tools=self.option(batch, "tools"),
            no_tool=self.option(batch, "no_tool"),
        )
        return {
            position: found
            for position, item in enumerate(batch.items)
            if (found := list(look.findings(item)))
        }


def calls_of(item: Item, pointer: str, *, no_tool: bool) -> list[ToolCall] | FindingData:
    """The calls of one record, or what keeps them from being read."""
    try:
        calls = read_calls(value_at(item, pointer))
    except NothingThereError:
        calls = []
    except ToolCallError as error:
        return _block(error.code, error.message, pointer + error.pointer)
    if not calls and not no_tool:
        return nothing_there(pointer, "call of a tool")
    if len(calls) > MOST_CALLS:
        return _block("too_many", f"{len(calls)} calls; at most {MOST_CALLS} are read.", pointer)
    return calls


class _Look:
    """One run over a batch: the same definitions are compiled once."""

    def __init__(self, *, calls_at: str, tools_at: str, tools: Any, no_tool: bool) -> None:
        self.calls_at, self.tools_at, self.no_tool = calls_at, tools_at, no_tool
        self._of_spec = None if tools is None else _checked(tools)
        self._seen: dict[str, _Checked | ToolDefinitionError] = {}

    def findings(self, item: Item) -> Iterator[FindingData]:
        calls = calls_of(item, self.calls_at, no_tool=self.no_tool)
        if isinstance(calls, FindingData):
            yield calls
            return
        tools = self._tools(item)
        if isinstance(tools, FindingData):
            yield tools
            return
        for call in calls:
            yield from _wrong_with(call, tools, self.calls_at)

    def _tools(self, item: Item) -> _Checked | FindingData:
        if self._of_spec is not None:
            return self._of_spec
        try:
            written = value_at(item, self.tools_at)
        except NothingThereError:
            return nothing_there(self.tools_at, "definition of a tool")
        found = self._compiled(written)
        if isinstance(found, ToolDefinitionError):
            message = f"The definition of a tool cannot be used: {quoted_text(found.message, most=250)}."
            return _block("tool_definition", message, self.tools_at + found.pointer)
        return found

    def _compiled(self, written: Any) -> _Checked | ToolDefinitionError:
        key = sha256_of(written)
        if key not in self._seen:
            try:
                self._seen[key] = _checked(written)
            except ToolDefinitionError as error:
                self._seen[key] = error
        return self._seen[key]


def _checked(written: Any) -> _Checked:
    """Raises ToolDefinitionError also for parameters that are no schema, or that refer to something outside."""
    validators = {}
    for tool in read_tools(written):
        try:
            validators[tool.name] = validator_of(tool.parameters)
        except jsonschema_rs.ValidationError as error:
            message = f"the parameters of {tool.name[:60]} are no JSON Schema: {error.message[:200]}"
            raise ToolDefinitionError(tool.pointer + pointer_to(error), message) from error
    return _Checked(validators)


def _wrong_with(call: ToolCall, tools: _Checked, base: str) -> Iterator[FindingData]:
    name = quoted_text(call.name, most=60)
    validator = tools.validators.get(call.name)
    if validator is None:
        known = quoted_text(", ".join(tools.validators) or "none", most=200)
        yield _block("unknown_tool", f"There is no tool “{name}”; there is {known}.", base + call.pointer)
        return
    if validator.is_valid(call.arguments):
        return
    for error in islice(validator.iter_errors(call.arguments), MAX_ERRORS):
        code, words, inside = _in_words(error)
        yield _block(code, f"{name}: {words}", base + call.place_of(*inside))


def _in_words(error: jsonschema_rs.ValidationError) -> tuple[str, str, list[str | int]]:
    """(code, words, where in the arguments). Values are not quoted: they may be anything."""
    path = list(error.instance_path)
    argument = quoted_text(".".join(map(str, path)), most=80)
    match error.kind:
        case _KINDS.Required(property=missing):
            of = f" of {argument}" if path else ""
            return "missing", f"the argument {quoted_text(missing)}{of} is missing.", path
        case _KINDS.UnevaluatedProperties(unexpected=names) | _KINDS.AdditionalProperties(unexpected=names):
            listed = quoted_text(", ".join(names), most=120)
            inside = [*path, *names] if len(names) == 1 else path
            return "unknown", f"it takes no {listed}{f' in {argument}' if path else ''}.", inside
        case _KINDS.Type(types=types):
            return "type", f"{argument or 'the arguments'} must be {' or '.join(types)}.", path
        case _KINDS.Enum(options=options):
            listed = quoted_text(str(options), most=160)
            return "enum", f"{argument} must be one of {listed}.", path
    keyword = str(error.schema_path[-1]) if error.schema_path else "schema"
    return "value", f"{argument or 'the arguments'} must fit “{keyword}” of the definition.", path


def _block(code: str, message: str, pointer: str) -> FindingData:
    return FindingData(outcome=Outcome.BLOCK, code=code, message=message, pointer=pointer)
