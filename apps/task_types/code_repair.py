"""Code repair: code that fails its tests, and the same code mended."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from apps.sandbox import SandboxUnavailableError, Stop, Verdict, run_python_cases
from apps.task_types.base import (
    FIELD,
    ORIGIN,
    SHAPE,
    WRITING,
    Common,
    Payload,
    SpecView,
    kind_schema,
    object_schema,
    record_of,
    require_text,
    share,
    text_in,
)
from apps.task_types.code_cases import read_cases


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
    guesses: tuple[tuple[str, tuple[str, ...]], ...] = (
        ("input.code", ("code", "buggy", "broken", "before", "input.code")),
        ("input.tests", ("tests", "testcases", "cases", "test", "input.tests")),
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

        Raises SandboxUnavailableError where nothing can be run: that is no zero.
        """
        input_ = item["input"]
        cases = read_cases(input_["tests"], function=text_in(input_, "function"))
        code = text_in(prediction, "code")
        if not code.strip():
            return {"pass_at_1": 0.0, "cases": 0.0}
        results = run_python_cases(source=code, function=text_in(input_, "function"), cases=cases)
        for result in results:
            if result.answer.stop is Stop.UNAVAILABLE:
                raise SandboxUnavailableError(result.reason)
        passed = sum(result.verdict is Verdict.PASSED for result in results)
        return {"pass_at_1": float(passed == len(cases)), "cases": share(passed, len(cases))}

    def prediction_from_row(self, row: Mapping[str, Any]) -> Payload:
        return {"code": require_text(row, ("code", "prediction"))}

    def primary_score(self) -> str:
        return "pass_at_1"
