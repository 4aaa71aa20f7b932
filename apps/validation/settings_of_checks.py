"""What a spec may write under ``checks``: switches and thresholds, told apart from slips before they are published."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import jsonschema
from django.db import transaction

from apps.accounts.models import User
from apps.core.errors import RefusedError
from apps.core.json_schemas import refusal
from apps.specs import services as specs
from apps.specs.models import Spec
from apps.task_types import task_type_of
from apps.validation.checks import REGISTRY, Check
from apps.validation.checks.base import LOWERED
from apps.validation.proofs import unproven
from apps.validation.rechecks import look_again_at_changed


def publish_spec(*, spec: Spec, actor: User | None) -> Spec:
    """Publishes a draft whose checks can run. RefusedError names each slip by check and option.

    Checks whose definitions are others now look again at the records that were made for the old ones.
    Callers outside apps.specs use this one.
    """
    problems = [*specs.missing_from_spec(spec), *problems_of(spec)]
    if problems:
        raise RefusedError(f"{spec} cannot be published:", problems)
    with transaction.atomic():
        before = spec.project.published_spec()
        published = specs.publish_spec(spec=spec, actor=actor)
        look_again_at_changed(spec=published, before=before, actor=actor)
    return published


def problems_of(spec: Spec) -> list[str]:
    """What is wrong with the checks of ``spec``, each with its place and what would be right."""
    names = task_type_of(spec.project.task_type).check_ids
    if not isinstance(spec.checks, dict):
        return ['checks: write an object, like {"near_duplicate": {"block": 0.9}}']
    shape = refusal(spec.output_schema) if spec.output_schema else ""
    return [
        *([f"output_schema{shape}"] if shape else []),
        *_slips(spec.checks, names),
        *([] if spec.audited_share is None or shape else unproven(spec)),
    ]


def _slips(checks: Mapping[str, Any], names: Sequence[str]) -> list[str]:
    return [
        f"checks/{name}{problem}"
        for name, written in checks.items()
        for problem in (
            _problems(REGISTRY[name], written)
            if name in names
            else [f": there is no such check; there is {', '.join(names)}"]
        )
    ]


def option_schema(check: Check) -> dict[str, Any]:
    """JSON Schema of what a spec may say of ``check``."""
    properties: dict[str, Any] = {
        "enabled": {"type": "boolean", "default": check.is_on, "description": "Whether it runs."}
    }
    if check.may_be_lowered:
        properties["severity"] = {
            "enum": [check.severity, *LOWERED],
            "default": check.severity,
            "description": "The strongest thing it may say.",
        }
    return {
        "type": "object",
        "properties": {**properties, **check.options},
        "additionalProperties": False,
    }


def _problems(check: Check, written: Any) -> Iterator[str]:
    if isinstance(written, bool):
        return
    schema = option_schema(check)
    errors = list(jsonschema.Draft202012Validator(schema).iter_errors(written))
    for error in errors:
        place = "".join(f"/{part}" for part in error.absolute_path)
        yield f"{place}: {error.message[:200]}{_known(schema, error)}"
    if not errors:
        yield from (f"/{problem}" for problem in check.problems(written))


def _known(schema: Mapping[str, Any], error: jsonschema.ValidationError) -> str:
    if error.validator != "additionalProperties" or error.absolute_path:
        return ""
    return f"; it takes {', '.join(schema['properties'])}"
