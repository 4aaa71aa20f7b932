"""Code that passes its tests passes; code that fails, loops, takes too much or forges a pass does not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from apps.records.models import Record
from apps.records.states import RecordStatus
from apps.sandbox import probing
from apps.sandbox.probing import Finding
from apps.validation import pipeline, services
from apps.validation.checks import REGISTRY, FindingData
from apps.validation.checks.executable_tests import ExecutableTestsCheck
from apps.validation.pipeline import checks_of, make_batch, portion_of
from apps.validation.services import item_of
from tests import factories
from tests.sandbox.test_python_calls import FORGERIES
from tests.validation.running import refusals, said_of

QUIXBUGS = Path(__file__).resolve().parents[3] / "shared" / "data" / "quixbugs.jsonl"
ADD = "def add(a, b): return a + b"
CASES = [[[2, 3], 5], [[4, 5], 9], [[0, 0], 0]]
BRIEF = {"function": "add", "seconds": 1}


def said(code: str, tests: Any = CASES, **options: Any) -> list[FindingData]:
    return said_of("executable_tests", {**BRIEF, **options}, ({"tests": tests}, {"code": code}))[0]


def told(found: list[FindingData]) -> list[tuple[str, str]]:
    assert {finding.outcome for finding in found} <= {"block"}
    return [(finding.code, finding.pointer) for finding in found]


@pytest.mark.usefixtures("sandbox")
def test_right_code_passes() -> None:
    assert said(ADD) == []
    assert said("def add(a, b): return a + b + 0.1 * 0", [[[1, 2], 3.0000001]], tolerance=1e-6) == []
    assert said(ADD, "assert add(2, 3) == 5\nassert add('a', b='b') == 'ab'") == []
    assert said(ADD + "\ndef twice(a): return add(a, a)", "assert twice(2) == 4\nassert add(1, 1) == 2") == []


@pytest.mark.usefixtures("sandbox")
def test_a_failing_case_is_told_with_what_was_expected() -> None:
    found = said("def add(a, b): return a * b")
    assert told(found) == [("wrong", "/output/code")] * 2
    assert found[0].message == "Case 1 of 3: add(2, 3) gave 6, expected 5."
    (finding,) = said("def add(a, b): return 1 / a", [[[0, 1], 1]])
    assert finding.message == "Case 1 of 1: add(0, 1) raised ZeroDivisionError: division by zero."
    (finding,) = said("def add(a, b) return 1", [[[0, 1], 1]])
    assert "SyntaxError" in finding.message
    (finding,) = said("def sum(a, b): return 1", [[[0, 1], 1]])
    assert "KeyError: 'add'" in finding.message


@pytest.mark.usefixtures("sandbox")
@pytest.mark.parametrize(
    ("body", "code", "words"),
    [
        ("while True: pass", "did_not_finish", "did not finish within 1 s"),
        ("return len(bytearray(400_000_000))", "over_the_limit", "memory"),
        ("import os; return os.fork()", "raised", "PermissionError"),
        ("open('x', 'w').write('x')", "raised", "Error"),
        ("return 'x' * 3_000_000", "over_the_limit", "output"),
        ("import os; os._exit(0)", "no_answer", "exit code 0"),
    ],
)
def test_what_loops_or_takes_too_much_is_blocked(body: str, code: str, words: str) -> None:
    found = said(f"def add(a, b):\n    {body}")
    assert (found[0].code, found[0].outcome) == (code, "block")
    assert words in found[0].message
    # What was stopped is not started again for the other cases; what only raised goes on with them.
    assert len(found) == (3 if code == "raised" or words == "memory" else 1)


@pytest.mark.usefixtures("sandbox")
def test_no_forged_pass_passes() -> None:
    records: list[tuple[dict[str, Any], dict[str, Any]]] = [
        ({"tests": CASES}, {"code": code}) for code in FORGERIES.values()
    ]
    for name, found in zip(FORGERIES, said_of("executable_tests", BRIEF, *records), strict=True):
        assert [finding.outcome for finding in found][:1] == ["block"], name


@pytest.mark.usefixtures("sandbox")
def test_for_a_repair_the_broken_code_must_fail() -> None:
    broken = "def add(a, b): return a - b"
    records: list[tuple[dict[str, Any], dict[str, Any]]] = [
        ({"tests": CASES, "broken": broken}, {"code": ADD}),
        ({"tests": CASES, "broken": ADD}, {"code": ADD}),
        ({"tests": [[[0, 0], 0]], "broken": broken}, {"code": ADD}),
        ({"tests": CASES}, {"code": ADD}),
        ({"tests": CASES, "broken": "def add(a, b):\n  while True: pass"}, {"code": ADD}),
    ]
    found = said_of("executable_tests", {**BRIEF, "broken_at": "/input/broken"}, *records)
    assert [told(each) for each in found] == [
        [],
        [("passes_before", "/input/broken")],
        [("passes_before", "/input/broken")],
        [("missing", "/input/broken")],
        [],
    ]


def test_what_is_missing_is_blocked_and_what_cannot_be_read_is_not_checked() -> None:
    records: list[tuple[dict[str, Any], dict[str, Any]]] = [
        ({"tests": CASES}, {}),
        ({"tests": CASES}, {"code": "x" * 100_001}),
        ({}, {"code": ADD}),
        ({"tests": [[[2, 3], 5], [1]]}, {"code": ADD}),
        ({"tests": []}, {"code": ADD}),
    ]
    found = said_of("executable_tests", BRIEF, *records)
    assert [told(each) for each in found] == [
        [("missing", "/output/code")],
        [("too_long", "/output/code")],
        [("missing", "/input/tests")],
        [("bad_cases", "/input/tests/1")],
        [("bad_cases", "/input/tests")],
    ]
    (finding,) = said(ADD, "for n in range(3):\n    assert add(n, 0) == n")
    assert (finding.outcome, finding.code) == ("not_checked", "unreadable_tests")
    assert "line 1" in finding.message


@pytest.mark.usefixtures("sandbox")
def test_a_secret_is_masked_in_what_is_told() -> None:
    secret = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"
    for code in (f"def add(a, b): return '{secret}'", f"def add(a, b): raise ValueError('{secret}')"):
        assert secret not in said(code)[0].message


def test_without_a_sandbox_nothing_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    none = tuple(Finding(found.mechanism, "refused here.") for found in probing.findings())
    monkeypatch.setattr(probing, "findings", lambda: none)
    found = said_of("executable_tests", BRIEF, *[({"tests": CASES}, {"code": ADD})] * 5)
    assert [[finding.outcome for finding in each] for each in found] == [["not_checked"]] * 5


@pytest.mark.django_db(databases=["default", "leakage"])
def test_the_pipeline_takes_as_much_code_as_fits_its_claim_and_gives_the_rest_back() -> None:
    """From generated to review, failed and the queue again: what the whole loop makes of code."""
    project = factories.make_project()
    schema = {"type": "object", "required": ["label", "code"]}
    checks = {"executable_tests": {"enabled": True, "cases": CASES, "function": "add", "seconds": 30}}
    factories.make_spec(project, checks=checks, output_schema=schema)
    factories.make_guide(project, "refund", "billing")
    gap = factories.make_gap(project)
    texts = ["you renewed my plan without asking me", "where is my parcel now", "the app shows a blank page"]
    records = [factories.make_candidate(gap, text) for text in texts]
    codes = [ADD, "def add(a, b): return 0", ADD]
    for record, code in zip(records, codes, strict=True):
        Record.objects.filter(pk=record.pk).update(
            edited_input=record.input, edited_output={"label": "refund", "code": code}
        )
        record.refresh_from_db()
    batch = make_batch(project, [item_of(record) for record in records])
    size = portion_of(batch, checks_of(batch))
    assert size < len(records)
    for _ in records:
        services.check_slice()
    after = [Record.objects.get(pk=record.pk) for record in records]
    assert [record.status for record in after] == [
        RecordStatus.AWAITING_REVIEW,
        RecordStatus.FAILED_CHECKS,
        RecordStatus.AWAITING_REVIEW,
    ]
    told_of = {(finding.check_name, finding.code, finding.pointer) for finding in after[1].findings.all()}
    assert told_of == {("executable_tests", "wrong", "/output/code")}


@pytest.mark.django_db(databases=["default", "leakage"])
def test_code_in_an_edit_is_run_when_it_is_sent_and_not_while_it_is_typed() -> None:
    project = factories.make_project()
    checks = {"executable_tests": {"enabled": True, "cases": CASES, **BRIEF}}
    factories.make_spec(project, checks=checks, output_schema={"type": "object"})
    factories.make_guide(project, "refund", "billing")
    input_ = {"text": "where is my parcel now"}
    output = {"label": "refund", "code": "def add(a, b): return 7"}
    typed = services.check_payload(project=project, input_=input_, output=output, is_draft=True)
    assert typed == []
    sent = services.check_payload(project=project, input_=input_, output=output)
    assert {(finding.check_name, finding.code) for finding in sent} == {("executable_tests", "wrong")}


@pytest.mark.django_db(databases=["default", "leakage"])
def test_without_code_a_slice_is_as_large_as_ever() -> None:
    project = factories.make_project()
    factories.make_spec(project)
    gap = factories.make_gap(project)
    items = [
        item_of(factories.make_candidate(gap, f"my parcel number {number} is lost")) for number in range(9)
    ]
    batch = make_batch(project, items)
    assert portion_of(batch, checks_of(batch)) == 9


def test_a_check_that_runs_code_may_take_longer_than_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "SECONDS_A_BATCH", 0.01)
    assert said(ADD) == []
    # The negative control: without it, starting an interpreter alone is too slow for such a limit.
    monkeypatch.setattr(ExecutableTestsCheck, "extra_seconds", lambda *_: 0)
    assert [finding.code for finding in said(ADD)] == ["DeadlineError"]


@pytest.mark.parametrize(
    ("options", "place", "remedy"),
    [
        ({"code_at": "code"}, "code_at: ", "like /output/code"),
        ({"function_at": "/output~"}, "function_at: ", "like /input/code"),
        ({"function": "a.b"}, "function: ", "no name of a Python function"),
        ({"cases": [[[1], 2]]}, "cases/0: ", "which function"),
        ({"cases": [[1]], "function": "add"}, "cases/0: ", "a case is"),
        ({"cases": [], "function": "add"}, "cases: ", "no case"),
        ({"cases": "assert add(1) > 2"}, "cases: ", "line 1"),
        ({"memory_mb": 1}, "memory_mb: ", "minimum of 32"),
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, Any], place: str, remedy: str) -> None:
    (problem,) = refusals("executable_tests", options)
    assert problem.startswith(f"checks/executable_tests/{place}")
    assert remedy in problem


def test_options_that_make_sense_are_not_refused() -> None:
    for options in (
        {"enabled": True, "cases": CASES, "function_at": "/input/name", "broken_at": "/input/code"},
        {"enabled": True, "cases": "assert add(1, 2) == 3"},
    ):
        assert refusals("executable_tests", options) == []
    assert not REGISTRY["executable_tests"].is_deterministic


def quixbugs() -> list[dict[str, Any]]:
    return [json.loads(line) for line in QUIXBUGS.read_text().splitlines()] if QUIXBUGS.is_file() else []


def quick_cases(bug: dict[str, Any]) -> list[Any]:
    """Without two that take the right code a minute and more: 150 million steps, and a tree of all edits."""
    long = {"knapsack": 9, "levenshtein": 3}
    return [case for number, case in enumerate(bug["testcases"]) if number != long.get(bug["id"])]


@pytest.mark.skipif(not QUIXBUGS.is_file(), reason="NO ../shared/data/quixbugs.jsonl")
@pytest.mark.usefixtures("sandbox")
@pytest.mark.parametrize(
    "names", [{"bitcount", "flatten", "gcd"}, pytest.param(None, marks=pytest.mark.soak)]
)
def test_the_repairs_of_quixbugs_pass_and_its_bugs_do_not(names: set[str] | None) -> None:
    bugs = [bug for bug in quixbugs() if names is None or bug["id"] in names]
    patient = {"function_at": "/input/name", "seconds": 30}
    given = [{"name": bug["id"], "tests": quick_cases(bug)} for bug in bugs]
    fixed = [{"code": bug["fixed"]} for bug in bugs]
    assert said_of("executable_tests", patient, *zip(given, fixed, strict=True)) == [[]] * len(bugs)
    unrepaired = [{"code": bug["buggy"]} for bug in bugs]
    brief = {**patient, "seconds": 1}
    found = said_of("executable_tests", brief, *zip(given, unrepaired, strict=True))
    assert {each[0].outcome for each in found} == {"block"}
    assert "did_not_finish" in {each[0].code for each in found}
