"""Comparing the learner's arms: cross-validation on real rows, then answers to the holdout that nobody scores.

The work is cut into steps of seconds, each of which leaves its result on the row. A worker does steps until its
slice of time is over and hands the row back; a worker that dies is followed by another one, which goes on after
the last step that was written down.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from apps.accounts.models import User
from apps.core.errors import DomainError, StaleStateError
from apps.core.wake import wake
from apps.datasets.models import Release
from apps.datasets.selectors import latest_ready
from apps.evaluation import learner
from apps.evaluation.contribution import summary
from apps.evaluation.models import (
    MACHINE,
    Comparison,
    ComparisonQuerySet,
    ComparisonStatus,
)
from apps.evaluation.steps import Work
from apps.specs.models import Project
from apps.task_types import task_type_of

logger = logging.getLogger(__name__)

QUEUE = "evaluation"
LEASE = timedelta(minutes=10)
"""Longer than the slowest step; without a sign of life for so long, a worker counts as dead."""
SLICE_SECONDS = 120
MAX_ATTEMPTS = 3
SCORED_ON = "cross-validation on real rows"


def request_comparison(
    *,
    project: Project,
    arms: Sequence[str],
    actor: User | None,
    release: Release | None = None,
    folds: int = 5,
) -> Comparison:
    """Queues a comparison of ``arms`` on ``release`` (the latest ready one).

    Without any release, the real-only arms can be compared. Raises DomainError for arms that there are not or
    that lack their data.
    """
    if not (task_type := task_type_of(project.task_type)).answers_one_label:
        raise DomainError(
            f"The built-in learner answers with one label, which is no answer here ({task_type.title}): "
            "train a model outside and upload its predictions."
        )
    if unknown := sorted(set(arms) - set(learner.ARMS)):
        raise DomainError(f"There is no arm {', '.join(unknown)}; there is {', '.join(learner.ARMS)}.")
    if not arms:
        raise DomainError(f"Name at least one arm: {', '.join(learner.ARMS)}.")
    if not learner.LEAST_FOLDS <= folds <= learner.MOST_FOLDS:
        raise DomainError(f"Folds: {learner.LEAST_FOLDS} to {learner.MOST_FOLDS}, not {folds}.")
    release = release or latest_ready(project)
    if release is None and not learner.REAL_ONLY.issuperset(arms):
        raise DomainError(
            f"{project} has no release that is ready, and synthetic rows come from one: build a release first."
        )
    comparison = Comparison.objects.create(
        project=project,
        release_uuid=release.uuid if release else None,
        arms=[arm for arm in learner.ARMS if arm in arms],
        folds=folds,
        created_by=actor,
        next_attempt_at=timezone.now(),
    )
    wake(QUEUE)
    return comparison


def work_on_comparison(comparison_id: int) -> None:
    """Does the next steps of a comparison that is due. Does nothing if another worker has it.

    A DomainError fails it at once, since trying again would meet it again. Any other error is tried again, as is
    a worker's death, until MAX_ATTEMPTS in a row got no step done.
    """
    comparison = _claim(comparison_id)
    if comparison is None:
        return
    if comparison.attempts > MAX_ATTEMPTS:
        # No error was written, so its workers were killed: for want of memory, or because a step outlasts the lease.
        _fail(comparison, f"Its worker died {MAX_ATTEMPTS} times while: {comparison.current_step}")
        return
    try:
        _do_steps(comparison)
    except StaleStateError:
        logger.warning("Comparison %s was taken over by another worker.", comparison_id)
    except DomainError as error:
        _fail(comparison, str(error))
    except Exception as error:
        logger.exception("Comparison %s failed", comparison_id)
        _put_off(comparison, f"{type(error).__name__} while: {comparison.current_step or 'reading the rows'}")


def _do_steps(comparison: Comparison) -> None:
    work = Work(comparison)
    steps = work.steps()
    results = dict(comparison.results)
    done: list[str] = results.setdefault("done", [])
    until = time.monotonic() + SLICE_SECONDS
    _save(comparison, results, steps_total=len(steps), steps_done=len(done))
    for key, (name, run) in steps.items():
        if key in done:
            continue
        if time.monotonic() > until:
            _hand_back(comparison)
            return
        _save(comparison, results, current_step=name)
        run(results)
        done.append(key)
        # A step that came to its end proves that this is no poisoned row.
        _save(comparison, results, steps_done=len(done), attempts=0)
    _finish(comparison, results, work)


def _finish(comparison: Comparison, results: dict[str, Any], work: Work) -> None:
    arms = {
        arm: summary(learner.add_counts(list(results["folds"][arm].values())), work.roles)
        for arm in comparison.arms
    }
    MACHINE.swap(
        _ours(comparison),
        old=ComparisonStatus.RUNNING,
        new=ComparisonStatus.DONE,
        results=results | {"arms": arms, "scored_on": SCORED_ON},
        current_step="",
        finished_at=timezone.now(),
        next_attempt_at=None,
        last_error="",
    )


@transaction.atomic
def _claim(comparison_id: int) -> Comparison | None:
    """Takes the comparison for LEASE; None when it is not due."""
    now = timezone.now()
    comparison = Comparison.objects.due(now).filter(pk=comparison_id).select_related("project").first()
    if comparison is None:
        return None
    lease = now + LEASE
    changes = {"next_attempt_at": lease, "attempts": comparison.attempts + 1}
    try:
        if comparison.status == ComparisonStatus.RUNNING:
            # Whoever had it is dead: its lease ran out.
            MACHINE.swap(
                _ours(comparison),
                old=ComparisonStatus.RUNNING,
                new=ComparisonStatus.QUEUED,
                next_attempt_at=comparison.next_attempt_at,
            )
        MACHINE.swap(_ours(comparison), old=ComparisonStatus.QUEUED, new=ComparisonStatus.RUNNING, **changes)
    except StaleStateError:
        return None
    comparison.status, comparison.next_attempt_at = ComparisonStatus.RUNNING, lease
    comparison.attempts += 1
    return comparison


def _ours(comparison: Comparison) -> ComparisonQuerySet:
    """Empty once another worker has claimed it: the lease is the fence."""
    return Comparison.objects.filter(pk=comparison.pk, next_attempt_at=comparison.next_attempt_at)


def _save(comparison: Comparison, results: Mapping[str, Any], **changes: Any) -> None:
    """Writes progress down, which is also the sign of life."""
    lease = timezone.now() + LEASE
    running = _ours(comparison).filter(status=ComparisonStatus.RUNNING)
    if running.update(results=dict(results), next_attempt_at=lease, **changes) != 1:
        raise StaleStateError("Another worker has this comparison.")
    comparison.next_attempt_at = lease
    for name, value in changes.items():
        setattr(comparison, name, value)


def _hand_back(comparison: Comparison) -> None:
    MACHINE.swap(
        _ours(comparison),
        old=ComparisonStatus.RUNNING,
        new=ComparisonStatus.QUEUED,
        next_attempt_at=timezone.now(),
        attempts=0,
    )
    wake(QUEUE)


def _put_off(comparison: Comparison, message: str) -> None:
    if comparison.attempts >= MAX_ATTEMPTS:
        _fail(comparison, message)
        return
    MACHINE.swap(
        _ours(comparison),
        old=ComparisonStatus.RUNNING,
        new=ComparisonStatus.QUEUED,
        last_error=message,
        next_attempt_at=timezone.now() + timedelta(seconds=10 * 2**comparison.attempts),
    )


def _fail(comparison: Comparison, message: str) -> None:
    MACHINE.swap(
        _ours(comparison),
        old=ComparisonStatus.RUNNING,
        new=ComparisonStatus.FAILED,
        last_error=message,
        finished_at=timezone.now(),
        next_attempt_at=None,
    )
