"""The edit form follows the schema of the record, and changes nothing that was not edited."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import pytest
from django import forms
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.review.record_forms import MAX_ROWS, Part, RecordForm, rearranged
from apps.task_types import task_type_of
from apps.task_types.base import SpecView

SCHEMA = task_type_of("classification").record_schema(SpecView(labels=("refund", "billing")))
PAYLOAD: dict[str, Any] = {"input": {"text": "Money back"}, "output": {"label": "refund"}}

RICH: dict[str, Any] = {
    "type": "object",
    "required": ["input", "output"],
    "properties": {
        "input": {
            "type": "object",
            "required": ["text"],
            "properties": {"text": {"type": "string", "x-widget": "long-text"}},
        },
        "output": {
            "type": "object",
            "properties": {
                "total": {"type": "number", "minimum": 0},
                "count": {"type": "integer"},
                "is_paid": {"type": "boolean"},
                "seller": {"type": "object", "properties": {"name": {"type": "string", "title": "Seller"}}},
                "lines": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "required": ["item"],
                        "properties": {
                            "item": {"type": "string"},
                            "price": {"type": "number"},
                            "is_paid": {"type": "boolean"},
                            "tags": {"type": "array", "items": {"type": "string"}},
                        },
                    },
                },
                "mixed": {"type": "array"},
                "topics": {
                    "type": "array",
                    "uniqueItems": True,
                    "items": {"type": "string", "enum": ["paper", "ink", "post"]},
                },
                "code": {"type": "string", "x-widget": "code"},
                "spans": {
                    "type": "array",
                    "x-widget": "spans",
                    "items": {
                        "type": "object",
                        "required": ["start", "end", "label"],
                        "properties": {
                            "start": {"type": "integer"},
                            "end": {"type": "integer"},
                            "label": {"type": "string", "enum": ["NAME", "MAIL"]},
                        },
                    },
                },
                "note": {"type": "string"},
            },
        },
    },
}
INVOICE: dict[str, Any] = {
    "input": {"text": "Invoice 7"},
    "output": {
        "total": 12.5,
        "count": 2,
        "is_paid": True,
        "seller": {"name": "Acme"},
        "lines": [
            {"item": "pen", "price": 2, "tags": ["blue", "fine"]},
            {"item": "ink", "price": 3.0, "is_paid": False, "remark": "late"},
        ],
        "mixed": [1, "two", None],
        "topics": ["ink"],
        "code": "def f():\n    return 1",
        "spans": [{"start": 0, "end": 7, "label": "NAME"}],
    },
}


def posted(form: RecordForm) -> dict[str, Any]:
    """What a browser sends when nothing is touched."""
    sent = {name: "" if (value := form[name].value()) is None else value for name in form.fields}
    for name, field in form.fields.items():
        if type(field) in (forms.BooleanField, forms.MultipleChoiceField) and not sent[name]:
            del sent[name]
    return sent | {part.count_name: str(len(part.parts)) for part in lists_of(form.parts())}


def lists_of(parts: Sequence[Part]) -> list[Part]:
    inside = [inner for part in parts for inner in lists_of(part.parts)]
    return [part for part in parts if part.kind == "rows"] + inside


def lines_of(form: RecordForm) -> list[dict[str, Any]]:
    assert form.is_valid(), form.errors
    lines: list[dict[str, Any]] = form.payload()["output"]["lines"]
    return lines


@pytest.mark.parametrize(("schema", "payload"), [(SCHEMA, PAYLOAD), (RICH, INVOICE)])
def test_a_form_nobody_touched_gives_the_payload_back(
    schema: dict[str, Any], payload: dict[str, Any]
) -> None:
    form = RecordForm(schema, payload, data=posted(RecordForm(schema, payload)))
    assert form.is_valid(), form.errors
    assert form.payload() == payload


def test_kinds_of_values_get_their_fields() -> None:
    fields = RecordForm(RICH, INVOICE).fields
    assert isinstance(fields["/input/text"].widget, forms.Textarea)
    assert isinstance(fields["/output/total"], forms.FloatField)
    assert isinstance(fields["/output/count"], forms.IntegerField)
    assert isinstance(fields["/output/is_paid"], forms.BooleanField)
    assert fields["/output/seller/name"].label == "Seller"
    assert isinstance(fields["/output/lines/1/price"], forms.FloatField)
    assert fields["/output/lines/0/tags/1"].label == "Tags"
    assert isinstance(fields["/output/topics"], forms.MultipleChoiceField)
    assert isinstance(fields["/output/mixed"], forms.JSONField)
    assert "data-code-numbers>1\n2<" in str(RecordForm(RICH, INVOICE)["/output/code"])


def test_labels_are_a_choice_and_an_old_one_is_still_shown() -> None:
    html = str(RecordForm(SCHEMA, PAYLOAD | {"output": {"label": "retired"}})["/output/label"])
    assert re.findall(r'<option value="(\w+)"( selected)?', html) == [
        ("retired", " selected"),
        ("refund", ""),
        ("billing", ""),
    ]


def test_fields_beside_the_text_are_edited_by_their_own_type_and_null_is_left_alone() -> None:
    payload = {
        "input": {"text": "x", "channel": "mail", "tries": 3, "vip": False, "age": None},
        "output": {"label": "refund"},
    }
    form = RecordForm(SCHEMA, payload, data=posted(RecordForm(SCHEMA, payload)) | {"/input/tries": "4"})
    assert "/input/age" not in form.fields
    assert form.is_valid(), form.errors
    assert form.payload()["input"] == {"text": "x", "channel": "mail", "tries": 4, "vip": False, "age": None}


def test_line_ends_of_the_browser_are_no_edit() -> None:
    payload = {"input": {"text": "one\r\ntwo"}, "output": {"label": "refund"}}
    form = RecordForm(SCHEMA, payload, data={"/input/text": "one\r\ntwo", "/output/label": "refund"})
    assert form.is_valid()
    assert form.payload() == payload


def test_white_space_at_the_ends_is_kept() -> None:
    form = RecordForm(SCHEMA, PAYLOAD, data={"/input/text": "  hm ", "/output/label": "refund"})
    assert form.is_valid()
    assert form.payload()["input"]["text"] == "  hm "


def test_what_is_typed_is_kept_even_when_it_is_wrong() -> None:
    data = posted(RecordForm(RICH, INVOICE)) | {
        "/output/total": "twelve",
        "/output/mixed": "[{",
        "/output/lines/1/price": "two",
    }
    form = RecordForm(RICH, INVOICE, data=data)
    assert not form.is_valid()
    assert set(form.errors_by_pointer()) == {"/output/total", "/output/mixed", "/output/lines/1/price"}
    again = RecordForm(RICH, INVOICE, draft=form.typed())
    assert again["/output/total"].value() == "twelve"
    assert again["/output/mixed"].value() == "[{"
    assert again["/output/lines/1/price"].value() == "two"


def test_names_that_need_escaping_survive() -> None:
    payload = {"input": {"text": "x", "a/b~c": "d"}, "output": {"label": "refund"}}
    form = RecordForm(
        SCHEMA, payload, data={"/input/text": "x", "/input/a~1b~0c": "e", "/output/label": "refund"}
    )
    assert form.is_valid(), form.errors
    assert form.payload()["input"]["a/b~c"] == "e"


def test_an_optional_value_left_empty_is_not_invented() -> None:
    form = RecordForm(RICH, INVOICE, data=posted(RecordForm(RICH, INVOICE)) | {"/output/note": ""})
    assert form.is_valid(), form.errors
    assert "note" not in form.payload()["output"]


# --- rows ----------------------------------------------------------------------------------------------------


def test_a_number_stays_as_it_was_written_and_may_get_decimals() -> None:
    data = posted(RecordForm(RICH, INVOICE)) | {"/output/lines/0/price": "2.5", "/output/total": "13"}
    form = RecordForm(RICH, INVOICE, data=data)
    first, second = lines_of(form)
    assert first["price"] == 2.5
    assert isinstance(second["price"], float)
    assert isinstance(form.payload()["output"]["total"], int)


def test_rows_are_added_moved_and_removed_with_all_they_hold() -> None:
    values: dict[str, Any] = INVOICE
    pen, ink = INVOICE["output"]["lines"]
    for move, expected in (
        ("down /output/lines/0", [ink, pen]),
        ("up /output/lines/1", [pen, ink]),
        ("remove /output/lines/0", [ink]),
        ("up /output/lines/0", [ink]),
    ):
        draft = rearranged(values, move)
        form = RecordForm(RICH, INVOICE, data=posted(RecordForm(RICH, INVOICE, draft=draft)))
        assert lines_of(form) == expected, move
        values = form.payload()


def test_a_new_row_is_empty_and_says_what_it_needs() -> None:
    draft = rearranged(INVOICE, "add /output/lines")
    data = posted(RecordForm(RICH, INVOICE, draft=draft))
    form = RecordForm(RICH, INVOICE, data=data)
    assert form.errors_by_pointer() == {"/output/lines/2/item": ["This field is required."]}
    form = RecordForm(RICH, INVOICE, data=data | {"/output/lines/2/item": "post"})
    assert lines_of(form)[2] == {"item": "post"}


@pytest.mark.parametrize(
    "move", ["", "add /output/total", "add ", "up /output/lines/7", "remove /output", "turn /output/lines/0"]
)
def test_a_move_that_leads_nowhere_changes_nothing(move: str) -> None:
    assert rearranged(INVOICE, move) == INVOICE


def test_a_list_that_the_record_lacks_is_not_invented_and_can_be_begun() -> None:
    bare = INVOICE | {"output": {"total": 1}}
    form = RecordForm(RICH, bare, data=posted(RecordForm(RICH, bare)))
    assert form.is_valid(), form.errors
    assert form.payload() == bare
    begun = RecordForm(RICH, bare, draft=rearranged(bare, "add /output/lines"))
    assert "/output/lines/0/item" in begun.fields


def test_a_null_in_a_row_is_an_empty_field_of_its_type() -> None:
    lines = [{"item": "pen", "price": None}, {"item": "ink", "price": 3, "tags": None, "is_paid": None}]
    payload = INVOICE | {"output": {"lines": lines}}
    form = RecordForm(RICH, payload)
    assert isinstance(form.fields["/output/lines/0/price"], forms.FloatField)
    assert isinstance(form.fields["/output/lines/1/is_paid"], forms.NullBooleanField)
    # Of a list that may be null a form cannot say which: this member alone is JSON.
    assert isinstance(form.fields["/output/lines/1/tags"], forms.JSONField)
    sent = posted(form)
    assert lines_of(RecordForm(RICH, payload, data=sent)) == lines
    filled = sent | {"/output/lines/0/price": "2", "/output/lines/1/price": ""}
    assert [line["price"] for line in lines_of(RecordForm(RICH, payload, data=filled))] == [2, None]
    moved = posted(RecordForm(RICH, payload, draft=rearranged(payload, "up /output/lines/1")))
    assert [line["price"] for line in lines_of(RecordForm(RICH, payload, data=moved))] == [3, None]


NULLABLE: dict[str, Any] = {
    "type": "object",
    "properties": {
        "due": {"type": ["string", "null"]},
        "total": {"anyOf": [{"type": "number", "minimum": 0}, {"type": "null"}]},
        "kind": {"type": ["string", "null"], "enum": ["bill", "note", None]},
        "any": {"type": ["string", "number", "null"]},
        "seller": {
            "anyOf": [{"type": "object", "properties": {"name": {"type": "string"}}}, {"type": "null"}]
        },
    },
    "required": ["due", "total"],
}


def nullable(before: dict[str, Any], **typed: str) -> Any:
    schema = {"type": "object", "properties": {"output": NULLABLE}}
    payload = {"output": before}
    data = posted(RecordForm(schema, payload)) | {f"/output/{name}": text for name, text in typed.items()}
    form = RecordForm(schema, payload, data=data)
    assert form.is_valid(), form.errors
    return form.payload()["output"]


def test_what_a_model_left_null_can_be_filled_in_and_what_it_invented_made_null() -> None:
    empty = {"due": None, "total": None, "kind": None, "any": None, "seller": None}
    assert nullable(empty) == empty
    filled = {"due": "1 May", "total": 2.5, "kind": "bill", "any": "x", "seller": {"name": "Acme"}}
    typed = {"due": "1 May", "total": "2.5", "kind": "bill", "any": "x", "seller": '{"name": "Acme"}'}
    assert nullable(empty, **typed) == filled
    assert nullable(filled) == filled
    emptied = nullable(filled, due="", total="", kind="", any="")
    assert emptied == empty | {"seller": {"name": "Acme"}}
    assert nullable({"any": 3}, any="4") == {"any": 4}


def test_a_null_that_is_edited_as_json_stays_and_can_be_written() -> None:
    schema = {
        "type": "object",
        "properties": {"output": {"type": "object", "properties": {"call": {"x-widget": "json"}}}},
    }
    for before, typed, after in (
        (None, "null", None),
        (None, '{"a": 1}', {"a": 1}),
        ({"a": 1}, "null", None),
    ):
        payload = {"output": {"call": before}}
        form = RecordForm(schema, payload, data={"/output/call": typed})
        assert form.is_valid(), form.errors
        assert form.payload() == {"output": {"call": after}}
    assert RecordForm(schema, {"output": {"call": None}})["/output/call"].value() == "null"


def test_the_number_of_rows_is_bounded_whatever_is_sent() -> None:
    data = posted(RecordForm(RICH, INVOICE))
    for sent, rows in (("999999999999", 2), ("-1", 2), ("100000", MAX_ROWS), ("0", 0)):
        form = RecordForm(RICH, INVOICE, data=data | {"rows:/output/lines": sent})
        (lines,) = [part for part in lists_of(form.parts()) if part.pointer == "/output/lines"]
        assert len(lines.parts) == rows, sent


def test_a_problem_stands_at_its_field_at_its_list_or_above_the_form() -> None:
    form = RecordForm(RICH, INVOICE, data=posted(RecordForm(RICH, INVOICE)))
    form.replace_problems(
        {
            "/output/lines/1/price": ["too dear"],
            "/output/lines": ["too few"],
            "/output/mixed/2": ["is null"],
            "/output": ["lacks a name"],
        }
    )
    (lines,) = [part for part in lists_of(form.parts()) if part.pointer == "/output/lines"]
    assert form["/output/lines/1/price"].errors == ["too dear"]
    assert list(lines.problems) == ["too few"]
    assert form["/output/mixed"].errors == ["is null"]
    assert form.non_field_errors() == ["lacks a name"]


def test_a_label_that_left_the_schema_survives_a_move_of_its_row() -> None:
    spans = [{"start": 0, "end": 7, "label": "STREET"}, {"start": 8, "end": 9, "label": "NAME"}]
    payload = INVOICE | {"output": {"spans": spans}}
    draft = rearranged(payload, "down /output/spans/0")
    form = RecordForm(RICH, payload, data=posted(RecordForm(RICH, payload, draft=draft)))
    assert form.is_valid(), form.errors
    assert form.payload()["output"]["spans"] == spans[::-1]


_values = st.dictionaries(
    st.sampled_from(["item", "price", "is_paid", "tags", "remark", "a/b~c"]),
    st.one_of(
        st.text("ab é\n", max_size=4),
        st.integers(-5, 5),
        st.booleans(),
        st.none(),
        st.just([]),
        st.just(["x"]),
    ),
)


@settings(max_examples=60)
@given(st.lists(_values, max_size=4))
def test_no_list_is_changed_by_a_form_that_nobody_touched(lines: list[dict[str, Any]]) -> None:
    """Whatever a generator put there, of the type that the schema asks for or not."""
    payload = {"input": {"text": "x"}, "output": {"lines": lines}}
    form = RecordForm(RICH, payload, data=posted(RecordForm(RICH, payload)))
    if form.is_valid():
        assert form.payload() == payload
