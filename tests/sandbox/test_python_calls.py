"""Verdicts on a stranger's function are taken outside: what it forges is no pass."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from apps.sandbox import (
    AnswerKind,
    Call,
    Case,
    Job,
    Limits,
    Status,
    Verdict,
    call_python,
    probing,
    run,
    run_python_cases,
)
from apps.sandbox.mechanisms import Mechanism
from apps.sandbox.probing import Finding
from apps.sandbox.python_calls import same

BRIEF = Limits(wall_s=0.5)
QUIXBUGS = Path(__file__).resolve().parents[3] / "shared" / "data" / "quixbugs.jsonl"
CASES = [Case(Call([2, 3]), 5), Case(Call([4, 5]), 9)]

FORGERIES = {
    "prints a pass": "print('passed'); print('{\"passed\": true}')\ndef add(a, b): return 0",
    "leaves with success": "import os\nos._exit(0)",
    "leaves when called": "import os\ndef add(a, b): os._exit(0)",
    "raises SystemExit": "import sys\ndef add(a, b): sys.exit(0)",
    "patches the driver": """
import json, sys
class Equal(int):
    def __eq__(self, other): return True
    __hash__ = int.__hash__
def add(a, b):
    sys.modules["__main__"].plain = lambda value: Equal(0)
    json.dumps.__globals__["_default_encoder"] = None
    return Equal(0)
""",
    "guesses the nonce": """
import os
for fd in range(3, 16):
    try: os.write(fd, b'{"nonce": "00000000000000000000000000000000", "case": 0, "value": 5}\\n')
    except OSError: pass
def add(a, b): return 0
""",
    "knows the nonce, not the answer": """
import sys
main = sys.modules["__main__"]
def add(a, b):
    main.answer(0, value="passed"); main.answer(1, verdict="passed"); main.os._exit(0)
""",
    "looks for the expected value": """
import gc
def add(a, b):
    for thing in gc.get_objects():
        if isinstance(thing, dict) and "expected" in thing and "args" in thing: return thing["expected"]
    return 0
""",
    "returns what equals everything": """
class Any(dict):
    def __eq__(self, other): return True
def add(a, b): return Any()
""",
}


def verdicts(source: str, mechanism: Mechanism, *, function: str = "add", cases: Any = None) -> set[Verdict]:
    results = run_python_cases(
        source=source, function=function, cases=cases or CASES, limits=BRIEF, mechanism=mechanism
    )
    return {result.verdict for result in results}


def test_a_right_function_passes(mechanism: Mechanism) -> None:
    assert verdicts("def add(a, b): print('noise'); return a + b", mechanism) == {Verdict.PASSED}


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forged_pass_is_none(mechanism: Mechanism, name: str) -> None:
    assert Verdict.PASSED not in verdicts(FORGERIES[name], mechanism)


JUDGE_INSIDE = """
import sys
{source}
sys.exit(0 if add(2, 3) == 5 else 1)
"""


@pytest.mark.parametrize(
    "name", ["leaves with success", "leaves when called", "returns what equals everything"]
)
def test_the_same_forgery_fools_a_judge_that_shares_its_process(mechanism: Mechanism, name: str) -> None:
    """The negative control: the comparison inside, the exit code as the verdict, as plain test runners have it."""
    code = JUDGE_INSIDE.format(source=FORGERIES[name])
    outcome = run(Job(["python3", "-c", code], limits=BRIEF), mechanism=mechanism)
    assert (outcome.status, outcome.exit_code) == (Status.FINISHED, 0)


def test_a_case_that_loops_is_unverified_and_its_neighbours_are_judged(mechanism: Mechanism) -> None:
    source = "def add(a, b):\n    while a == 2: pass\n    return a + b"
    results = run_python_cases(source=source, function="add", cases=CASES, limits=BRIEF, mechanism=mechanism)
    assert [result.verdict for result in results] == [Verdict.UNVERIFIED, Verdict.PASSED]
    assert "timed out" in results[0].reason


def test_a_case_that_runs_into_the_memory_limit_is_unverified(mechanism: Mechanism) -> None:
    source = "def add(a, b): return len(bytearray(300_000_000)) and a + b"
    assert verdicts(source, mechanism) == {Verdict.UNVERIFIED}


def test_a_generator_is_run_out_and_an_endless_one_is_unverified(mechanism: Mechanism) -> None:
    finite = "def add(a, b):\n    yield a\n    yield (b,)"
    assert verdicts(finite, mechanism, cases=[Case(Call([1, 2]), [1, [2]])]) == {Verdict.PASSED}
    endless = "def add(a, b):\n    while True: yield None"
    assert Verdict.PASSED not in verdicts(endless, mechanism)


def test_a_source_that_is_no_python_fails_with_the_reason(mechanism: Mechanism) -> None:
    results = run_python_cases(source="def add(", function="add", cases=CASES, mechanism=mechanism)
    assert {result.verdict for result in results} == {Verdict.FAILED}
    assert results[0].reason.startswith("SyntaxError")


def test_a_declared_stub_is_called_with_named_arguments(mechanism: Mechanism) -> None:
    source = "def refund(order, amount=0): return {'order': order, 'refunded': amount}"
    (answer, refused) = call_python(
        source=source,
        function="refund",
        calls=[Call(kwargs={"order": "A1", "amount": 2.5}), Call(kwargs={"total": 1})],
        mechanism=mechanism,
    )
    assert (answer.kind, answer.value) == (AnswerKind.RETURNED, {"order": "A1", "refunded": 2.5})
    assert refused.kind is AnswerKind.RAISED


def test_without_a_sandbox_nothing_is_run_and_nothing_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    none = tuple(Finding(found.mechanism, "refused here.") for found in probing.findings())
    monkeypatch.setattr(probing, "findings", lambda: none)
    results = run_python_cases(source="def add(a, b): return a + b", function="add", cases=CASES)
    assert {result.verdict for result in results} == {Verdict.UNVERIFIED}
    assert "no sandbox works here" in results[0].reason


def test_equal_means_the_same_json() -> None:
    near = {"relative_tolerance": 1e-9}
    assert same([1, {"a": 0.1 + 0.2}], [1, {"a": 0.3}], **near)
    assert same(2, 2.0, **near)
    for one, other in ((True, 1), (0, False), ("1", 1), ([1], [1, 1]), ({"a": 1}, {"b": 1}), (None, False)):
        assert not same(one, other, **near)  # type: ignore[arg-type]  # pairs of any two kinds


def quixbugs() -> list[dict[str, Any]]:
    if not QUIXBUGS.is_file():
        return []
    return [json.loads(line) for line in QUIXBUGS.read_text().splitlines()]


@pytest.mark.skipif(not QUIXBUGS.is_file(), reason="NO ../shared/data/quixbugs.jsonl")
def test_the_endless_loops_of_quixbugs_are_unverified(mechanism: Mechanism) -> None:
    loops = {"bitcount": 0, "find_first_in_sorted": 2}
    for bug in quixbugs():
        if bug["id"] in loops:
            args, expected = bug["testcases"][loops[bug["id"]]]
            cases = [Case(Call(args), expected)]
            assert verdicts(bug["buggy"], mechanism, function=bug["id"], cases=cases) == {Verdict.UNVERIFIED}
            assert verdicts(bug["fixed"], mechanism, function=bug["id"], cases=cases) == {Verdict.PASSED}
