"""The common strict schema in the narrower form of OpenAI's structured outputs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, cast

from apps.providers.base import JsonObject
from apps.providers.structured import strict_schema

TYPE_NAMES = {str: "string", bool: "boolean", int: "integer", float: "number", type(None): "null"}


def chat_schema(schema: Mapping[str, Any]) -> JsonObject:
    """``schema`` for ``response_format``: ``$ref`` stands alone, and every choice of values has a type."""
    return cast("JsonObject", _trimmed(strict_schema(schema)))


def properties_in(schema: Mapping[str, Any]) -> int:
    """Fields of all objects in ``schema``, definitions included."""
    below = [*schema.get("$defs", {}).values(), *_inner(schema)]
    return len(schema.get("properties", ())) + sum(map(properties_in, below))


def levels_in(
    schema: Mapping[str, Any], definitions: Mapping[str, Any] | None = None, *, inside: tuple[str, ...] = ()
) -> float:
    """Objects within each other, at the deepest place; infinite where one contains itself."""
    definitions = schema.get("$defs", {}) if definitions is None else definitions
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[-1]
        return (
            math.inf if name in inside else levels_in(definitions[name], definitions, inside=(*inside, name))
        )
    deepest = max((levels_in(part, definitions, inside=inside) for part in _inner(schema)), default=0)
    return deepest + ("properties" in schema)


def _inner(schema: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    items = [schema["items"]] if "items" in schema else []
    return [*schema.get("properties", {}).values(), *items, *schema.get("anyOf", ())]


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
