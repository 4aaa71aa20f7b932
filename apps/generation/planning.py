"""From a run to its request files: what is asked, of whom, with which seeds."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from django.db import transaction

from apps.core.clock import database_now
from apps.core.errors import DomainError, StaleStateError
from apps.generation.jobs import RunPlan, plan_of
from apps.generation.models import Run, RunStatus
from apps.submissions.claims import described, pause
from apps.submissions.estimates import reservation_for
from apps.submissions.models import Delivery
from apps.submissions.request_files import FrozenRequests, freeze
from apps.submissions.services import plan_submission

# Longer than the largest run takes to write down.
PLANNING = timedelta(minutes=5)


def plan_run(run_id: int) -> None:
    """Writes the request files of a started run and commits all its submissions at once.

    A run that is stopped, or planned by somebody else meanwhile, keeps what it has: these files go away.
    """
    run = _claim(run_id)
    if run is None:
        return
    files: list[FrozenRequests] = []
    try:
        plan = plan_of(run)
        files.extend(
            freeze(run.connection, plan.requests(), total=len(plan), is_batch=run.delivery == Delivery.BATCH)
        )
        _commit(run, plan, files)
    except StaleStateError:
        _discard(files)
    except Exception as error:  # noqa: BLE001  whatever it was, it is written on the run for people to read
        _discard(files)
        _put_off(run, error)


def _claim(run_id: int) -> Run | None:
    now = database_now()
    due = Run.objects.to_submit(now).filter(pk=run_id)
    run = due.select_related("project", "gap", "prompt_version__prompt", "connection").first()
    if run is None:
        return None
    rows = Run.objects.filter(pk=run.pk, planned_at=None, next_attempt_at=run.next_attempt_at)
    return run if rows.update(next_attempt_at=now + PLANNING) else None


@transaction.atomic
def _commit(run: Run, plan: RunPlan, files: Sequence[FrozenRequests]) -> None:
    planned = Run.objects.filter(pk=run.pk, status=RunStatus.RUNNING, planned_at=None).update(
        planned_at=database_now(), next_attempt_at=None, attempts=0, last_error=""
    )
    if planned != 1:
        raise StaleStateError(f"{run} was stopped or planned meanwhile.")
    plan.take()
    for frozen in files:
        plan_submission(
            frozen=frozen,
            project=run.project,
            connection=run.connection,
            purpose=run.prompt_version.prompt.role,
            run_uuid=run.uuid,
            delivery=run.delivery,
            reservation=reservation_for(run.estimate, requests=len(frozen.contexts)),
        )


def _discard(files: Sequence[FrozenRequests]) -> None:
    for frozen in files:
        frozen.discard()


def _put_off(run: Run, error: Exception) -> None:
    attempts = run.attempts + 1
    problems = getattr(error, "problems", [])
    text = " ".join([str(error), *problems]) if isinstance(error, DomainError) else described(error)
    Run.objects.filter(pk=run.pk, planned_at=None).update(
        attempts=attempts, last_error=text, next_attempt_at=database_now() + pause(attempts)
    )
