"""Nothing is sent that was not screened, and nothing that changed since."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from apps.core.errors import RefusedError
from apps.submissions.models import Submission, SubmissionStatus
from apps.submissions.request_files import path_of
from apps.submissions.screening import ScreenedPlace, screen_submission
from tests.submissions.scene import make_submission, reread, screen, send, time_passes
from tests.submissions.scripted import Scripted

pytestmark = pytest.mark.django_db

CANARY = "where is my money"


def finds_canary(*, submission: Submission, file: Path) -> Sequence[ScreenedPlace]:
    return [
        ScreenedPlace(number, "/request/seeds/0", "leakage", "a protected text")
        for number, line in enumerate(file.read_text().splitlines(), 1)
        if CANARY in line
    ]


def finds_nothing(*, submission: Submission, file: Path) -> Sequence[ScreenedPlace]:
    return []


def is_down(*, submission: Submission, file: Path) -> Sequence[ScreenedPlace]:
    raise ConnectionError("the leakage database is away")


def cannot_read(*, submission: Submission, file: Path) -> Sequence[ScreenedPlace]:
    raise RefusedError("The request file cannot be screened.", ["line 1: too long"])


def test_a_clean_file_is_screened(provider: Scripted) -> None:
    submission = make_submission()
    screen_submission(submission.pk, [finds_nothing])
    screened = reread(submission)
    assert (screened.status, screened.screen_findings) == (SubmissionStatus.SCREENED, [])
    assert screened.screened_at is not None


def test_a_canary_stops_it_and_only_places_are_kept(provider: Scripted) -> None:
    submission = make_submission()
    screen_submission(submission.pk, [finds_nothing, finds_canary])
    stopped = reread(submission)
    assert stopped.status == SubmissionStatus.FAILED
    assert [place["line"] for place in stopped.screen_findings] == [1, 2]
    assert CANARY not in str(stopped.screen_findings) + stopped.last_error
    assert send(stopped).status == SubmissionStatus.FAILED
    assert provider.posts == []


def test_a_screen_that_is_down_decides_nothing(provider: Scripted) -> None:
    submission = make_submission()
    screen_submission(submission.pk, [is_down])
    waiting = reread(submission)
    assert (waiting.status, waiting.attempts) == (SubmissionStatus.INTENT, 1)
    assert "the leakage database is away" in waiting.last_error
    time_passes(waiting)
    screen_submission(submission.pk, [finds_nothing])
    assert reread(submission).status == SubmissionStatus.SCREENED


def test_a_file_that_cannot_be_screened_is_not_sent(provider: Scripted) -> None:
    submission = make_submission()
    screen_submission(submission.pk, [cannot_read])
    assert reread(submission).status == SubmissionStatus.FAILED
    assert reread(submission).last_error == "The request file cannot be screened. line 1: too long"


def tamper(submission: Submission) -> None:
    path = path_of(submission.request_file)
    path.chmod(0o600)
    path.write_bytes(path.read_bytes().replace(b"money", b"honey"))


def test_a_file_that_changed_before_screening_is_stopped(provider: Scripted) -> None:
    submission = make_submission()
    tamper(submission)
    assert screen(submission).status == SubmissionStatus.FAILED


def test_a_file_that_changed_after_screening_is_not_sent(provider: Scripted) -> None:
    submission = screen(make_submission())
    tamper(submission)
    stopped = send(submission)
    assert (stopped.status, stopped.post_count) == (SubmissionStatus.FAILED, 0)
    assert stopped.last_error == "The request file changed after it was screened."
    assert provider.posts == []
