"""Our widgets write what Django's templates would: only faster."""

from __future__ import annotations

from typing import Any

import pytest
from django import forms
from django.test.html import parse_html

from apps.review.widgets import Boxes, Choice, TextArea

CHOICES = [("", "–"), ("a<b", "A & b"), ('"', "quote")]
GIVEN = {"id": "id_x", "required": True, "aria-invalid": "true", "aria-describedby": None}


@pytest.mark.parametrize(
    ("ours", "djangos", "value"),
    [
        (Choice(choices=CHOICES), forms.Select(choices=CHOICES), "a<b"),
        (Choice(choices=CHOICES), forms.Select(choices=CHOICES), None),
        (Choice(choices=CHOICES), forms.Select(choices=CHOICES), "gone"),
        (Boxes(choices=CHOICES[1:]), forms.CheckboxSelectMultiple(choices=CHOICES[1:]), ["a<b"]),
        (Boxes(choices=CHOICES[1:]), forms.CheckboxSelectMultiple(choices=CHOICES[1:]), None),
        (TextArea({"rows": 3}), forms.Textarea({"rows": 3}), "\n</textarea> & so on"),
        (TextArea({"rows": 3}), forms.Textarea({"rows": 3}), None),
    ],
)
@pytest.mark.parametrize("given", [GIVEN, {}])
def test_the_same_html(ours: forms.Widget, djangos: forms.Widget, value: Any, given: dict[str, Any]) -> None:
    attributes = {name: each for name, each in given.items() if each is not None}
    assert parse_html(ours.render("x", value, attributes)) == parse_html(
        djangos.render("x", value, attributes)
    )
