"""The edit form: a Django form made from the JSON Schema of a record.

Field names are JSON pointers into the payload, so an error found by pointer is an error of that field. Objects are
walked into; a list of objects or of scalars becomes rows, whose number stands in a hidden ``rows:POINTER``. What an
``x-widget`` hint in the schema asks for:

    choice      one of the names in ``enum``                      string
    choices     any of the names in ``items.enum``, as boxes      array of strings (``uniqueItems`` asks for it too)
    long-text   several lines                                     string
    code        monospace with line numbers                       string
    turns       a conversation: who spoke beside what was said    array of objects, ``role`` and ``content``
    spans       places in the text at ``x-text`` (a pointer;      array of objects, ``start`` and ``end`` in
                ``/input/text`` without it), marked by mouse      characters, maybe ``label`` (an ``enum``) and
                or keyboard                                       ``text`` (a copy of what is marked)
    json        JSON text; with ``x-tools`` (a pointer to          anything
                definitions) a script makes fields of a call

Without a hint the type decides. Everything works as a plain form too: rows are then added, moved and removed by
buttons that keep a draft and show the form again (``rearranged``).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from django import forms
from django.core.exceptions import NON_FIELD_ERRORS
from django.forms.boundfield import BoundField
from django.forms.fields import InvalidJSONInput
from django.forms.utils import ErrorDict

from apps.core.pointers import unescaped
from apps.review.form_fields import field_of
from apps.review.schema_tree import (
    MISSING,
    Group,
    Leaf,
    Node,
    Rows,
    Schema,
    Shape,
    leaves_of,
)

MAX_ROWS = 200
"""Of one list: Django reads at most 1,000 fields of a request."""
COUNT = "rows:"
"""Before the pointer of a list: the name of the hidden field with the number of its rows."""
MOVES = {"up": -1, "down": 1}


@dataclass(frozen=True)
class Part:
    """A piece of the form as a template shows it. ``kind``: field, group, row or rows."""

    kind: str
    title: str
    pointer: str
    field: BoundField | None = None
    parts: Sequence[Part] = ()
    blank: Part | None = None
    """The row that the script copies to add one."""
    hint: str = ""
    text_pointer: str = ""
    text: str = ""
    """Of spans: the text that they are in, as JSON, because HTML would change its line ends."""
    problems: Sequence[str] = ()

    @property
    def count_name(self) -> str:
        return COUNT + self.pointer


class RecordForm(forms.Form):
    """Edits ``payload``. ``draft`` (same shape, maybe invalid) is shown in its place; ``data`` is a POST."""

    def __init__(
        self,
        schema: Schema,
        payload: Mapping[str, Any],
        *,
        data: Mapping[str, Any] | None = None,
        draft: Mapping[str, Any] | None = None,
        auto_id: str = "id_%s",
    ) -> None:
        super().__init__(data, auto_id=auto_id)
        self._draft = draft
        tree = Shape(self._count_of).of(schema, payload)
        if not isinstance(tree, Group):
            raise TypeError("A record is an object, and so is its schema.")
        self._tree = tree
        self._blanks = forms.Form(auto_id=auto_id)
        self._problems: dict[str, list[str]] = {}
        for leaf in leaves_of(tree):
            self.fields[leaf.pointer] = self._field(leaf)
        self._add_blanks(tree)

    def payload(self) -> dict[str, Any]:
        """The edited payload of a valid form. What has no field stays as it was."""

        def cleaned(leaf: Leaf) -> Any:
            value = _unchanged_line_ends(self.cleaned_data[leaf.pointer], leaf)
            if value is None and str(self.data.get(leaf.pointer, "")).strip() == "null":
                return None
            is_empty = value is None or value in ("", [])
            return _emptied(leaf, value) if is_empty and value != leaf.value else value

        edited: dict[str, Any] = _assembled(self._tree, self._tree.value, cleaned)
        return edited

    def typed(self) -> dict[str, Any]:
        """What stands in the fields, valid or not, in the shape of the payload: the draft."""

        def raw(leaf: Leaf) -> Any:
            value = self[leaf.pointer].data
            if value is None:
                return MISSING if leaf.pointer in self.data else leaf.value
            return value.replace("\x00", "") if isinstance(value, str) else value

        typed: dict[str, Any] = _assembled(self._tree, self._tree.value, raw)
        return typed

    def errors_by_pointer(self) -> dict[str, list[str]]:
        """What the fields themselves refused; "" is the whole record."""
        return {
            "" if name == NON_FIELD_ERRORS else name: [str(error) for error in errors]
            for name, errors in self.errors.items()
        }

    def replace_problems(self, by_pointer: Mapping[str, list[str]]) -> None:
        """Shows these problems: beside their field, at the list they are in, or else above the form."""
        self._errors, self.cleaned_data, self._problems = ErrorDict(), {}, {}
        for pointer, texts in by_pointer.items():
            place = self._place_of(pointer)
            if place in self.fields or not place:
                for text in texts:
                    self.add_error(place or None, text)
            else:
                self._problems.setdefault(place, []).extend(texts)

    def parts(self) -> list[Part]:
        """The form as a tree; input and output themselves are no boxes."""
        sides = [self._part(node) for node in self._tree.members.values()]
        return [part for side in sides for part in (side.parts if side.kind == "group" else [side])]

    def _field(self, leaf: Leaf) -> forms.Field:
        shown = leaf.value if self._draft is None else _at(self._draft, leaf.pointer)
        form_field = field_of(leaf, self.data.get(leaf.pointer) if self.is_bound else shown)
        if self._draft is not None and isinstance(form_field, forms.JSONField) and isinstance(shown, str):
            shown = InvalidJSONInput(shown)
        if shown is not MISSING:
            form_field.initial = shown
        return form_field

    def _count_of(self, pointer: str, there: int) -> int:
        if self.is_bound:
            count = self.data.get(COUNT + pointer, "")
            return min(int(count), MAX_ROWS) if count.isdecimal() and len(count) < 10 else there
        shown = MISSING if self._draft is None else _at(self._draft, pointer)
        if isinstance(shown, list):
            return min(len(shown), MAX_ROWS)
        return there if self._draft is None or shown is not MISSING else 0

    def _add_blanks(self, node: Node) -> None:
        if isinstance(node, Rows):
            for leaf in leaves_of(node.blank):
                self._blanks.fields[leaf.pointer] = field_of(leaf, MISSING)
            self._add_blanks(node.blank)
        inside = (
            node.members.values() if isinstance(node, Group) else node.rows if isinstance(node, Rows) else ()
        )
        for each in inside:
            self._add_blanks(each)

    def _part(self, node: Node, *, is_row: bool = False) -> Part:
        if isinstance(node, Leaf):
            form = self if node.pointer in self.fields else self._blanks
            return Part("field", node.title, node.pointer, form[node.pointer])
        if isinstance(node, Group):
            inside = [self._part(each) for each in node.members.values()]
            return Part("row" if is_row else "group", node.title, node.pointer, parts=inside)
        hint = str(node.schema.get("x-widget", ""))
        text_pointer = str(node.schema.get("x-text", "/input/text")) if hint == "spans" else ""
        return Part(
            "rows",
            node.title,
            node.pointer,
            parts=[self._part(row, is_row=True) for row in node.rows],
            blank=self._part(node.blank, is_row=True),
            hint=hint,
            text_pointer=text_pointer,
            text=json.dumps(_at(self._tree.value, text_pointer)) if text_pointer in self.fields else "",
            problems=self._problems.get(node.pointer, []),
        )

    def _place_of(self, pointer: str) -> str:
        """The field or list at ``pointer``, or the nearest one around it; "" where there is none."""
        lists = {node.pointer for node in _rows_in(self._tree)}
        while pointer and pointer not in self.fields and pointer not in lists:
            pointer = pointer.rpartition("/")[0]
        return pointer


def rearranged(values: Mapping[str, Any], move: str) -> dict[str, Any]:
    """``values`` after one ``move``: "add LIST", or "remove", "up" or "down" and the pointer of a row.

    A move that leads nowhere changes nothing: the page may be older than the draft.
    """
    verb, _, rest = move.partition(" ")
    pointer, _, number = (rest, "", "") if verb == "add" else rest.rpartition("/")
    changed = deepcopy(dict(values))
    rows = _at(changed, pointer)
    at = int(number) if number.isdecimal() else -1
    if not isinstance(rows, list):
        if verb == "add" and pointer and rows is MISSING:
            _put(changed, pointer, [{}])
    elif verb == "add":
        rows.append({} if not rows or isinstance(rows[0], dict) else "")
    elif 0 <= at < len(rows) and verb == "remove":
        del rows[at]
    elif verb in MOVES and 0 <= at < len(rows) and 0 <= at + MOVES[verb] < len(rows):
        rows.insert(at + MOVES[verb], rows.pop(at))
    return changed


def _assembled(node: Node, base: Any, read: Callable[[Leaf], Any]) -> Any:
    """The value of ``node`` put together from its leaves; MISSING where there is none."""
    if isinstance(node, Leaf):
        return read(node)
    if isinstance(node, Rows):
        rows = [_assembled(row, {}, read) for row in node.rows]
        has_none = not rows and not node.keeps_empty
        return MISSING if has_none else ["" if row is MISSING else row for row in rows]
    result = deepcopy(dict(base)) if isinstance(base, Mapping) else {}
    for name, member in node.members.items():
        value = _assembled(member, result.get(name, MISSING), read)
        if value is MISSING:
            result.pop(name, None)
        else:
            result[name] = value
    return MISSING if base is MISSING and not result else result


def _emptied(leaf: Leaf, value: Any) -> Any:
    """A text that was there becomes the empty text; a number, and what never was there, is left out.

    Where null stands for what is not there, a value that was there becomes null.
    """
    if leaf.value is None:
        return None
    if leaf.value is MISSING:
        return None if leaf.is_new and leaf.is_required and leaf.may_be_null else MISSING
    if leaf.may_be_null:
        return None
    if leaf.in_row:
        return value if value in leaf.others else MISSING
    return value if isinstance(leaf.value, (str, list)) and value is not None else MISSING


def _rows_in(node: Node) -> list[Rows]:
    if isinstance(node, Leaf):
        return []
    inside = node.members.values() if isinstance(node, Group) else node.rows
    own = [node] if isinstance(node, Rows) else []
    return own + [rows for each in inside for rows in _rows_in(each)]


def _unchanged_line_ends(value: Any, leaf: Leaf) -> Any:
    """A browser writes every line end as CRLF: that alone is no edit."""
    if not isinstance(value, str):
        return value
    value = _line_feeds(value)
    befores = (each for each in (leaf.value, *leaf.others) if isinstance(each, str))
    return next((before for before in befores if _line_feeds(before) == value), value)


def _line_feeds(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _at(value: Any, pointer: str) -> Any:
    """What stands at ``pointer``, in which ``*`` is a name like any other; MISSING where nothing does."""
    for part in _names(pointer):
        if isinstance(value, Mapping) and part in value:
            value = value[part]
        elif isinstance(value, list) and part.isdecimal() and int(part) < len(value):
            value = value[int(part)]
        else:
            return MISSING
    return value


def _put(target: dict[str, Any], pointer: str, value: Any) -> None:
    """At a member of an object that is there; anything else is a move that leads nowhere."""
    way, _, _ = pointer.rpartition("/")
    around = _at(target, way)
    if isinstance(around, dict):
        around[_names(pointer)[-1]] = value


def _names(pointer: str) -> list[str]:
    return [unescaped(part) for part in pointer.split("/")[1:]]
