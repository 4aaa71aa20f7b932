"""The answer stands in the text, what is cited is there, and the rules of the spec hold."""

from __future__ import annotations

from typing import Any

import pytest

from apps.validation.checks import REGISTRY
from tests.validation.running import codes, findings_of, slips

TEXT = "Order 4711 of 3 May costs 1,234.50 EUR. Bestellt von Frau Müller in Köln; paid with −3 °C."


@pytest.mark.parametrize(
    "answer",
    [
        "order 4711",
        "MÜLLER",
        "Mu\u0308ller",
        4711,
        1234.5,
        "1.234,50",
        "1234.5",
        "-3",
        "Köln",
        None,
        "",
        True,
    ],
)
def test_an_answer_that_stands_in_the_text(answer: Any) -> None:
    assert codes("answer_in_text", input={"text": TEXT}, output={"answer": answer}) == []


@pytest.mark.parametrize("answer", ["order 471", "rder 4711", "Muller", 471, 1234, "12345", "paid Köln"])
def test_an_answer_that_does_not(answer: Any) -> None:
    found = codes("answer_in_text", input={"text": TEXT}, output={"answer": answer})
    assert found == [("not_in_text", "/output/answer")]


OSAKA = [("not_in_text", "/output/answer")]


@pytest.mark.parametrize(("answer", "stands"), [("東京", []), ("大阪", OSAKA), ("ไทย", [])])
def test_scripts_without_spaces(answer: str, stands: list[tuple[str, str]]) -> None:
    found = codes(
        "answer_in_text", input={"text": "昨日は東京駅へ行った ภาษาไทยง่าย"}, output={"answer": answer}
    )
    assert found == stands


def test_every_answer_and_every_source() -> None:
    options = {"answers": ["/output/fields/*"], "source": "/input/pages/*"}
    record = {"input": {"pages": ["Invoice 7", "Total 12"]}, "output": {"fields": {"no": "7", "sum": "13"}}}
    assert codes("answer_in_text", options=options, **record) == [("not_in_text", "/output/fields/sum")]


def test_the_message_does_not_repeat_the_answer() -> None:
    (finding,) = findings_of("answer_in_text", input={"text": "x"}, output={"answer": "hunter2"})
    assert "hunter2" not in finding.message


SOURCES = {
    "sources": [{"id": "a", "text": "The refund takes five working days, never more."}, {"text": "Second."}]
}


@pytest.mark.parametrize(
    ("citation", "expected"),
    [
        ({"source": "a", "quote": "the refund takes FIVE working days"}, []),
        ({"source": "a", "quote": "The refund … never more"}, []),
        (
            {"source": "a", "quote": "never more [...] the refund"},
            [("not_quoted", "/output/citations/0/quote")],
        ),
        ({"source": "a", "quote": "five work"}, [("not_quoted", "/output/citations/0/quote")]),
        ({"source": "b"}, [("no_such_source", "/output/citations/0")]),
        ({"quote": "Second"}, [("no_such_source", "/output/citations/0")]),
        ({"source": "2", "quote": "Second"}, []),
        ("a", []),
        (["a"], [("no_such_source", "/output/citations/0")]),
    ],
)
def test_citations(citation: Any, expected: list[tuple[str, str]]) -> None:
    assert codes("citations", input=SOURCES, output={"citations": [citation]}) == expected


def test_a_quotation_may_be_demanded() -> None:
    output = {"citations": [{"source": "a"}]}
    assert codes("citations", options={"must_quote": True}, input=SOURCES, output=output) == [
        ("no_quote", "/output/citations/0")
    ]


def test_marks_in_the_text() -> None:
    text = "Five days [a1], [2]. See [the page](https://example.org/1) [sic] and [2, 9]."
    sources = {"sources": [{"id": "a1", "text": "x"}, "y"]}
    (finding,) = findings_of("citations", input=sources, output={"answer": text})
    assert (finding.code, finding.pointer) == ("no_such_source", "/output/answer")
    assert text[finding.start : finding.end] == "[2, 9]"


def test_too_few_citations() -> None:
    found = codes("citations", options={"least": 2}, input=SOURCES, output={"answer": "Five days [2]."})
    assert found == [("too_few", "")]


INVOICE = {
    "lines": [{"n": 3, "price": 0.1}, {"n": 1, "price": 2}],
    "total": 2.3,
    "from": "2026-01-30",
    "to": "2026-02-02",
}
SUM = "sum(output.lines.map(l, l.n * l.price)) == output.total"


@pytest.mark.parametrize(
    "expression",
    [
        SUM,
        "days_between(output.from, output.to) == 3",
        "output.total > 2 && output.lines.all(l, l.n >= 1)",
        "matches(input.text, '(?i)invoice')",
        "!has(output.tip) || output.tip > 0",
    ],
)
def test_a_rule_that_holds(expression: str) -> None:
    rules = {"rules": [{"expression": expression, "message": "no"}]}
    assert slips("rules", rules) == []
    assert codes("rules", options=rules, input={"text": "an Invoice"}, output=INVOICE) == []


@pytest.mark.parametrize(
    ("expression", "code"),
    [
        ("output.total == 99", "broken"),
        ("output.tip > 0", "cannot_tell"),
        ("output.total", "cannot_tell"),
        ("output.from > 3", "cannot_tell"),
        ("days_between(output.from, 'tomorrow') > 0", "cannot_tell"),
        ("1 / 0 == 1", "cannot_tell"),
    ],
)
def test_a_rule_that_does_not_hold_or_cannot_be_worked_out(expression: str, code: str) -> None:
    rules = {
        "rules": [{"expression": expression, "message": "The sum is wrong.", "pointer": "/output/total"}]
    }
    (finding,) = findings_of("rules", options=rules, input={}, output=INVOICE)
    assert (finding.code, finding.pointer) == (code, "/output/total")
    assert "The sum is wrong." in finding.message


def test_no_rule_is_tried_on_an_endless_list() -> None:
    rules = {"rules": [{"expression": "output.xs.all(x, x > 0.0)", "message": "no"}]}
    assert codes("rules", options=rules, output={"xs": [1] * 1_000}) == []
    assert codes("rules", options=rules, output={"xs": [1] * 1_001}) == [("too_long", "")]


@pytest.mark.parametrize(
    ("expression", "why"),
    [
        ("output.total ==", "is no CEL expression"),
        ("__import__('os')", "calls __import__"),
        ("record.total > 1", "reads record"),
        ("x.all(x, x > 1)", ""),
        ("output.a.all(x, x.all(y, y.all(z, true)))", "3 loops"),
        ("output.a.lowerAscii() == 'a'", "calls lowerAscii"),
    ],
)
def test_slips_are_named_at_saving(expression: str, why: str) -> None:
    problems = slips("rules", {"rules": [{"expression": expression, "message": "no"}]})
    if not why:
        assert problems == []
        return
    (problem,) = problems
    assert problem.startswith("rules/0/expression: ")
    assert why in problem


@pytest.mark.parametrize("name", ["rules", "citations", "answer_in_text", "values", "format"])
def test_they_are_off_until_the_spec_says_something_of_them(name: str) -> None:
    check = REGISTRY[name]
    assert not check.is_enabled({})
    assert check.is_enabled({"anything": 1})
    assert not check.is_enabled({"anything": 1, "enabled": False})
