"""One JSON Schema for every vendor's structured output: their common subset.

Root an object; every field required, optional ones nullable; nothing beside them; no limits on numbers, lengths
or counts. What a vendor cannot enforce is said in the description, where a model reads it, and checked here
afterwards (``providers.md`` §0).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from apps.core.strict_json import JsonValue, StrictJsonError, loads_line
from apps.providers.base import JsonObject

KEPT = ("type", "enum", "const", "$ref", "description")
SAID = {
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "pattern": "matches {}",
    "format": "format {}",
    "minimum": "at least {}",
    "maximum": "at most {}",
    "exclusiveMinimum": "more than {}",
    "exclusiveMaximum": "less than {}",
    "multipleOf": "a multiple of {}",
    "minItems": "at least {} items",
    "maxItems": "at most {} items",
}


def records_schema(record: Mapping[str, Any]) -> JsonObject:
    """Schema of an answer that lists records, each by the schema ``record``."""
    definitions = {"$defs": record["$defs"]} if "$defs" in record else {}
    item = {name: value for name, value in record.items() if name not in {"$schema", "$defs"}}
    return {
        "type": "object",
        "required": ["records"],
        "additionalProperties": False,
        "properties": {"records": {"type": "array", "items": item}},
        **definitions,
    }


def strict_schema(schema: Mapping[str, Any]) -> JsonObject:
    """``schema`` in the common subset; the original still decides what is valid.

    Inside, objects and lists of no fixed shape are in nobody's subset: they are asked for as JSON text.
    """
    strict: dict[str, Any] = {name: schema[name] for name in KEPT if name in schema}
    if notes := [text.format(schema[name]) for name, text in SAID.items() if name in schema]:
        strict["description"] = ". ".join([*filter(None, [schema.get("description")]), "; ".join(notes)])
    if isinstance(schema.get("properties"), Mapping):
        required = set(schema.get("required", ()))
        strict["type"] = "object"
        strict["properties"] = {
            name: _inner(value) if name in required else _nullable(_inner(value))
            for name, value in schema["properties"].items()
        }
        strict["required"] = list(schema["properties"])
        strict["additionalProperties"] = False
    if isinstance(schema.get("items"), Mapping):
        strict["items"] = _inner(schema["items"])
    for name in ("anyOf", "oneOf"):
        if isinstance(schema.get(name), list):
            strict["anyOf"] = [_inner(choice) for choice in schema[name]]
    if isinstance(schema.get("$defs"), Mapping):
        strict["$defs"] = {name: _inner(value) for name, value in schema["$defs"].items()}
    return cast("JsonObject", strict)


def without_added_nulls(value: JsonValue, schema: Mapping[str, Any]) -> JsonValue:
    """Undoes ``strict_schema`` in an answer: an optional field that is null was left out, JSON text is its value."""
    schema = _choice_of(value, schema)
    if isinstance(value, str) and _is_open(schema):
        return _parsed(value)
    if isinstance(value, dict) and isinstance(schema.get("properties"), Mapping):
        properties, required = schema["properties"], set(schema.get("required", ()))
        return {
            name: without_added_nulls(item, properties.get(name, {}))
            for name, item in value.items()
            if not (item is None and name in properties and name not in required)
            or _takes_null(properties[name])
        }
    if isinstance(value, list) and isinstance(schema.get("items"), Mapping):
        return [without_added_nulls(item, schema["items"]) for item in value]
    return value


def _choice_of(value: JsonValue, schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """The alternative that ``value`` was written by: an object with these names, a list; else ``schema`` itself."""
    choices = [*schema.get("anyOf", ()), *schema.get("oneOf", ())]
    for choice in choices:
        names = choice.get("properties")
        if isinstance(value, dict) and isinstance(names, Mapping) and value.keys() <= names.keys():
            return cast("Mapping[str, Any]", choice)
        if isinstance(value, list) and "items" in choice:
            return cast("Mapping[str, Any]", choice)
    return schema


def _inner(schema: Mapping[str, Any]) -> JsonObject:
    if not _is_open(schema):
        return strict_schema(schema)
    said = [schema["description"]] if "description" in schema else []
    return {"type": "string", "description": ". ".join([*said, "Written as JSON text"])}


def _is_open(schema: Mapping[str, Any]) -> bool:
    """Whether an object or list of any shape fits."""
    kind = schema.get("type")
    kinds = kind if isinstance(kind, list) else [kind]
    is_fixed = any(name in schema for name in ("$ref", "anyOf", "oneOf", "enum", "const"))
    return not is_fixed and (
        ("object" in kinds and "properties" not in schema) or ("array" in kinds and "items" not in schema)
    )


def _parsed(text: str) -> JsonValue:
    """The object or list that ``text`` is JSON of, else the text: what it should have been is for the checks."""
    try:
        value = loads_line(text.encode(errors="replace"))
    except StrictJsonError:
        return text
    return value if isinstance(value, dict | list) else text


def _takes_null(schema: Mapping[str, Any]) -> bool:
    kind = schema.get("type")
    return kind == "null" or (isinstance(kind, list) and "null" in kind)


def _nullable(schema: JsonObject) -> JsonObject:
    kind = schema.get("type")
    if isinstance(kind, str) and "enum" not in schema and "const" not in schema:
        return schema if kind == "null" else {**schema, "type": [kind, "null"]}
    if isinstance(kind, list):
        return schema if "null" in kind else {**schema, "type": [*kind, "null"]}
    return {"anyOf": [schema, {"type": "null"}]}
