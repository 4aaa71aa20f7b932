"""Where the answers of a submission go, by its purpose."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from apps.generation import teacher, trials
from apps.generation.jobs import JOBS, job_of
from apps.submissions.models import Submission
from apps.submissions.sinks import Sink

OTHERS: dict[str, Callable[[int], Sink[Any]]] = {
    teacher.PURPOSE: teacher.TeacherSink,
    trials.PURPOSE: trials.TrialSink,
}
# What this room asks; judges are asked, and read, by the critic.
PURPOSES = frozenset({*JOBS, *OTHERS})


def sink_of(submission_id: int) -> Sink[Any]:
    """The sink of a submission: that of its run's job, of a teacher check, or of a trial."""
    purpose = Submission.objects.values_list("purpose", flat=True).get(pk=submission_id)
    if purpose in OTHERS:
        return OTHERS[purpose](submission_id)
    return job_of(purpose).sink(submission_id)
