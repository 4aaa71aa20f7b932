"""Tool calls are executed against a stub: its outcome is the expected one, or the finding says what came instead."""

from __future__ import annotations

from typing import Any

import pytest

from apps.sandbox import probing
from apps.sandbox.probing import Finding
from apps.validation.checks import FindingData
from tests.validation.running import refusals, said_of, told

STUB = """
paid = {}
def refund(order, amount=5):
    if order not in ("A1", "A2"): raise LookupError("no such order")
    paid[order] = paid.get(order, 0) + amount
    return {"order": order, "paid": paid[order]}
def uber_ride(to): return [to, 1 / 3]
def loop():
    while True: pass
def paid_so_far(): return paid
"""


def call(**arguments: Any) -> dict[str, Any]:
    return {"name": "refund", "arguments": arguments}


def outcome(written: Any, expected: Any, **options: Any) -> list[FindingData]:
    given: dict[str, Any] = {"stub": STUB, "seconds": 10, **options}
    return said_of("tool_outcome", given, ({"expected": expected}, {"call": written}))[0]


@pytest.mark.usefixtures("sandbox")
def test_a_call_reaches_its_outcome_or_does_not() -> None:
    assert outcome(call(order="A1", amount=2), {"order": "A1", "paid": 2}) == []
    assert outcome({"name": "uber.ride", "arguments": {"to": "x"}}, ["x", 0.3333], tolerance=0.001) == []
    (wrong,) = outcome(call(order="A1"), {"order": "A1", "paid": 2})
    assert (wrong.code, wrong.outcome, wrong.pointer) == ("other_outcome", "block", "/output/call")
    assert '"paid": 5' in wrong.message
    assert told(outcome(call(order="A9"), {})) == [("raised", "/output/call")]
    assert told(outcome(call(total=9), {})) == [("raised", "/output/call")]
    assert told(outcome({"name": "lost", "arguments": {}}, {})) == [("raised", "/output/call")]
    (endless,) = outcome({"name": "loop", "arguments": {}}, None, seconds=0.5)
    assert (endless.code, endless.outcome) == ("did_not_finish", "block")
    assert "did not finish within 0.5 s" in endless.message


@pytest.mark.usefixtures("sandbox")
def test_several_calls_share_a_state_that_can_be_observed() -> None:
    twice = [call(order="A1"), call(order="A1", amount=1)]
    assert outcome(twice, [{"order": "A1", "paid": 5}, {"order": "A1", "paid": 6}]) == []
    assert outcome(twice, {"A1": 6}, observe="paid_so_far") == []
    assert told(outcome([call(order="A1"), call(order="A9")], [])) == [("raised", "/output/call/1")]
    assert outcome(None, {}, no_tool=True, observe="paid_so_far") == []


@pytest.mark.usefixtures("sandbox")
def test_no_call_is_an_outcome_where_none_is_expected() -> None:
    assert outcome([], None, no_tool=True) == []
    assert told(outcome([], {"paid": 1}, no_tool=True)) == [("no_call", "/output/call")]
    assert told(outcome([], None)) == [("missing", "/output/call")]


@pytest.mark.usefixtures("sandbox")
def test_stub_and_outcome_may_stand_in_the_record_or_the_spec() -> None:
    right = {"call": call(order="A1")}
    records: list[tuple[dict[str, Any], dict[str, Any]]] = [
        ({"stub": "def refund(order): return 1"}, right),
        ({"stub": "def refund(order): return 2"}, right),
        ({"stub": "def refund(order) return 1"}, right),
        ({}, right),
    ]
    found = said_of("tool_outcome", {"expected": 1}, *records)
    assert [told(each) for each in found] == [
        [],
        [("other_outcome", "/output/call")],
        [("raised", "/output/call")],
        [("missing", "/input/stub")],
    ]
    assert "SyntaxError" in found[2][0].message


def test_without_a_sandbox_no_outcome_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    none = tuple(Finding(found.mechanism, "refused here.") for found in probing.findings())
    monkeypatch.setattr(probing, "findings", lambda: none)
    (finding,) = outcome(call(order="A1", amount=2), {"order": "A1", "paid": 2})
    assert (finding.outcome, finding.code) == ("not_checked", "SandboxUnavailableError")


@pytest.mark.parametrize(
    ("options", "place", "remedy"),
    [
        ({"stub": "def f(:"}, "stub: ", "no Python, line 1"),
        ({"observe": "a b"}, "observe: ", "no name"),
        ({"seconds": 900}, "seconds: ", "maximum of 30"),
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, Any], place: str, remedy: str) -> None:
    (problem,) = refusals("tool_outcome", options)
    assert problem.startswith(f"checks/tool_outcome/{place}")
    assert remedy in problem


def test_options_that_make_sense_are_not_refused() -> None:
    given = {"enabled": True, "stub": STUB, "expected": None, "observe": "paid"}
    assert refusals("tool_outcome", given) == []
