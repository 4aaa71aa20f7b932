"""One form field for each kind of value. The kind is the ``x-widget`` hint, else it follows from the type.

Fields are pure functions of a leaf and of what is shown in it; ``record_forms`` puts them together.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from django import forms

from apps.review.schema_tree import MISSING, Leaf, is_set_of_choices
from apps.review.widgets import Boxes, Choice, CodeArea, JsonArea, TextArea

WHOLE = re.compile(r"\s*[+-]?\d{1,300}\s*")


class NumberField(forms.FloatField):
    """A number as JSON has it: ``12`` stays whole, ``12.0`` does not become so."""

    def clean(self, value: Any) -> Any:
        number = super().clean(value)
        return int(str(value)) if number is not None and WHOLE.fullmatch(str(value)) else number


class JsonField(forms.JSONField):
    """JSON text. Nothing is shown as nothing, unless it is a null that the record has."""

    def __init__(self, *, shows_null: bool, **options: Any) -> None:
        super().__init__(**options)
        self.shows_null = shows_null

    def prepare_value(self, value: Any) -> Any:
        return "" if value is None and not self.shows_null else super().prepare_value(value)


def field_of(leaf: Leaf, shown: Any) -> forms.Field:
    """The field of ``leaf``; ``shown`` is what will stand in it (a draft may hold anything)."""
    field = BUILDERS[kind_of(leaf, shown)](leaf)
    if isinstance(field.widget, forms.TextInput | forms.Textarea) and not isinstance(
        field.widget, JsonArea | CodeArea
    ):
        # People write in any language; code and JSON read from left to right.
        field.widget.attrs["dir"] = "auto"
    field.label = leaf.title
    field.help_text = str(leaf.schema.get("description", ""))
    if isinstance(field, JsonField) and leaf.may_be_null and not field.help_text:
        field.help_text = "null says that there is none."
    return field


def kind_of(leaf: Leaf, shown: Any) -> str:
    """What ``leaf`` is edited as; JSON where the record holds something that its kind cannot say."""
    kind = _kind_of_schema(leaf)
    there = [value for value in (leaf.value, *leaf.others) if value is not MISSING and value is not None]
    if not all(_fits(kind, value) for value in there):
        return "json"
    is_long = kind == "string" and any("\n" in text for text in (*there, shown) if isinstance(text, str))
    return "long-text" if is_long else kind


def _kind_of_schema(leaf: Leaf) -> str:
    if is_set_of_choices(leaf.schema):
        return "choices"
    if "enum" in leaf.schema and all(isinstance(choice, str) for choice in leaf.schema["enum"]):
        return "choice"
    hint, kind = leaf.schema.get("x-widget"), leaf.schema.get("type")
    if hint == "json" or (kind == "string" and hint in ("long-text", "code")):
        return str(hint)
    return kind if isinstance(kind, str) and kind in BUILDERS else "json"


def _fits(kind: str, value: Any) -> bool:
    match kind:
        case "number" | "integer":
            return isinstance(value, int if kind == "integer" else int | float) and not isinstance(
                value, bool
            )
        case "boolean":
            return isinstance(value, bool)
        case "choices":
            return isinstance(value, list) and all(isinstance(each, str) for each in value)
        case "json":
            return True
    return isinstance(value, str)


def _choice(leaf: Leaf) -> forms.Field:
    names = list(leaf.schema["enum"])
    choices = [(name, name) for name in names]
    old = [value for value in (leaf.value, *leaf.others) if isinstance(value, str) and value not in names]
    choices[:0] = [(name, f"{name} (not in the guide)") for name in dict.fromkeys(old)]
    if not leaf.is_required or leaf.may_be_null or not isinstance(leaf.value, str):
        choices.insert(0, ("", "–"))
    required = leaf.is_required and not leaf.may_be_null
    return forms.ChoiceField(choices=choices, required=required, widget=Choice)


def _choices(leaf: Leaf) -> forms.Field:
    names = list(leaf.schema["items"]["enum"])
    chosen = [name for name in leaf.value if isinstance(name, str)] if isinstance(leaf.value, list) else []
    # Boxes are sent in the order of the page: an edit elsewhere must not change which one comes first.
    choices = [
        (name, name if name in names else f"{name} (not in the guide)")
        for name in dict.fromkeys([*chosen, *names])
    ]
    return forms.MultipleChoiceField(
        choices=choices,
        required=bool(leaf.schema.get("minItems")) and not leaf.may_be_null,
        widget=Boxes,
    )


def _string(leaf: Leaf) -> forms.Field:
    # A text that stands empty in the record is no reason to refuse an edit of another field.
    is_needed = leaf.is_required and not leaf.may_be_null and "" not in (leaf.value, *leaf.others)
    return forms.CharField(strip=False, required=is_needed, max_length=leaf.schema.get("maxLength"))


def _long_text(leaf: Leaf) -> forms.Field:
    field = _string(leaf)
    field.widget = TextArea(attrs={"rows": 8, "spellcheck": "true"})
    return field


def _code(leaf: Leaf) -> forms.Field:
    field = _string(leaf)
    field.widget = CodeArea(attrs={"rows": 12, "class": "mono", "spellcheck": "false", "wrap": "off"})
    return field


def _number(leaf: Leaf) -> forms.Field:
    make = forms.IntegerField if leaf.schema.get("type") == "integer" else NumberField
    return make(
        required=leaf.is_required and not leaf.may_be_null,
        min_value=leaf.schema.get("minimum"),
        max_value=leaf.schema.get("maximum"),
    )


def _boolean(leaf: Leaf) -> forms.Field:
    if not leaf.may_be_null and (leaf.is_required or not (leaf.in_row or leaf.value is MISSING)):
        return forms.BooleanField(required=False)
    # No box can say that there is no answer.
    widget = forms.NullBooleanSelect()
    widget.choices = [("unknown", "–"), ("true", "yes"), ("false", "no")]
    return forms.NullBooleanField(required=False, widget=widget)


def _json(leaf: Leaf) -> forms.Field:
    widget = JsonArea(attrs={"rows": 6, "class": "mono", "spellcheck": "false"})
    if tools := leaf.schema.get("x-tools"):
        widget.attrs["data-tools"] = tools
    # Whether it may be null or be left out is for the schema to say.
    return JsonField(required=False, widget=widget, encoder=_ReadableEncoder, shows_null=leaf.value is None)


class _ReadableEncoder(json.JSONEncoder):
    def __init__(self, **options: Any) -> None:
        super().__init__(**(options | {"ensure_ascii": False, "indent": 2}))


BUILDERS: dict[str, Callable[[Leaf], forms.Field]] = {
    "choice": _choice,
    "choices": _choices,
    "string": _string,
    "long-text": _long_text,
    "code": _code,
    "number": _number,
    "integer": _number,
    "boolean": _boolean,
    "json": _json,
}
"""Kind of value → its form field. A new kind is one line here."""
