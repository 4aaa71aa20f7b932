"""Which output fields the checks of a spec prove: only where that is all of them may a record do without people.

A field is proven when a check that blocks has executed it (tests that the code passes, calls that reach their
outcome), when a rule of the spec derives it from the input, or when the shape leaves it one value. A label, a text or a
number that a model chose is well-formed at best.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from apps.specs.models import Spec
from apps.specs.selectors import spec_view
from apps.task_types import task_type_of
from apps.validation.checks import Batch, Check
from apps.validation.models import Outcome
from apps.validation.pipeline import checks_of


def proving_checks(spec: Spec) -> list[Check]:
    """The checks that prove something under ``spec``, as strict as they come."""
    batch = _batch(spec)
    return [
        check for check in checks_of(batch) if batch.severity(check) == Outcome.BLOCK and check.proves(batch)
    ]


def unproven(spec: Spec) -> list[str]:
    """Why records under ``spec`` cannot be accepted without people, field by field; empty when they can."""
    batch = _batch(spec)
    output = batch.schema["properties"]["output"]
    fields: Mapping[str, Any] = output.get("properties", {})
    if output.get("additionalProperties") is not False or not fields:
        return [
            "audited_share: the output may hold fields that nobody has named, so nothing proves all of them."
        ]
    proven = {pointer for check in proving_checks(spec) for pointer in check.proves(batch)}
    return [
        f"audited_share: nothing proves /output/{name}. People decide, or a check that executes it has to be on "
        f"and to block (executable_tests, tool_outcome), or a rule derives it from the input (output.{name} == …)."
        for name, schema in fields.items()
        if not ({"/output", f"/output/{name}"} & proven or _has_one_value(schema))
    ]


def _has_one_value(schema: Any) -> bool:
    return isinstance(schema, dict) and ("const" in schema or len(schema.get("enum", ())) == 1)


def _batch(spec: Spec) -> Batch:
    """As ``pipeline.make_batch``, for a spec that need not be published; the guide plays no part in shape."""
    view = spec_view(spec.project)
    view = replace(view, output_schema=spec.output_schema or None)
    return Batch(spec.project, spec, view, task_type_of(spec.project.task_type), [])
