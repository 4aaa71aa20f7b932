"""The code of the record passes its tests: run where it can do no harm, judged where it cannot reach."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from apps.sandbox import AnswerKind, Call, Case, CaseResult, Stop, Verdict, run_python_cases
from apps.task_types.code_cases import CasesError, UnreadableTestError, read_cases
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
from apps.validation.checks.sandboxed import LIMIT_OPTIONS, LONGEST_CODE, SandboxedCheck, without_answer
from apps.validation.models import Outcome

MOST_TOLD = 3
"""Failing cases with a finding of their own."""


class ExecutableTestsCheck(SandboxedCheck):
    """Every case must pass; where ``broken_at`` is given, the code there must fail at least one of them."""

    name = "executable_tests"
    title = "Executable tests"
    is_repairable = True
    most_runs = 2
    options = {
        "code_at": pointer_option("/output/code", "The Python code that is tested."),
        "cases_at": pointer_option("/input/tests", "Its cases, when they stand in the record."),
        "cases": {
            "type": ["array", "string", "null"],
            "default": None,
            "description": (
                'Cases that are the same for all records: a list of {"function", "arguments", "expected"}, or the '
                "text of a unit test whose assertions compare a call with a value."
            ),
        },
        "function": {
            "type": ["string", "null"],
            "default": None,
            "description": "The function that is called where a case names none.",
        },
        "function_at": pointer_option(None, "Its name, when that stands in the record."),
        "broken_at": pointer_option(None, "Code that must not pass, for the repair of code."),
        **LIMIT_OPTIONS,
    }

    def problems(self, options: Mapping[str, Any]) -> Sequence[str]:
        problems = list(pointer_problems(options, self.options))
        function = options.get("function")
        if function is not None and not function.isidentifier():
            problems.append(f"function: {function[:60]!r} is no name of a Python function")
        if options.get("cases") is not None:
            # A name that stands in the record is not known yet.
            name = function or ("named_there" if options.get("function_at") else "")
            try:
                read_cases(options["cases"], function=name)
            except CasesError as error:
                problems.append(f"cases{error.pointer}: {error.message}")
        return problems

    def proves(self, batch: Batch) -> Sequence[str]:
        return [self.option(batch, "code_at")]

    def look(self, item: Item, batch: Batch) -> Sequence[FindingData]:
        pointer = self.option(batch, "code_at")
        try:
            code = text_at(item, pointer)
        except NothingThereError:
            return [nothing_there(pointer, "code")]
        if len(code) > LONGEST_CODE:
            return [_too_long(code, pointer)]
        cases = self._cases(item, batch)
        if isinstance(cases, FindingData):
            return [cases]
        found = list(self._failures(code, cases, batch, pointer))
        return found or list(self._proves_nothing(item, cases, batch))

    def _cases(self, item: Item, batch: Batch) -> list[Case] | FindingData:
        written, place = self.option(batch, "cases"), ""
        if written is None:
            place = self.option(batch, "cases_at")
            try:
                written = value_at(item, place)
            except NothingThereError:
                return nothing_there(place, "test")
        try:
            return read_cases(written, function=self._function(item, batch))
        except UnreadableTestError as error:
            # Nobody has found the code wrong: this is what cannot be checked.
            message = f"The tests cannot be read as cases: {error.message}."
            return FindingData(
                outcome=Outcome.NOT_CHECKED, code="unreadable_tests", message=message, pointer=place
            )
        except CasesError as error:
            return _block("bad_cases", f"The tests cannot be used: {error.message}.", place + error.pointer)

    def _function(self, item: Item, batch: Batch) -> str:
        if pointer := self.option(batch, "function_at"):
            try:
                return text_at(item, pointer).strip()
            except NothingThereError:
                return ""
        return self.option(batch, "function") or ""

    def _failures(
        self, code: str, cases: Sequence[Case], batch: Batch, pointer: str
    ) -> Iterator[FindingData]:
        results = self._results(code, cases, batch)
        failed = [number for number, result in enumerate(results) if result.verdict is not Verdict.PASSED]
        for number in failed[:MOST_TOLD]:
            if results[number].answer.stop is Stop.NOT_REACHED:
                return
            code_, words = self._in_words(cases[number], results[number], batch)
            yield _block(code_, f"Case {number + 1} of {len(cases)}: {words}.", pointer)

    def _proves_nothing(self, item: Item, cases: Sequence[Case], batch: Batch) -> Iterator[FindingData]:
        if not (pointer := self.option(batch, "broken_at")):
            return
        try:
            broken = text_at(item, pointer)
        except NothingThereError:
            yield nothing_there(pointer, "broken code")
            return
        if len(broken) > LONGEST_CODE:
            yield _too_long(broken, pointer)
            return
        results = self._results(broken, cases, batch)
        for result in results:
            if result.answer.stop is Stop.UNAVAILABLE:
                without_answer(result.answer, self.limits(batch))
        if all(result.verdict is Verdict.PASSED for result in results):
            message = "The tests pass on the broken code too: they do not show the fault."
            yield _block("passes_before", message, pointer)

    def _results(self, code: str, cases: Sequence[Case], batch: Batch) -> list[CaseResult]:
        return run_python_cases(
            source=code,
            function="",
            cases=cases,
            limits=self.limits(batch),
            relative_tolerance=self.option(batch, "tolerance"),
            # One that loops is enough to say no.
            starts=1,
        )

    def _in_words(self, case: Case, result: CaseResult, batch: Batch) -> tuple[str, str]:
        call, answer = _written(case.call), result.answer
        if answer.kind is AnswerKind.NONE:
            code, words = without_answer(answer, self.limits(batch))
            return code, f"{call} {words}"
        if answer.kind is AnswerKind.RAISED:
            return "raised", f"{call} raised {quoted_text(answer.reason, most=120)}"
        return "wrong", f"{call} gave {quoted(answer.value)}, expected {quoted(case.expected)}"


def _written(call: Call) -> str:
    arguments = [quoted(each, most=60) for each in call.args]
    arguments += [f"{quoted_text(name)}={quoted(each, most=60)}" for name, each in call.kwargs.items()]
    return f"{quoted_text(call.function)}({quoted_text(', '.join(arguments), most=100)})"


def _too_long(code: str, pointer: str) -> FindingData:
    return _block("too_long", f"{len(code):,} characters; code runs up to {LONGEST_CODE:,}.", pointer)


def _block(code: str, message: str, pointer: str) -> FindingData:
    return FindingData(outcome=Outcome.BLOCK, code=code, message=message, pointer=pointer)
