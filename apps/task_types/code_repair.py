"""Code repair: code that fails its tests, and the same code mended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from apps.sandbox import Case, CaseResult, SandboxUnavailableError, Stop, Verdict, run_python_cases
from apps.task_types.base import (
    FIELD,
    ORIGIN,
    SHAPE,
    WRITING,
    Common,
    Measure,
    Payload,
    SpecView,
    kind_schema,
    messages,
    object_schema,
    record_of,
    require_text,
    text_in,
)
from apps.task_types.code_cases import read_cases

_LIMITS = (Stop.TIMED_OUT, Stop.MEMORY, Stop.KILLED, Stop.NOT_REACHED)
"""Why there is no answer where more time or memory might have brought one."""


class CodeRepair(Common):
    """``input.tests`` are cases as ``code_cases`` reads them; ``function`` is called where a case names no other."""

    name: str = "code_repair"
    title: str = "Code repair"
    reading_template: str = "task_types/code_repair.html"
    default_kind: str = "bug"
    check_ids: tuple[str, ...] = (*SHAPE, "values", *WRITING, "rules", *ORIGIN, "executable_tests")
    check_options: Mapping[str, Mapping[str, Any]] = {
        "executable_tests": {"broken_at": "/input/code", "function_at": "/input/function"}
    }
    reject_reasons: tuple[tuple[str, str], ...] = (
        ("not_the_cause", "Mends the tests, not the cause"),
        ("weak_tests", "The tests would pass other wrong code"),
        ("rewritten", "Rewritten where a small change would do"),
    )
    measures: Mapping[str, Measure] = {
        "pass_at_1": Measure("pass@1", "programs that pass all their tests"),
        "cases": Measure("Cases", "cases that pass, of each program's"),
    }
    guesses: tuple[tuple[str, tuple[str, ...]], ...] = (
        ("input.code", ("code", "buggy", "broken", "before", "input.code")),
        ("input.tests", ("tests", "testcases", "cases", "test", "input.tests")),
        ("input.function", ("function", "entry_point", "input.function")),
        ("input.text", ("text", "message", "issue", "input.text")),
        ("output.code", ("fixed", "fix", "after", "solution", "output.code")),
    )

    def record_schema(self, spec: SpecView) -> dict[str, Any]:
        code = {"type": "string", "minLength": 1, "x-widget": "code"}
        return record_of(
            object_schema(
                {
                    "code": code | {"title": "Broken code"},
                    "tests": {"type": ["array", "string"], "title": "Tests", "x-widget": "json"},
                    "function": {"type": "string", "title": "Function"},
                    "text": {"type": "string", "title": "Message", "x-widget": "long-text"},
                    "kind": kind_schema(spec),
                },
                required=("code", "tests"),
                more=FIELD,
            ),
            object_schema({"code": code | {"title": "Mended code"}}, required=("code",)),
        )

    def text_of(self, input_: Payload) -> str:
        """The broken code: two records with the same are the same, whatever is written about it."""
        return text_in(input_, "code")

    def prompt_parts(self, spec: SpecView) -> dict[str, str]:
        return {
            "record": 'A record is {"input": {"text": what somebody says of it, "code": broken Python, "function": its '
            'name, "tests": [[[arguments], expected], …]}, "output": {"code": the mended Python}}.',
            "answer": "The tests fail with the broken code and pass with the mended code. Arguments and expected "
            "values are JSON.",
        }

    def score(self, item: Payload, prediction: Payload, spec: SpecView) -> dict[str, float]:
        """Runs the tests of the item in the sandbox: ``pass_at_1`` when all pass, ``cases`` is the share that does.

        A case that stops the mended code of the item itself at the sandbox's limits tells nothing, and is left out.
        Raises SandboxUnavailableError where nothing can be run: that is no zero.
        """
        input_, function = item["input"], text_in(item["input"], "function")
        cases = read_cases(input_["tests"], function=function)
        code = text_in(prediction, "code")
        if not code.strip():
            return {"pass_at_1": 0.0, "cases": 0.0}
        results = _run(code, function, cases)
        passed = sum(result.verdict is Verdict.PASSED for result in results)
        stopped = [
            case
            for case, result in zip(cases, results, strict=True)
            if result.answer.stop is not None and result.answer.stop in _LIMITS
        ]
        told = len(cases) - _out_of_reach(text_in(item["output"], "code"), function, stopped)
        return {"pass_at_1": float(0 < told == passed), "cases": passed / told if told else 0.0}

    def prediction_from_row(self, row: Mapping[str, Any]) -> Payload:
        return {"code": require_text(row, ("code", "prediction"))}

    def to_training(self, input_: Payload, output: Payload) -> list[dict[str, Any]]:
        """A chat whose answer is the code itself."""
        return [{"messages": messages(self.shown(input_), text_in(output, "code"))}]

    def primary_score(self) -> str:
        return "pass_at_1"


def _run(code: str, function: str, cases: Sequence[Case]) -> list[CaseResult]:
    results = run_python_cases(source=code, function=function, cases=cases)
    for result in results:
        if result.answer.stop is Stop.UNAVAILABLE:
            raise SandboxUnavailableError(result.reason)
    return results


def _out_of_reach(code: str, function: str, cases: Sequence[Case]) -> int:
    """How many of ``cases`` the limits stop in code that is known to be right."""
    if not cases or not code.strip():
        return 0
    return sum(result.answer.stop in _LIMITS for result in _run(code, function, cases))
