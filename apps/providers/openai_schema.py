"""The common strict schema in the narrower form of OpenAI's structured outputs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from apps.providers.base import JsonObject
from apps.providers.structured import strict_schema

TYPE_NAMES = {str: "string", bool: "boolean", int: "integer", float: "number", type(None): "null"}


def chat_schema(schema: Mapping[str, Any]) -> JsonObject:
    """``schema`` for ``response_format``: ``$ref`` stands alone, and every choice of values has a type."""
    return cast("JsonObject", _trimmed(strict_schema(schema)))


def depth_and_properties(schema: Mapping[str, Any]) -> tuple[int, int]:
    """Levels of objects and lists within each other, and properties in all of them."""
    inner = [
        *schema.get("properties", {}).values(),
        *schema.get("anyOf", ()),
        *([schema["items"]] if "items" in schema else ()),
    ]
    measured = [depth_and_properties(item) for item in inner]
    is_level = "properties" in schema
    deepest = max((depth for depth, _ in measured), default=0) + is_level
    count = sum(count for _, count in measured) + len(schema.get("properties", ()))
    for definition in schema.get("$defs", {}).values():
        depth, more = depth_and_properties(definition)
        deepest, count = deepest + depth, count + more
    return deepest, count


def _trimmed(schema: Mapping[str, Any]) -> dict[str, Any]:
    if "$ref" in schema:
        return {"$ref": schema["$ref"]}
    result = dict(schema)
    if "const" in result:
        result["enum"] = [result.pop("const")]
    if "enum" in result and "type" not in result:
        kinds = list(dict.fromkeys(TYPE_NAMES.get(type(value), "string") for value in result["enum"]))
        result["type"] = kinds[0] if len(kinds) == 1 else kinds
    for name in ("properties", "$defs"):
        if name in result:
            result[name] = {key: _trimmed(value) for key, value in result[name].items()}
    if "items" in result:
        result["items"] = _trimmed(result["items"])
    if "anyOf" in result:
        result["anyOf"] = [_trimmed(choice) for choice in result["anyOf"]]
    return result
