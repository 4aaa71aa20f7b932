"""Running checks over a batch, cheapest first. What cannot be checked is said, and does not pass."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from apps.specs.models import Project
from apps.specs.selectors import published
from apps.task_types import task_type_of
from apps.validation.checks import REGISTRY, Batch, Check, FindingData, Item
from apps.validation.checks.base import STRENGTH
from apps.validation.deadlines import deadline
from apps.validation.models import Outcome

logger = logging.getLogger(__name__)

STOPS = frozenset({Outcome.BLOCK, Outcome.NOT_CHECKED})
SECONDS_A_BATCH = 120
SECONDS_AN_ITEM = 10
EXTRA_SECONDS_A_SLICE = 90
"""What checks may ask for beyond that together: a slice has to end before its claim does."""
GIVES_UP_AFTER = 3
"""Items in a row on which a check failed: it is not the record's fault, and the rest is not tried."""


def make_batch(project: Project, items: Sequence[Item]) -> Batch:
    rules = published(project)
    return Batch(project, rules.spec, rules.view, task_type_of(project.task_type), items)


def checks_of(batch: Batch) -> list[Check]:
    """The checks of the batch's task type that are on in its spec, in order."""
    checks = [REGISTRY[name] for name in batch.task_type.check_ids]
    return [check for check in checks if check.is_enabled(batch.options(check.name))]


def portion_of(batch: Batch, checks: Sequence[Check]) -> int:
    """How many of the batch's items one slice takes: fewer where ``checks`` run code that may use up its time."""
    size = len(batch.items)
    while size > 1:
        part = replace(batch, items=batch.items[:size])
        if sum(check.extra_seconds(part) for check in checks) <= EXTRA_SECONDS_A_SLICE:
            break
        size //= 2
    return size


def run_checks(
    batch: Batch, *, is_draft: bool = False, overruled: Collection[str] = (), left_out: Collection[str] = ()
) -> list[list[FindingData]]:
    """Findings for each item of the batch. An item that a check stops is not shown to the later, dearer ones.

    ``is_draft``: somebody is still typing, so nothing is started that needs time of its own. The checks named in
    ``overruled`` say what they find and stop nothing; those in ``left_out`` are not asked.
    """
    findings: list[list[FindingData]] = [[] for _ in batch.items]
    alive = list(range(len(batch.items)))
    for check in checks_of(batch):
        if check.name in left_out or (is_draft and check.extra_seconds(batch)):
            continue
        part = batch.narrowed([batch.items[position] for position in alive])
        for place, found in run_one(check, part).items():
            findings[alive[place]].extend(found)
        if check.name not in overruled:
            alive = [position for position in alive if not is_stopped(findings[position], overruled)]
        if not alive:
            break
    return findings


def is_stopped(findings: Iterable[FindingData], overruled: Collection[str] = ()) -> bool:
    return any(finding.outcome in STOPS and finding.check_name not in overruled for finding in findings)


def run_one(check: Check, batch: Batch) -> dict[int, list[FindingData]]:
    """What one check says, signed and no stronger than the project wants it. An item it failed on says so."""
    strongest = batch.severity(check)
    return {
        place: [
            replace(f, check_name=check.name, check_version=check.version, outcome=_capped(f, strongest))
            for f in found
        ]
        for place, found in _tried(check, batch).items()
    }


def _capped(finding: FindingData, strongest: Outcome) -> Outcome:
    if finding.outcome == Outcome.NOT_CHECKED:
        return finding.outcome
    return min(finding.outcome, strongest, key=STRENGTH.__getitem__)


def _tried(check: Check, batch: Batch) -> dict[int, list[FindingData]]:
    """All at once; where that fails, one by one, so that a single record does not stop its neighbours."""
    try:
        with deadline(SECONDS_A_BATCH + check.extra_seconds(batch)):
            return {place: list(found) for place, found in check.run(batch).items()}
    except Exception as error:  # whatever a check does wrong, its records must not slip through
        logger.exception("The check %s failed on %s records", check.name, len(batch.items))
        if len(batch.items) == 1:
            return {0: [_not_checked(check, batch, error)]}
    return _one_by_one(check, batch)


def _one_by_one(check: Check, batch: Batch) -> dict[int, list[FindingData]]:
    found: dict[int, list[FindingData]] = {}
    failed_in_a_row, failure = 0, None
    for place, item in enumerate(batch.items):
        if failure is not None and failed_in_a_row >= GIVES_UP_AFTER:
            found[place] = [failure]
            continue
        alone = replace(batch, items=[item])
        try:
            with deadline(SECONDS_AN_ITEM + check.extra_seconds(alone)):
                found[place] = list(check.run(alone).get(0, ()))
            failed_in_a_row = 0
        except Exception as error:  # noqa: BLE001  logged for the whole batch already
            failed_in_a_row, failure = failed_in_a_row + 1, _not_checked(check, batch, error)
            found[place] = [failure]
    return found


def _not_checked(check: Check, batch: Batch, error: Exception) -> FindingData:
    """Stops the record; what only warns or informs warns that it could not look."""
    stops = batch.severity(check) == Outcome.BLOCK
    return FindingData(
        outcome=Outcome.NOT_CHECKED if stops else Outcome.WARN,
        code=type(error).__name__[:60],
        message=f"The check {check.name} could not run ({type(error).__name__}).",
    )
