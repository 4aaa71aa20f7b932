"""What of a record can be edited: its JSON Schema laid over its payload, as a tree of values, objects and rows.

A value that a form cannot express (an array of mixed things, a ``$ref``, an object that may be null) is a leaf that is
edited as JSON text, so nothing in a record is out of reach and nothing is changed that was not edited. A ``null`` is an
empty field, and an empty field is null where there was one or the schema wants one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from apps.core.pointers import joined, unescaped

MISSING = object()
SCALARS = {str: "string", bool: "boolean", int: "number", float: "number"}
PAST_THE_END = "-"
"""The row that does not exist yet, as RFC 6901 calls it."""

Schema = Mapping[str, Any]


@dataclass(frozen=True)
class Leaf:
    """One editable value. ``value`` is MISSING where the record does not have it yet."""

    pointer: str
    schema: Schema
    value: Any
    is_required: bool
    in_row: bool = False
    is_new: bool = False
    """Whether the row that it is in is still to come."""
    others: tuple[Any, ...] = ()
    """What stands in the same place of the other rows: a row may have been moved."""
    is_nullable: bool = False
    """Whether the schema has null for what is not there."""

    @property
    def may_be_null(self) -> bool:
        return self.is_nullable or self.value is None or None in self.others

    @property
    def title(self) -> str:
        return title_of(self.pointer, self.schema)


@dataclass(frozen=True)
class Group:
    """An object: its members by name. ``value`` is what the record has there, or MISSING."""

    pointer: str
    schema: Schema
    value: Any
    members: dict[str, Node]

    @property
    def title(self) -> str:
        return title_of(self.pointer, self.schema)


@dataclass(frozen=True)
class Rows:
    """A list whose items have one shape. ``blank`` is the shape of a row that is still to come."""

    pointer: str
    schema: Schema
    value: Any
    rows: list[Node]
    blank: Node
    keeps_empty: bool
    """Whether a list without rows stands in the record, or is left out of it."""

    @property
    def title(self) -> str:
        return title_of(self.pointer, self.schema)


Node = Leaf | Group | Rows


@dataclass(frozen=True)
class Shape:
    """Lays a schema over a value. ``count_of`` (pointer, rows of the value) says how many rows there shall be."""

    count_of: Callable[[str, int], int]

    def of(self, schema: Schema, value: Any, pointer: str = "", *, is_required: bool = True) -> Node | None:
        """None where there is nothing to edit: a null of which no schema says what else it might be."""
        schema, is_nullable = without_null(schema, value)
        if is_open_object(schema, value) and not (is_nullable and value is MISSING):
            return self._group(schema, value, pointer)
        if is_rows(schema, value):
            return self._rows(schema, value, pointer)
        if value is None and not (is_nullable or is_scalar(schema) or schema.get("x-widget") == "json"):
            return None
        return Leaf(pointer, schema, value, is_required, is_nullable=is_nullable)

    def _group(self, schema: Schema, value: Any, pointer: str, others: Sequence[Any] | None = None) -> Group:
        properties: Mapping[str, Schema] = schema.get("properties", {})
        required = schema.get("required", ())
        present = value if isinstance(value, dict) else {}
        around = [other for other in others or () if isinstance(other, dict)]
        extra: dict[str, Any] = {}
        for name, item in (pair for each in (present, *around) for pair in each.items()):
            if extra.get(name) is None:
                extra[name] = item
        members: dict[str, Node] = {}
        for name in [*properties, *(name for name in extra if name not in properties)]:
            inner = properties.get(name) or schema_of_value(extra.get(name))
            here, is_required = present.get(name, MISSING), name in required
            node = self.of(inner, here, joined(pointer, name), is_required=is_required)
            if others is not None:
                same = [other[name] for other in around if name in other]
                node = node or Leaf(joined(pointer, name), inner, here, is_required)
                node = self._in_row(node, same, is_required=is_required, is_new=value is MISSING)
            if node is not None:
                members[name] = node
        return Group(pointer, schema, value, members)

    def _in_row(self, node: Node, others: Sequence[Any], *, is_required: bool, is_new: bool) -> Node:
        """``node`` as a member of a row: what stands in its place elsewhere counts, because rows move."""
        if isinstance(node, Leaf):
            return replace(node, in_row=True, is_new=is_new, others=tuple(others))
        if not all(isinstance(other, list if isinstance(node, Rows) else dict) for other in others):
            as_json = {**node.schema, "x-widget": "json"}
            return Leaf(node.pointer, as_json, node.value, is_required, in_row=True, others=tuple(others))
        if isinstance(node, Rows):
            return replace(node, keeps_empty=is_required or (node.value is not MISSING and [] in others))
        return self._group(node.schema, node.value, node.pointer, others)

    def _rows(self, schema: Schema, value: Any, pointer: str) -> Rows:
        items = schema["items"]
        there = value if isinstance(value, list) else []
        count = self.count_of(pointer, len(there))
        values = [there[number] if number < len(there) else MISSING for number in range(count)]
        title = title_of(pointer, schema)
        rows = [
            self._row(items, each, joined(pointer, number), there, title)
            for number, each in enumerate(values)
        ]
        blank = self._row(items, MISSING, joined(pointer, PAST_THE_END), there, title)
        return Rows(pointer, schema, value, rows, blank, keeps_empty=value is not MISSING)

    def _row(self, items: Schema, value: Any, pointer: str, others: Sequence[Any], title: str) -> Node:
        if items.get("type") == "object":
            return self._group(items, value, pointer, others)
        named = {"title": title, **items}
        return Leaf(pointer, named, value, is_required=True, in_row=True, others=tuple(others))


def is_open_object(schema: Schema, value: Any) -> bool:
    """An object whose members can be named; anything else is edited as a whole."""
    return schema.get("type") == "object" and (value is MISSING or isinstance(value, dict))


def is_rows(schema: Schema, value: Any) -> bool:
    """A list of objects or of scalars of one type, without anything that a row of fields cannot say."""
    items = schema.get("items")
    if schema.get("type") != "array" or not isinstance(items, Mapping) or schema.get("x-widget") == "json":
        return False
    if is_set_of_choices(schema):
        return False
    kind = items.get("type")
    fits: tuple[type, ...]
    if kind == "object":
        fits = (dict,)
    elif kind in SCALARS.values() or kind == "integer":
        fits = (str, int, float)
    else:
        return False
    if value is MISSING:
        return True
    return isinstance(value, list) and all(isinstance(each, fits) for each in value)


def without_null(schema: Schema, value: Any) -> tuple[Schema, bool]:
    """``schema`` without the null that it allows, and whether it did. Of several types the one of ``value``."""
    if schema.get("x-widget") == "json":
        return schema, False
    kinds, branches = schema.get("type"), schema.get("anyOf")
    if isinstance(kinds, list) and kinds:
        named = [kind for kind in kinds if kind != "null"]
        own = SCALARS.get(type(value), "")
        return {**schema, "type": own if own in named else next(iter(named), "")}, "null" in kinds
    if isinstance(branches, list):
        others = [branch for branch in branches if branch != {"type": "null"}]
        if len(others) == 1 and len(branches) == 2 and isinstance(others[0], Mapping):
            rest = {key: word for key, word in schema.items() if key != "anyOf"}
            return {**others[0], **rest}, True
    return schema, False


def is_scalar(schema: Schema) -> bool:
    return schema.get("type") in (*SCALARS.values(), "integer") or "enum" in schema


def is_set_of_choices(schema: Schema) -> bool:
    """A list in which each of some names stands once or not at all."""
    items = schema.get("items")
    if schema.get("type") != "array" or not isinstance(items, Mapping):
        return False
    names = items.get("enum")
    is_named = isinstance(names, list) and all(isinstance(name, str) for name in names)
    return is_named and (bool(schema.get("uniqueItems")) or schema.get("x-widget") == "choices")


def schema_of_value(value: Any) -> dict[str, Any]:
    """A schema for a value that the record's schema does not describe: its own type."""
    if isinstance(value, dict):
        return {"type": "object"}
    return {"type": SCALARS.get(type(value), "")}


def title_of(pointer: str, schema: Schema) -> str:
    name = unescaped(pointer.rpartition("/")[2])
    return str(schema.get("title") or name.replace("_", " ").capitalize())


def leaves_of(node: Node) -> list[Leaf]:
    """In document order."""
    if isinstance(node, Leaf):
        return [node]
    inside = node.members.values() if isinstance(node, Group) else node.rows
    return [leaf for each in inside for leaf in leaves_of(each)]
