"""What an edit changed, whatever it changed: text, numbers, lists, places in a text."""

from __future__ import annotations

from typing import Any

from apps.review.diffs import FieldDiff, diff_of

TEXT = {"text": "Ann lives in Riga"}


def told(before: dict[str, Any], after: dict[str, Any]) -> list[tuple[str, str, str]]:
    """(name, removed, added) of each value that changed."""
    return [
        (each.name, _said(each, "removed"), _said(each, "added"))
        for each in diff_of({"input": TEXT, "output": before}, {"input": TEXT, "output": after})
    ]


def _said(diff: FieldDiff, op: str) -> str:
    return "".join(part.text for part in diff.parts if part.op == op).strip()


def test_numbers_and_answers_of_yes_and_no_are_changes_too() -> None:
    before = {"refusal": False, "lines": [{"price": 2}], "total": 7}
    after = {"refusal": True, "lines": [{"price": 2}], "total": 7.5}
    assert told(before, after) == [("Refusal", "no", "yes"), ("Total", "7", "7.5")]


def test_a_span_is_shown_by_its_words_and_taking_one_out_leaves_the_others_alone() -> None:
    ann, riga = {"start": 0, "end": 3, "kind": "NAME"}, {"start": 13, "end": 17, "kind": "PLACE"}
    assert told({"spans": [ann, riga]}, {"spans": [riga]}) == [
        ("Spans", "“Ann” · start: 0 · end: 3 · kind: NAME", "")
    ]


def test_the_text_has_no_name_and_code_is_known_by_its_indentation() -> None:
    before = {"input": TEXT, "output": {"code": "def f():\n    return 1"}}
    after = {"input": {"text": "Ann lives in Oslo"}, "output": {"code": "def f():\n    return 2"}}
    text, code = diff_of(before, after)
    assert (text.name, text.is_indented) == ("", False)
    assert (code.name, code.is_indented) == ("Code", True)


def test_a_call_that_is_taken_away_is_a_change() -> None:
    before = {"call": {"name": "book", "arguments": {"to": "Riga"}}}
    assert told(before, {"call": None}) == [("Name", "book", ""), ("To", "Riga", "")]
