"""The common schema subset as Anthropic's structured output takes it.

Does what ``anthropic.transform_schema`` of the SDK (2.13) does, without the SDK: request lines are written where
it is not installed. A test compares the two.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

from apps.core.errors import DomainError
from apps.providers.base import JsonObject
from apps.providers.structured import strict_schema

# Beyond them the API answers "compiled grammar is too large" or refuses the schema, for every line of a batch.
MOST_UNIONS = 16
PRIMITIVES = (str, int, float, bool, type(None))


def anthropic_schema(schema: Mapping[str, Any]) -> JsonObject:
    """``schema`` for ``output_config.format``; DomainError when it is recursive or has too many alternatives."""
    strict = _transformed(strict_schema(schema))
    unions = sum(1 for part in _parts(strict) if "anyOf" in part)
    if unions > MOST_UNIONS:
        raise DomainError(
            f"Anthropic takes at most {MOST_UNIONS} optional or alternative fields in one schema; this one has "
            f"{unions}. Make fields required in the spec, or generate with another provider."
        )
    if circle := _circle(strict):
        raise DomainError(
            f"Anthropic takes no recursive schema, and {circle!r} refers to itself. Change it in the spec, or "
            "generate with another provider."
        )
    return cast("JsonObject", strict)


def _transformed(schema: Mapping[str, Any]) -> dict[str, Any]:
    definitions = schema.get("$defs")
    made: dict[str, Any] = (
        {"$defs": {name: _transformed(value) for name, value in definitions.items()}} if definitions else {}
    )
    if "$ref" in schema:
        return {**made, "$ref": schema["$ref"]}
    # Values say their type themselves; the API wants one or the other.
    if "const" in schema and isinstance(schema["const"], PRIMITIVES):
        made["const"] = schema["const"]
    elif schema.get("enum") and all(isinstance(value, PRIMITIVES) for value in schema["enum"]):
        made["enum"] = list(schema["enum"])
    elif "anyOf" in schema:
        made["anyOf"] = [_transformed(choice) for choice in schema["anyOf"]]
    elif isinstance(kinds := schema.get("type"), list):
        # What is said of the field is said once; definitions stand at the root.
        bare = {name: value for name, value in schema.items() if name not in {"$defs", "description"}}
        made["anyOf"] = [_transformed({**bare, "type": kind}) for kind in kinds]
    else:
        made |= _typed(schema)
    return _described(schema, made)


def _typed(schema: Mapping[str, Any]) -> dict[str, Any]:
    kind = schema.get("type", "string")
    made: dict[str, Any] = {"type": kind}
    if kind == "object":
        made["properties"] = {
            name: _transformed(value) for name, value in schema.get("properties", {}).items()
        }
        made["required"] = list(schema.get("required", ()))
        made["additionalProperties"] = False
    elif kind == "array" and "items" in schema:
        made["items"] = _transformed(schema["items"])
    return made


def _described(schema: Mapping[str, Any], made: dict[str, Any]) -> dict[str, Any]:
    return {**made, "description": schema["description"]} if "description" in schema else made


def _parts(schema: Any) -> Iterator[Mapping[str, Any]]:
    """Every schema within ``schema``, itself included."""
    if isinstance(schema, Mapping):
        yield schema
        for value in schema.values():
            yield from _parts(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from _parts(value)


def _circle(schema: Mapping[str, Any]) -> str:
    """The name of a definition that leads back to itself; "" when there is none."""
    definitions: Mapping[str, Any] = schema.get("$defs", {})
    leads = {
        name: {part["$ref"].rsplit("/", 1)[-1] for part in _parts(value) if isinstance(part.get("$ref"), str)}
        for name, value in definitions.items()
    }
    for start in leads:
        reached, waiting = set(), list(leads[start])
        while waiting:
            name = waiting.pop()
            if name not in reached:
                reached.add(name)
                waiting.extend(leads.get(name, ()))
        if start in reached:
            return start
    return ""
