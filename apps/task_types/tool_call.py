"""Tool calls: what a person asks, the tools that there are, and the call that answers it, or none."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import jsonschema_rs

from apps.core.json_schemas import validator_of
from apps.core.strict_json import JsonValue
from apps.task_types.accepted_values import accepts, first_of
from apps.task_types.base import (
    LONGEST_FACET,
    ORIGIN,
    SHAPE,
    TONE,
    WRITING,
    Common,
    Measure,
    Parts,
    Payload,
    SpecView,
    long_text,
    object_schema,
    record_of,
    require_json,
)
from apps.task_types.tool_calls import ToolCall, ToolCallError, read_calls
from apps.task_types.tool_definitions import Tool, ToolDefinitionError, read_tools

NO_TOOL = "no tool"
"""The facet of a record that calls none."""
_CALL = object_schema(
    {
        "name": {"type": "string", "minLength": 1},
        "arguments": {"type": ["object", "string"], "description": "An object, or JSON text of one."},
    },
    required=("name", "arguments"),
)


class ToolUse(Common):
    """``output.call`` is one call, a list of calls, or null. ``output.accepted`` belongs to the gold alone: for each
    call, every argument with the values that are right, in the manner of the Berkeley leaderboard ("" among them:
    it may be left out). What it does not say of an argument, the call itself says."""

    name: str = "tool_call"
    title: str = "Tool calls"
    reading_template: str = "task_types/tool_call.html"
    check_ids: tuple[str, ...] = (
        *SHAPE,
        "values",
        "format",
        "tool_arguments",
        *WRITING,
        "answer_in_text",
        "rules",
        *ORIGIN,
        *TONE,
        "tool_outcome",
    )
    check_options: Mapping[str, Mapping[str, Any]] = {"tool_arguments": {"no_tool": True}}
    reject_reasons: tuple[tuple[str, str], ...] = (
        ("wrong_tool", "Wrong tool"),
        ("wrong_argument", "An argument is wrong"),
        ("not_said", "An argument that nobody said"),
        ("no_tool_fits", "No tool fits"),
    )
    facet_pointer: str = "/output/call"
    measures: Mapping[str, Measure] = {
        "exact": Measure("Call right", "rows with the right tools and accepted arguments"),
        "tool_name": Measure("Tool name", "rows that call the right tools, whatever the arguments"),
        "arguments": Measure("Arguments", "of the rows with the right tools, those with accepted arguments"),
        "relevance": Measure("Relevance", "rows that call a tool exactly where one is to be called"),
        "schema_valid": Measure(
            "Schema valid", "of the rows with a call, those whose arguments fit the definition"
        ),
    }
    readings: Mapping[str, str] = {
        "input.text": "a conversation read as what the person says last",
        "output.call": "calls of another form read as name and arguments; accepted answers stay as accepted values",
    }
    guesses: tuple[tuple[str, tuple[str, ...]], ...] = (
        ("input.text", ("text", "question", "query", "message", "input.text")),
        ("input.tools", ("tools", "function", "functions", "input.tools")),
        ("output.call", ("call", "ground_truth", "tool_calls", "answer", "output.call")),
    )

    def record_schema(self, spec: SpecView) -> dict[str, Any]:
        calls = {"type": "array", "items": _CALL, "maxItems": 50}
        call = {
            "title": "Call",
            "x-widget": "json",
            "x-tools": "/input/tools",
            "anyOf": [{"type": "null"}, _CALL, calls],
        }
        accepted = {
            "type": "array",
            "title": "Accepted values",
            "x-widget": "json",
            "items": {"type": "object", "additionalProperties": {"type": "array"}},
            "description": "For each call, the values of an argument that are right.",
        }
        tools = {"type": ["array", "object", "string"], "title": "Tools", "x-widget": "json"}
        return record_of(
            object_schema({"text": long_text("Request"), "tools": tools}, required=("text",), more=True),
            object_schema({"call": call, "accepted": accepted}, required=("call",)),
        )

    def facet(self, input_: Payload, output: Payload) -> str:
        labels = self.labels_of(input_, output)
        return labels[0][:LONGEST_FACET] if labels else ""

    def labels_of(self, input_: Payload, output: Payload) -> tuple[str, ...]:
        """The tools that are called. None for what is no call: an answer that cannot be read has no facet."""
        if "call" not in output:
            return ()
        try:
            calls = read_calls(output["call"])
        except ToolCallError:
            return ()
        return tuple(dict.fromkeys(call.name for call in calls)) or (NO_TOOL,)

    def normalised(self, input_: Payload, output: Payload) -> Parts:
        """Turns become the text of the last person's turn; calls of any vendor and accepted answers become calls."""
        question, made = dict(input_), dict(output)
        if turns := _turns(question.get("text")):
            question["text"] = turns[-1]
        if isinstance(made.get("call"), list) and (accepted := _accepted_answers(made["call"])):
            calls = [{"name": name, "arguments": first_of(named)} for name, named in accepted]
            made = {
                "call": calls[0] if len(calls) == 1 else calls,
                "accepted": [named for _, named in accepted],
            }
        elif "call" in made:
            made["call"] = _plain_calls(made["call"])
        return question, made

    def notes(self, input_: Payload, output: Payload) -> tuple[str, ...]:
        """Definitions stay as they are written; what is read otherwise in them is said all the same."""
        try:
            tools = read_tools(input_.get("tools") or [])
        except ToolDefinitionError:
            tools = []
        said = dict.fromkeys(note for tool in tools for note in tool.notes)
        return (*super().notes(input_, output), *(f"definition of a tool: {note}" for note in said))

    def example(self, text: str, label: str) -> Parts:
        input_, output = super().example(text, label)
        if output:
            return input_, output
        return {"text": text}, {"call": None} if label == NO_TOOL else {}

    def prompt_parts(self, spec: SpecView) -> dict[str, str]:
        return {
            "record": 'A record is {"input": {"text": the request, "tools": [definitions]}, "output": {"call": '
            '{"name": …, "arguments": {…}}}}.',
            "answer": "The call uses one of the tools, with arguments that the request says; it is null when no tool "
            "fits or something needed is not said.",
        }

    def score(self, item: Payload, prediction: Payload, spec: SpecView) -> dict[str, float]:
        """Calls are compared in any order. ``relevance``: whether it calls a tool exactly where one is to be called."""
        gold = read_calls(item["output"].get("call"))
        try:
            given = read_calls(prediction.get("call"))
        except ToolCallError:
            return {"exact": 0.0, "tool_name": 0.0, "relevance": 0.0, "schema_valid": 0.0}
        names = sorted(call.name for call in gold) == sorted(call.name for call in given)
        arguments = names and _all_match(gold, _accepted_of(item["output"], gold), given)
        scores = {
            "exact": float(arguments),
            "tool_name": float(names),
            "relevance": float(bool(gold) == bool(given)),
        }
        if names and gold:
            scores["arguments"] = float(arguments)
        if given:
            scores["schema_valid"] = float(_fits(given, item["input"].get("tools")))
        return scores

    def prediction_from_row(self, row: Mapping[str, Any]) -> Payload:
        if row.get("call", row.get("prediction")) in (NO_TOOL, None) and {"call", "prediction"} & row.keys():
            return {"call": None}
        written = require_json(row, ("call", "prediction"))
        try:
            return {"call": _plain_calls(written, strict=True)}
        except ToolCallError as error:
            raise ValueError(f"has a call that cannot be read: {error.message}") from error

    def to_example(self, input_: Payload, output: Payload) -> dict[str, Any]:
        return {"input": dict(input_), "output": {"call": output.get("call")}}

    def to_training(self, input_: Payload, output: Payload) -> list[dict[str, Any]]:
        """A chat with the tools beside it, as OpenAI's fine-tuning and TRL take it. No call is an empty answer."""
        try:
            calls, known = read_calls(output.get("call")), read_tools(input_.get("tools") or [])
        except (ToolCallError, ToolDefinitionError):
            # A real row may hold what no vendor takes; it stays in the file of all lines.
            return []
        answer: dict[str, Any] = {"role": "assistant", "content": ""}
        if calls:
            answer = {"role": "assistant", "tool_calls": [_vendor_call(*each) for each in enumerate(calls)]}
        tools = [_vendor_tool(tool) for tool in known]
        return [
            {
                "messages": [{"role": "user", "content": self.text_of(input_)}, answer],
                **({"tools": tools, "parallel_tool_calls": len(calls) > 1} if tools else {}),
            }
        ]

    def primary_score(self) -> str:
        return "exact"


def _vendor_call(number: int, call: ToolCall) -> dict[str, Any]:
    arguments = json.dumps(call.arguments, ensure_ascii=False)
    return {
        "id": f"call_{number + 1}",
        "type": "function",
        "function": {"name": call.name, "arguments": arguments},
    }


def _vendor_tool(tool: Tool) -> dict[str, Any]:
    function = {"name": tool.name, "description": tool.description, "parameters": dict(tool.parameters)}
    return {"type": "function", "function": function}


def _turns(written: JsonValue) -> list[str]:
    """What people say in a conversation, which may be a list of lists, as in the leaderboard's files."""
    if not isinstance(written, list):
        return []
    said: list[str] = []
    for turn in written:
        if isinstance(turn, list):
            said += _turns(turn)
        elif isinstance(turn, dict) and turn.get("role") == "user" and isinstance(turn.get("content"), str):
            said.append(str(turn["content"]))
    return said


def _accepted_answers(written: Sequence[Any]) -> list[tuple[str, dict[str, list[Any]]]]:
    """``[{tool: {argument: [accepted, …]}}]`` of the leaderboard; nothing for any other shape."""
    found = []
    for each in written:
        if not isinstance(each, dict) or len(each) != 1:
            return []
        ((name, named),) = each.items()
        if not isinstance(named, dict) or not all(isinstance(values, list) for values in named.values()):
            return []
        found.append((str(name), named))
    return found


def _plain_calls(written: Any, *, strict: bool = False) -> Any:
    """``{"name", "arguments"}``, a list of them, or null; what cannot be read stays as it is, for the checks to say."""
    if written == NO_TOOL:
        return None
    try:
        calls = [{"name": call.name, "arguments": call.arguments} for call in read_calls(written)]
    except ToolCallError:
        if strict:
            raise
        return written
    return (calls[0] if len(calls) == 1 else calls) if calls else None


def _accepted_of(output: Payload, gold: Sequence[ToolCall]) -> list[dict[str, list[Any]]]:
    accepted = output.get("accepted")
    said = accepted if isinstance(accepted, list) and len(accepted) == len(gold) else [{}] * len(gold)
    return [
        {name: [value] for name, value in call.arguments.items()} | dict(named)
        for call, named in zip(gold, said, strict=True)
    ]


def _all_match(
    gold: Sequence[ToolCall], accepted: Sequence[Mapping[str, Sequence[Any]]], given: Sequence[ToolCall]
) -> bool:
    """Whether the calls can be paired so that each has accepted arguments; names agree already."""
    if not gold:
        return not given
    first, named = gold[0], accepted[0]
    return any(
        call.name == first.name
        and accepts(named, call.arguments)
        and _all_match(gold[1:], accepted[1:], [*given[:place], *given[place + 1 :]])
        for place, call in enumerate(given)
    )


def _fits(calls: Sequence[ToolCall], written: Any) -> bool:
    """Whether every call is of a tool that the record defines, with arguments of its schema."""
    try:
        tools = {tool.name: tool for tool in read_tools(written if written is not None else [])}
        return all(
            call.name in tools and validator_of(tools[call.name].parameters).is_valid(call.arguments)
            for call in calls
        )
    except (ToolDefinitionError, jsonschema_rs.ValidationError, ValueError):
        return False
