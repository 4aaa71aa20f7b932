"""Extraction: fields are leaves, and format counts by itself."""

from __future__ import annotations

from apps.task_types.base import SpecView
from tests.task_types.scoring import score


def test_fields_are_leaves_compared_up_to_white_space_and_by_value() -> None:
    gold = {"company": "Café  Nord\nLtd", "total": 9, "lines": [{"n": 1}, {"n": 2}], "vat": None}
    given = {"company": "Cafe\u0301 Nord Ltd", "total": 9.0, "lines": [{"n": 1}, {"n": 3}], "tip": "1"}
    got = score("extraction", gold, given)
    # Four gold leaves, five given, three the same.
    assert got == {
        "document_exact": 0,
        "field_recall": 3 / 4,
        "field_precision": 3 / 5,
        "field_f1": 6 / 9,
        "format_valid": 1,
    }
    assert score("extraction", {"total": 9}, {"total": "9"})["document_exact"] == 0
    assert score("extraction", {"paid": True}, {"paid": 1})["document_exact"] == 0


def test_an_answer_that_does_not_fit_the_schema_has_no_valid_format() -> None:
    spec = SpecView(output_schema={"type": "object", "required": ["total"]})
    got = score("extraction", {"total": "9.00"}, {"sum": "9.00"}, spec=spec)
    assert (got["format_valid"], got["field_recall"]) == (0, 0)
