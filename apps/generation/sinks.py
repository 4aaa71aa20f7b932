"""Where the answers of a submission go, by its purpose."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from apps.core.errors import DomainError
from apps.generation.planning import PURPOSE
from apps.generation.record_sink import RecordSink
from apps.submissions.models import Submission
from apps.submissions.sinks import Sink

SINKS: dict[str, Callable[[int], Sink[Any]]] = {PURPOSE: RecordSink}


def sink_of(submission_id: int) -> Sink[Any]:
    """The sink of a submission; DomainError when nobody takes answers of its purpose."""
    purpose = Submission.objects.values_list("purpose", flat=True).get(pk=submission_id)
    if purpose not in SINKS:
        raise DomainError(f"Nobody takes the answers of a submission that is there to {purpose!r}.")
    return SINKS[purpose](submission_id)
