"""One check over made-up records, without a database: what the tests of single checks share."""

from __future__ import annotations

from typing import Any

from apps.specs.models import Project, Spec
from apps.task_types import task_type_of
from apps.task_types.base import SpecView
from apps.validation.checks import REGISTRY, Batch, FindingData, Item
from apps.validation.pipeline import run_one


def findings_of(
    name: str, *, options: Any = None, input: Any = None, output: Any = None
) -> list[FindingData]:
    """What the check ``name`` says of one record under a spec that writes ``options`` for it."""
    project = Project(task_type="classification")
    spec = Spec(project=project, checks={name: options if options is not None else {}})
    item = Item(1, input or {}, output or {}, str((input or {}).get("text", "")), "")
    batch = Batch(project, spec, SpecView(), task_type_of("classification"), [item])
    return run_one(REGISTRY[name], batch).get(0, [])


def codes(name: str, **record: Any) -> list[tuple[str, str]]:
    """Code and pointer of each finding."""
    return [(finding.code, finding.pointer) for finding in findings_of(name, **record)]


def slips(name: str, options: dict[str, Any]) -> list[str]:
    return list(REGISTRY[name].problems(options))
