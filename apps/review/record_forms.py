"""The edit form: a Django form made from the JSON Schema of a record.

Field names are JSON pointers into the payload, so an error found by pointer is an error of that field.
Objects are walked into; each leaf gets a field from ``BUILDERS``. A shape without a builder (an array, for one)
is edited as JSON text, so that nothing in a record is out of reach.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from django import forms
from django.core.exceptions import NON_FIELD_ERRORS
from django.forms.fields import InvalidJSONInput

MISSING = object()
SCALARS = {str: "string", bool: "boolean", int: "number", float: "number"}


@dataclass(frozen=True)
class Leaf:
    """One editable value. ``value`` is MISSING where the record does not have it yet."""

    pointer: str
    schema: Mapping[str, Any]
    value: Any
    is_required: bool

    @property
    def title(self) -> str:
        name = self.pointer.rsplit("/", 1)[1].replace("~1", "/").replace("~0", "~")
        return str(self.schema.get("title") or name.replace("_", " ").capitalize())


class RecordForm(forms.Form):
    """Edits ``payload``. ``draft`` (same shape, maybe invalid) is shown in its place; ``data`` is a POST."""

    def __init__(
        self,
        schema: Mapping[str, Any],
        payload: Mapping[str, Any],
        *,
        data: Mapping[str, Any] | None = None,
        draft: Mapping[str, Any] | None = None,
        auto_id: str = "id_%s",
    ) -> None:
        super().__init__(data, auto_id=auto_id)
        self._payload = payload
        self._leaves = {leaf.pointer: leaf for leaf in _leaves(schema, payload)}
        for pointer, leaf in self._leaves.items():
            field = BUILDERS[_kind(leaf)](leaf)
            field.label = leaf.title
            shown = _at(draft, pointer) if draft is not None else leaf.value
            if draft is not None and isinstance(field, forms.JSONField) and isinstance(shown, str):
                shown = InvalidJSONInput(shown)
            if shown is not MISSING:
                field.initial = shown
            # What the editor goes back to when a draft is discarded.
            field.widget.attrs["data-original"] = _as_shown(field, leaf.value)
            self.fields[pointer] = field

    def payload(self) -> dict[str, Any]:
        """The edited payload of a valid form. What has no field stays as it was."""
        edited = deepcopy(dict(self._payload))
        for pointer, leaf in self._leaves.items():
            value = _unchanged_line_ends(self.cleaned_data[pointer], leaf.value)
            is_empty = value is None or value == ""
            if is_empty and leaf.value is MISSING:
                continue
            _put(edited, pointer, leaf.value if is_empty and leaf.value is None else value)
        return edited

    def typed(self) -> dict[str, Any]:
        """What stands in the fields, valid or not, in the shape of the payload: the draft."""
        typed = deepcopy(dict(self._payload))
        for pointer in self._leaves:
            bound = self[pointer]
            value = bound.data
            if value is not None:
                _put(typed, pointer, value.replace("\x00", "") if isinstance(value, str) else value)
        return typed

    def errors_by_pointer(self) -> dict[str, list[str]]:
        """What the fields themselves refused; "" is the whole record."""
        return {
            "" if name == NON_FIELD_ERRORS else name: [str(error) for error in errors]
            for name, errors in self.errors.items()
        }

    def replace_problems(self, by_pointer: Mapping[str, list[str]]) -> None:
        """Shows these problems, each beside its field or, where there is no field for it, above the form."""
        self.errors.clear()
        for pointer, texts in by_pointer.items():
            for text in texts:
                self.add_error(pointer if pointer in self.fields else None, text)


def _leaves(
    schema: Mapping[str, Any], value: Any, pointer: str = "", *, is_required: bool = True
) -> Iterator[Leaf]:
    if not _is_open_object(schema, value):
        if value is not None:
            yield Leaf(pointer, schema, value, is_required)
        return
    properties: Mapping[str, Any] = schema.get("properties", {})
    required = schema.get("required", ())
    present = value if isinstance(value, dict) else {}
    for name, inner in properties.items():
        yield from _leaves(
            inner, present.get(name, MISSING), _child(pointer, name), is_required=name in required
        )
    for name, item in present.items():
        if name not in properties:
            yield from _leaves(_schema_of(item), item, _child(pointer, name), is_required=False)


def _is_open_object(schema: Mapping[str, Any], value: Any) -> bool:
    """An object whose members can be named; anything else is edited as a whole."""
    return schema.get("type") == "object" and (value is MISSING or isinstance(value, dict))


def _schema_of(value: Any) -> dict[str, Any]:
    """A schema for a value that the record's schema does not describe: its own type."""
    if isinstance(value, dict):
        return {"type": "object"}
    return {"type": SCALARS.get(type(value), "")}


def _kind(leaf: Leaf) -> str:
    if "enum" in leaf.schema and all(isinstance(choice, str) for choice in leaf.schema["enum"]):
        return "choice"
    hint = leaf.schema.get("x-widget")
    if hint in BUILDERS and hint != "choice":
        return str(hint)
    kind = leaf.schema.get("type")
    if kind == "string":
        return "long-text" if isinstance(leaf.value, str) and "\n" in leaf.value else "string"
    return str(kind) if kind in BUILDERS else "json"


def _choice(leaf: Leaf) -> forms.Field:
    names = list(leaf.schema["enum"])
    choices = [(name, name) for name in names]
    if isinstance(leaf.value, str) and leaf.value not in names:
        choices.insert(0, (leaf.value, f"{leaf.value} (not in the guide)"))
    if not leaf.is_required:
        choices.insert(0, ("", "–"))
    return forms.ChoiceField(choices=choices, required=leaf.is_required)


def _string(leaf: Leaf) -> forms.Field:
    return forms.CharField(strip=False, required=leaf.is_required, max_length=leaf.schema.get("maxLength"))


def _long_text(leaf: Leaf) -> forms.Field:
    field = _string(leaf)
    field.widget = forms.Textarea(attrs={"rows": 8, "spellcheck": "true"})
    return field


def _number(leaf: Leaf) -> forms.Field:
    is_whole = leaf.schema.get("type") == "integer" or isinstance(leaf.value, int)
    make = forms.IntegerField if is_whole else forms.FloatField
    return make(
        required=leaf.is_required,
        min_value=leaf.schema.get("minimum"),
        max_value=leaf.schema.get("maximum"),
    )


def _boolean(leaf: Leaf) -> forms.Field:
    return forms.BooleanField(required=False)


def _json(leaf: Leaf) -> forms.Field:
    widget = forms.Textarea(attrs={"rows": 6, "class": "mono", "spellcheck": "false"})
    return forms.JSONField(required=leaf.is_required, widget=widget, encoder=_ReadableEncoder)


class _ReadableEncoder(json.JSONEncoder):
    def __init__(self, **options: Any) -> None:
        super().__init__(**(options | {"ensure_ascii": False, "indent": 2}))


BUILDERS: dict[str, Callable[[Leaf], forms.Field]] = {
    "choice": _choice,
    "string": _string,
    "long-text": _long_text,
    "number": _number,
    "integer": _number,
    "boolean": _boolean,
    "json": _json,
}
"""Kind of value (the ``x-widget`` hint, else the type) → its form field. A new kind is one line here."""


def _unchanged_line_ends(value: Any, before: Any) -> Any:
    """A browser writes every line end as CRLF: that alone is no edit."""
    if not isinstance(value, str):
        return value
    value = _line_feeds(value)
    return before if isinstance(before, str) and _line_feeds(before) == value else value


def _as_shown(field: forms.Field, value: Any) -> str:
    if value is MISSING:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return _line_feeds(str(field.prepare_value(value)))


def _line_feeds(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _child(pointer: str, name: str) -> str:
    escaped = name.replace("~", "~0").replace("/", "~1")
    return f"{pointer}/{escaped}"


def _parts(pointer: str) -> list[str]:
    return [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]


def _at(value: Any, pointer: str) -> Any:
    for part in _parts(pointer):
        if not isinstance(value, dict) or part not in value:
            return MISSING
        value = value[part]
    return value


def _put(target: dict[str, Any], pointer: str, value: Any) -> None:
    *way, last = _parts(pointer)
    for part in way:
        target = target.setdefault(part, {})
    target[last] = value
