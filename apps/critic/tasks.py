"""The critic's background work, all of it in the generation worker: verdicts in, portions closed, audits begun."""

from __future__ import annotations

from celery import shared_task

from apps.core.sweep import Sweep
from apps.critic import audits, closing
from apps.critic.asking import PURPOSE
from apps.critic.verdict_sink import VerdictSink
from apps.submissions import ingest
from apps.submissions import selectors as submissions


@shared_task(name="critic.ingest_verdicts")
def ingest_verdicts(submission_id: int) -> None:
    ingest.ingest_submission(submission_id, VerdictSink(submission_id))


@shared_task(name="critic.close_asking")
def close_asking(asking_id: int) -> None:
    closing.close_asking(asking_id)


@shared_task(name="critic.audit_by_night")
def audit_by_night(judge_id: int) -> None:
    audits.audit_by_night(judge_id)


def _to_ingest() -> list[int]:
    return submissions.to_ingest({PURPOSE})


SWEEPS: tuple[Sweep, ...] = (
    Sweep("take verdicts in", "generation", _to_ingest, ingest_verdicts),
    Sweep("close askings", "generation", closing.to_close, close_asking),
    Sweep("audit accepted records", "generation", audits.to_audit, audit_by_night),
)
