"""Whether a record has the shape that its task type demands, for rooms that take rows in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from apps.core.json_schemas import pointer_to, validator_of


def shape_problem(payload: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    """What is wrong with ``payload`` first of all, in words that quote none of it; empty where it fits."""
    error = next(iter(validator_of(schema).iter_errors(dict(payload))), None)
    if error is None:
        return ""
    return f"{pointer_to(error) or 'the record'} does not fit: {error.message[:200]}"
