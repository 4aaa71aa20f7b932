"""Whether a record has the shape that its task type demands, for rooms that take rows in."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Never

import jsonschema_rs

from apps.core.pointers import joined


def shape_problem(payload: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    """What is wrong with ``payload`` first of all, in words that quote none of it; empty where it fits."""
    error = next(iter(validator_of(schema).iter_errors(dict(payload))), None)
    if error is None:
        return ""
    return f"{joined('', *error.instance_path) or 'the record'} does not fit: {error.message[:200]}"


def validator_of(schema: Mapping[str, Any]) -> jsonschema_rs.Validator:
    """Compiled once. Raises jsonschema_rs.ValidationError for what is no schema, or refers outside."""
    return _compiled(json.dumps(schema, sort_keys=True))


@lru_cache(maxsize=64)
def _compiled(schema: str) -> jsonschema_rs.Validator:
    return jsonschema_rs.validator_for(
        json.loads(schema),
        retriever=_refuse_reference,
        pattern_options=jsonschema_rs.RegexOptions(),
        validate_formats=True,
        mask="the value",
    )


def _refuse_reference(uri: str) -> Never:
    raise ValueError(f"the schema refers to {uri}; remote references are never followed")
