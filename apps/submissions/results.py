"""From a provider's answers to a file that is taken in."""

from __future__ import annotations

from collections.abc import Iterable

from apps.core.errors import StaleStateError
from apps.submissions.claims import holding, move
from apps.submissions.models import Submission, SubmissionStatus
from apps.submissions.request_files import path_of, tidy, write_results


def keep_results(submission: Submission, lines: Iterable[bytes], *, ended_as: str, note: str = "") -> None:
    """Brings ``lines`` to disk and moves the row on to be taken in.

    Of two workers that do so at once, the one that moves the row says which file counts; the other gets
    StaleStateError and its file goes away.
    """
    name = write_results(submission, holding(submission, lines))
    try:
        move(submission, SubmissionStatus.INGESTING, result_file=name, ended_as=ended_as, last_error=note)
    except StaleStateError:
        path_of(name).unlink(missing_ok=True)
        raise
    tidy(submission, kept=name)
