"""Screening a frozen request file before it may be sent.

Runs in the validation worker, which may ask about leaks. What to look for is handed in from above: this app
must not know the fingerprints of the holdout.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

from apps.core.clock import database_now
from apps.core.errors import RefusedError
from apps.core.wake import wake
from apps.submissions.claims import claim, move, put_off
from apps.submissions.models import Delivery, Submission, SubmissionStatus
from apps.submissions.request_files import is_as_frozen, path_of

# Enough to find the cause; a prompt that leaks does so in every line.
MOST_PLACES = 100


@dataclass(frozen=True)
class ScreenedPlace:
    """Where something was found that must not be sent. Never the text."""

    line: int
    """In the request file; 0 for what it was made from."""
    pointer: str
    screen: str
    """Which screen found it: ``leakage`` or ``secrets``."""
    reason: str


class Screen(Protocol):
    """Looks through a request file and names every place that must not be sent."""

    def __call__(self, *, submission: Submission, file: Path) -> Sequence[ScreenedPlace]: ...


def screen_submission(submission_id: int, screens: Sequence[Screen]) -> None:
    """Intent → screened, when the file is as it was planned and no screen finds anything; else failed.

    When a screen itself fails, nothing is known: the submission stays where it is and is tried again.
    """
    submission = claim(submission_id, SubmissionStatus.INTENT)
    if submission is None:
        return
    if not is_as_frozen(submission):
        move(submission, SubmissionStatus.FAILED, last_error="The request file changed after it was planned.")
        return
    try:
        places = [
            place
            for screen in screens
            for place in screen(submission=submission, file=path_of(submission.request_file))
        ]
    except RefusedError as error:
        # What cannot be screened is not sent; no later try would read it.
        move(submission, SubmissionStatus.FAILED, last_error=" ".join([str(error), *error.problems[:3]]))
        return
    except Exception as error:  # noqa: BLE001  whatever broke, an unscreened file is not sent
        put_off(submission, error)
        return
    if places:
        move(
            submission,
            SubmissionStatus.FAILED,
            screen_findings=[asdict(place) for place in places[:MOST_PLACES]],
            last_error=f"The screen stopped it in {len(places):,} place(s). Nothing was sent.",
        )
    else:
        move(submission, SubmissionStatus.SCREENED, screened_at=database_now())
    wake("interactive" if submission.delivery == Delivery.INTERACTIVE else "generation")
