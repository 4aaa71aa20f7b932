"""Calls that a person waits for: all steps in one go, before any other work of the generation worker."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from apps.submissions.ingest import ingest_submission
from apps.submissions.sending import send_submission
from apps.submissions.sinks import Sink
from apps.submissions.synchronous import answer_submission


def answer_interactively(submission_id: int, sink_of: Callable[[int], Sink[Any]]) -> None:
    """Screened → running → ingesting → done. Each step takes the row only where it stands, so any may be first."""
    send_submission(submission_id)
    answer_submission(submission_id)
    ingest_submission(submission_id, sink_of(submission_id))
