"""One JSON Schema for every vendor's structured output: their common subset.

Root an object; every field required, optional ones nullable; nothing beside them; no limits on numbers, lengths
or counts. What a vendor cannot enforce is said in the description, where a model reads it, and checked here
afterwards (``providers.md`` §0).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from apps.core.strict_json import JsonValue
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
    """``schema`` in the common subset; the original still decides what is valid."""
    strict: dict[str, Any] = {name: schema[name] for name in KEPT if name in schema}
    if notes := [text.format(schema[name]) for name, text in SAID.items() if name in schema]:
        strict["description"] = ". ".join([*filter(None, [schema.get("description")]), "; ".join(notes)])
    if isinstance(schema.get("properties"), Mapping):
        required = set(schema.get("required", ()))
        strict["type"] = "object"
        strict["properties"] = {
            name: strict_schema(value) if name in required else _nullable(strict_schema(value))
            for name, value in schema["properties"].items()
        }
        strict["required"] = list(schema["properties"])
        strict["additionalProperties"] = False
    if isinstance(schema.get("items"), Mapping):
        strict["items"] = strict_schema(schema["items"])
    for name in ("anyOf", "oneOf"):
        if isinstance(schema.get(name), list):
            strict["anyOf"] = [strict_schema(choice) for choice in schema[name]]
    if isinstance(schema.get("$defs"), Mapping):
        strict["$defs"] = {name: strict_schema(value) for name, value in schema["$defs"].items()}
    return cast("JsonObject", strict)


def without_added_nulls(value: JsonValue, schema: Mapping[str, Any]) -> JsonValue:
    """Undoes ``strict_schema`` in an answer: an optional field that is null was left out."""
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
