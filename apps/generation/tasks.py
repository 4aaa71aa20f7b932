"""Background work of the generation queue: planning runs, and every step that talks to a provider."""

from __future__ import annotations

from celery import shared_task

from apps.core.sweep import Sweep
from apps.generation import planning, selectors, services
from apps.generation.sinks import PURPOSES, sink_of
from apps.submissions import ingest, interactive, polling, sending, synchronous
from apps.submissions import selectors as submissions


@shared_task(name="generation.plan_run")
def plan_run(run_id: int) -> None:
    planning.plan_run(run_id)


@shared_task(name="generation.send_submission")
def send_submission(submission_id: int) -> None:
    sending.send_submission(submission_id)


@shared_task(name="generation.reconcile_submission")
def reconcile_submission(submission_id: int) -> None:
    sending.reconcile_submission(submission_id)


@shared_task(name="generation.poll_submission")
def poll_submission(submission_id: int) -> None:
    polling.poll_submission(submission_id)


@shared_task(name="generation.answer_submission")
def answer_submission(submission_id: int) -> None:
    synchronous.answer_submission(submission_id)


@shared_task(name="generation.ingest_submission")
def ingest_submission(submission_id: int) -> None:
    ingest.ingest_submission(submission_id, sink_of(submission_id))


@shared_task(name="generation.answer_interactively")
def answer_interactively(submission_id: int) -> None:
    interactive.answer_interactively(submission_id, sink_of)


@shared_task(name="generation.finish_run")
def finish_run(run_id: int) -> None:
    services.finish_run(run_id)


def _to_ingest() -> list[int]:
    return submissions.to_ingest(PURPOSES)


SWEEPS: tuple[Sweep, ...] = (
    Sweep("answer people who wait", "interactive", submissions.interactive_due, answer_interactively),
    Sweep("plan runs", "generation", selectors.to_plan, plan_run),
    Sweep("send submissions", "generation", submissions.to_send, send_submission),
    Sweep("find lost submissions", "generation", submissions.to_reconcile, reconcile_submission),
    Sweep("poll submissions", "generation", submissions.to_poll, poll_submission),
    Sweep("post requests one by one", "generation", submissions.to_answer, answer_submission),
    Sweep("take answers in", "generation", _to_ingest, ingest_submission),
    Sweep("finish runs", "generation", selectors.to_finish, finish_run),
)
