"""Running checks over a batch, cheapest first. What cannot be checked is said, and does not pass."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace

from apps.specs.models import Project
from apps.specs.selectors import spec_view
from apps.task_types import task_type_of
from apps.validation.checks import REGISTRY, Batch, Check, FindingData, Item
from apps.validation.models import Outcome

logger = logging.getLogger(__name__)

STOPS = frozenset({Outcome.BLOCK, Outcome.NOT_CHECKED})


def make_batch(project: Project, items: Sequence[Item]) -> Batch:
    return Batch(
        project, project.published_spec(), spec_view(project), task_type_of(project.task_type), items
    )


def checks_of(batch: Batch) -> list[Check]:
    """The checks of the batch's task type that its spec does not switch off, in order."""
    names = [name for name in batch.task_type.check_ids if batch.options(name).get("enabled", True)]
    return [REGISTRY[name] for name in names]


def run_checks(batch: Batch) -> list[list[FindingData]]:
    """Findings for each item of the batch. An item that a check stops is not shown to the later, dearer ones."""
    findings: list[list[FindingData]] = [[] for _ in batch.items]
    alive = list(range(len(batch.items)))
    for check in checks_of(batch):
        part = batch.narrowed([batch.items[position] for position in alive])
        for place, found in _run_one(check, part).items():
            signed = [replace(f, check_name=check.name, check_version=check.version) for f in found]
            findings[alive[place]].extend(signed)
        alive = [position for position in alive if not is_stopped(findings[position])]
        if not alive:
            break
    return findings


def is_stopped(findings: Sequence[FindingData]) -> bool:
    return any(finding.outcome in STOPS for finding in findings)


def _run_one(check: Check, batch: Batch) -> dict[int, list[FindingData]]:
    try:
        return {place: list(found) for place, found in check.run(batch).items()}
    except Exception as error:  # whatever a check does wrong, its records must not slip through
        logger.exception("The check %s failed on %s records", check.name, len(batch.items))
        said = FindingData(
            outcome=Outcome.NOT_CHECKED,
            code=type(error).__name__[:60],
            message=f"The check {check.name} could not run ({type(error).__name__}).",
        )
        return {place: [said] for place in range(len(batch.items))}
