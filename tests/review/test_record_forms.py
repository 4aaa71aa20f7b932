"""The edit form follows the schema of the record, and changes nothing that was not edited."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django import forms

from apps.review.record_forms import RecordForm
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
                "lines": {"type": "array"},
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
        "lines": [{"item": "pen", "price": 2}],
    },
}


def posted(form: RecordForm) -> dict[str, Any]:
    """What a browser sends when nothing is touched."""
    return {
        name: form[name].value()
        for name, field in form.fields.items()
        if not (isinstance(field, forms.BooleanField) and not form[name].value())
    }


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
    assert isinstance(fields["/output/lines"], forms.JSONField)


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
    data = posted(RecordForm(RICH, INVOICE)) | {"/output/total": "twelve", "/output/lines": "[{"}
    form = RecordForm(RICH, INVOICE, data=data)
    assert not form.is_valid()
    assert set(form.errors_by_pointer()) == {"/output/total", "/output/lines"}
    again = RecordForm(RICH, INVOICE, draft=form.typed())
    assert again["/output/total"].value() == "twelve"
    assert again["/output/lines"].value() == "[{"


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
