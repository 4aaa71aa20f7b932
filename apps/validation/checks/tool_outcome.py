"""The record's calls, executed against the declared stub of the tool, reach the expected outcome."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from apps.core.strict_json import JsonValue
from apps.sandbox import Answer, AnswerKind, Call, call_python, same
from apps.task_types.tool_calls import ToolCall
from apps.validation.checks.base import Batch, FindingData, Item
from apps.validation.checks.places import (
    NothingThereError,
    nothing_there,
    pointer_option,
    pointer_problems,
    text_at,
    value_at,
)
from apps.validation.checks.quoting import quoted, quoted_text
from apps.validation.checks.sandboxed import (
    LIMIT_OPTIONS,
    LONGEST_CODE,
    SandboxedCheck,
    source_problems,
    without_answer,
)
from apps.validation.checks.tool_arguments import CALLS_OPTIONS, calls_of
from apps.validation.models import Outcome


class ToolOutcomeCheck(SandboxedCheck):
    """The stub has one function for each tool, called with the arguments by name, in order, in one process.

    The outcome is what the call returns, a list of that where the record has a list of calls, or what the function
    ``observe`` of the stub says after the last call.
    """

    name = "tool_outcome"
    title = "Outcome of tool calls"
    options = {
        **CALLS_OPTIONS,
        "stub": {
            "type": ["string", "null"],
            "minLength": 1,
            "maxLength": 20_000,
            "default": None,
            "description": (
                "Python source with a function for each tool, named like it (with _ for what no name may hold)."
            ),
        },
        "stub_at": pointer_option("/input/stub", "The stub, when it stands in the record."),
        "expected": {"default": None, "description": "The outcome, when it is the same for all records."},
        "expected_at": pointer_option("/input/expected", "The outcome, when it stands in the record."),
        "observe": {
            "type": ["string", "null"],
            "default": None,
            "description": "A function of the stub that is called last, without arguments, and tells the outcome.",
        },
        **LIMIT_OPTIONS,
    }

    def definitions(self, batch: Batch) -> Mapping[str, JsonValue]:
        """The stub of the spec, with the outcome where that is the same for all records."""
        stub, expected = self.option(batch, "stub"), self.option(batch, "expected")
        return {} if stub is None else {"the stub": stub, "the outcome": expected}

    def problems(self, options: Mapping[str, Any]) -> Sequence[str]:
        problems = [*pointer_problems(options, self.options), *source_problems(options, "stub")]
        observe = options.get("observe")
        if observe is not None and not observe.isidentifier():
            problems.append(f"observe: {observe[:60]!r} is no name of a Python function")
        return problems

    def proves(self, batch: Batch) -> Sequence[str]:
        return [self.option(batch, "calls_at")]

    def look(self, item: Item, batch: Batch) -> Sequence[FindingData]:
        pointer = self.option(batch, "calls_at")
        calls = calls_of(item, pointer, no_tool=self.option(batch, "no_tool"))
        if isinstance(calls, FindingData):
            return [calls]
        observe = self.option(batch, "observe")
        if not calls and not observe:
            return self._nothing_called(item, batch, pointer)
        try:
            stub = self._stub(item, batch)
            expected = self._expected(item, batch)
        except NothingThereError as error:
            return [nothing_there(str(error), "stub or outcome")]
        if len(stub) > LONGEST_CODE:
            return [
                _block("too_long", f"{len(stub):,} characters; a stub runs up to {LONGEST_CODE:,}.", pointer)
            ]
        asked = [Call(kwargs=call.arguments, function=function_of(call.name)) for call in calls]
        asked += [Call(function=observe)] if observe else []
        answers = call_python(source=stub, function="", calls=asked, limits=self.limits(batch), starts=1)
        for number, answer in enumerate(answers):
            if answer.kind is not AnswerKind.RETURNED:
                return [self._without_value(answer, calls, number, batch, pointer)]
        got = _outcome(answers, is_list=_is_list(item, pointer), is_observed=bool(observe))
        if same(got, expected, relative_tolerance=self.option(batch, "tolerance")):
            return []
        return [
            _block(
                "other_outcome",
                f"The outcome is {quoted(got, most=120)}, expected {quoted(expected, most=120)}.",
                pointer,
            )
        ]

    def _nothing_called(self, item: Item, batch: Batch, pointer: str) -> Sequence[FindingData]:
        """No tool is called, which this project allows where no outcome is expected."""
        try:
            expected = self._expected(item, batch)
        except NothingThereError:
            return []
        if expected is None:
            return []
        return [_block("no_call", f"No tool is called; the outcome {quoted(expected)} is expected.", pointer)]

    def _stub(self, item: Item, batch: Batch) -> str:
        stub: str | None = self.option(batch, "stub")
        return stub if stub is not None else text_at(item, self.option(batch, "stub_at"))

    def _expected(self, item: Item, batch: Batch) -> JsonValue:
        written = batch.options(self.name)
        found: JsonValue = (
            written["expected"]
            if "expected" in written
            else value_at(item, self.option(batch, "expected_at"))
        )
        return found

    def _without_value(
        self, answer: Answer, calls: Sequence[ToolCall], number: int, batch: Batch, pointer: str
    ) -> FindingData:
        is_call = number < len(calls)
        what = quoted_text(calls[number].name, most=60) if is_call else str(self.option(batch, "observe"))
        place = pointer + calls[number].pointer if is_call else pointer
        if answer.kind is AnswerKind.RAISED:
            return _block("raised", f"{what} raised {quoted_text(answer.reason, most=160)}.", place)
        code, words = without_answer(answer, self.limits(batch))
        return _block(code, f"{what} {words}.", place)


def function_of(tool: str) -> str:
    """The name of the function that stands for ``tool`` in a stub: `uber.ride` is `uber_ride`."""
    return re.sub(r"\W", "_", tool)


def _outcome(answers: Sequence[Answer], *, is_list: bool, is_observed: bool) -> JsonValue:
    if is_observed or not is_list:
        return answers[-1].value
    return [answer.value for answer in answers]


def _is_list(item: Item, pointer: str) -> bool:
    written = value_at(item, pointer)
    return isinstance(written, list) or (isinstance(written, str) and written.lstrip().startswith("["))


def _block(code: str, message: str, pointer: str) -> FindingData:
    return FindingData(outcome=Outcome.BLOCK, code=code, message=message, pointer=pointer)
