"""Requests to Gemini models in Google's format, the same on both of its interfaces."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from apps.core.strict_json import JsonValue, canonical_dumps
from apps.providers.base import Ask, JsonObject, TokenCount
from apps.providers.over_network import text_of
from apps.providers.structured import strict_schema

# "A token is equivalent to about 4 characters" (ai.google.dev/gemini-api/docs/tokens). Counted in bytes, so that
# other scripts than English are not undercounted.
BYTES_PER_TOKEN = 4


def generate_request(ask: Ask, *more_texts: str) -> JsonObject:
    """A ``GenerateContentRequest`` for ``ask``: the prompt, then ``more_texts``, each a part of one user turn.

    DomainError when there is nothing to ask.
    """
    prompt = text_of(ask, asked="Gemini")
    config: JsonObject = {"maxOutputTokens": ask.max_output_tokens, "responseMimeType": "application/json"}
    if ask.schema:
        config["responseJsonSchema"] = response_schema(ask.schema)
    parts: list[JsonValue] = [{"text": text} for text in (prompt, *more_texts)]
    return {"contents": [{"role": "user", "parts": parts}], "generationConfig": config}


def response_schema(schema: Mapping[str, Any]) -> JsonObject:
    """``schema`` for ``responseJsonSchema``.

    It knows no ``const``, takes texts and numbers alone in ``enum``, nothing beside ``$ref``; and it writes
    fields in the order of ``propertyOrdering``, since the sorted keys of a request file have lost it.
    """
    return cast("JsonObject", _trimmed(strict_schema(schema)))


def count_request(request: JsonValue) -> TokenCount:
    """Tokens of all that ``generate_request`` wrote, schema included: Google counts that as input."""
    return TokenCount(tokens=-(-len(canonical_dumps(request)) // BYTES_PER_TOKEN), is_guess=True)


def _trimmed(schema: Mapping[str, Any]) -> dict[str, Any]:
    if "$ref" in schema:
        return {"$ref": schema["$ref"]}
    result = dict(schema)
    if "const" in result:
        result["enum"] = [result.pop("const")]
    if "enum" in result:
        result = _with_plain_enum(result)
    for name in ("properties", "$defs"):
        if name in result:
            result[name] = {key: _trimmed(value) for key, value in result[name].items()}
    if "properties" in result:
        result["propertyOrdering"] = list(result["properties"])
    if "items" in result:
        result["items"] = _trimmed(result["items"])
    if "anyOf" in result:
        result["anyOf"] = [_trimmed(choice) for choice in result["anyOf"]]
    return result


def _with_plain_enum(schema: dict[str, Any]) -> dict[str, Any]:
    """Texts and numbers stay; null becomes a choice of its own; of true and false only the type is asked for."""
    values = schema.pop("enum")
    plain = [
        value for value in values if isinstance(value, str | int | float) and not isinstance(value, bool)
    ]
    kinds = {_kind(value) for value in values} - {"null"}
    if not kinds:
        return {**schema, "type": "null"}
    one: dict[str, Any] = {"type": kinds.pop()} if len(kinds) == 1 else {}
    if plain and len(plain) == len([value for value in values if value is not None]):
        one["enum"] = plain
    if None not in values:
        return {**schema, **one}
    notes = {"description": schema["description"]} if "description" in schema else {}
    return {"anyOf": [{**one, **notes}, {"type": "null"}]}


def _kind(value: object) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "integer" if isinstance(value, int) else "number"
    return "null" if value is None else "string"
