"""One check over made-up records, without a database: what the tests of single checks share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from apps.specs.models import Project, Spec
from apps.task_types import task_type_of
from apps.task_types.base import SpecView
from apps.validation.checks import REGISTRY, Batch, FindingData, Item
from apps.validation.pipeline import run_one
from apps.validation.settings_of_checks import problems_of


def said_of(
    name: str, options: Any, *payloads: tuple[Mapping[str, Any], Mapping[str, Any]]
) -> list[list[FindingData]]:
    """What the check ``name`` says of each (input, output) under a spec that writes ``options`` for it."""
    project = Project(task_type="classification")
    spec = Spec(project=project, checks={name: options})
    items = [
        Item(number, input_, output, str(input_.get("text", "")), "")
        for number, (input_, output) in enumerate(payloads, start=1)
    ]
    batch = Batch(project, spec, SpecView(), task_type_of("classification"), items)
    found = run_one(REGISTRY[name], batch)
    return [found.get(position, []) for position in range(len(items))]


def findings_of(
    name: str, *, options: Any = None, input: Any = None, output: Any = None
) -> list[FindingData]:
    """What the check ``name`` says of one record."""
    return said_of(name, options if options is not None else {}, (input or {}, output or {}))[0]


def codes(name: str, **record: Any) -> list[tuple[str, str]]:
    """Code and pointer of each finding."""
    return [(finding.code, finding.pointer) for finding in findings_of(name, **record)]


def told(found: list[FindingData]) -> list[tuple[str, str]]:
    """Code and pointer of findings that all block."""
    assert {finding.outcome for finding in found} <= {"block"}
    return [(finding.code, finding.pointer) for finding in found]


def slips(name: str, options: dict[str, Any]) -> list[str]:
    return list(REGISTRY[name].problems(options))


def refusals(name: str, options: Mapping[str, Any]) -> list[str]:
    """What is wrong with ``options``, their shape included, when a spec with them is to be published."""
    return problems_of(Spec(project=Project(task_type="classification"), checks={name: options}))
