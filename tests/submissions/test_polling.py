"""Asking how it goes changes nothing until it has ended; then the results are on disk, whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.utils import timezone

from apps.providers.base import Batch, BatchState
from apps.submissions import services
from apps.submissions.models import Submission, SubmissionStatus
from apps.submissions.request_files import path_of
from tests.submissions.scene import poll, reread, sent, time_passes
from tests.submissions.scripted import Scripted

pytestmark = pytest.mark.django_db

S = SubmissionStatus


def poll_again(submission: Submission) -> Submission:
    time_passes(submission)
    return poll(submission)


def test_waiting_and_running_are_looked_at_again_later(provider: Scripted) -> None:
    submission = sent()
    provider.state = BatchState.WAITING
    waiting = poll(submission)
    assert waiting.status == S.ACCEPTED
    assert waiting.next_attempt_at is not None
    assert waiting.next_attempt_at > timezone.now()
    provider.state = BatchState.RUNNING
    assert poll_again(submission).status == S.RUNNING
    assert poll_again(submission).status == S.RUNNING


def test_an_ended_batch_has_its_results_on_disk(provider: Scripted) -> None:
    submission = sent()
    provider.lines = [b'{"a": 1}', b'{"b": 2}\n']
    ended = poll(submission)
    assert (ended.status, ended.ended_as) == (S.INGESTING, "done")
    assert path_of(ended.result_file).read_bytes() == b'{"a": 1}\n{"b": 2}\n'


@pytest.mark.parametrize(
    ("state", "ended_as"), [(BatchState.EXPIRED, "expired"), (BatchState.CANCELLED, "cancelled")]
)
def test_what_an_expired_or_cancelled_batch_finished_is_fetched_too(
    provider: Scripted, state: BatchState, ended_as: str
) -> None:
    submission = sent()
    provider.state = state
    ended = poll(submission)
    assert (ended.status, ended.ended_as) == (S.INGESTING, ended_as)


def test_a_failed_batch_says_why(provider: Scripted) -> None:
    submission = sent()
    provider.state = BatchState.FAILED
    failed = poll(submission)
    assert (failed.status, failed.last_error) == (S.FAILED, "said the provider")


def test_a_provider_that_is_away_for_a_day_is_polled_when_it_is_back(provider: Scripted) -> None:
    submission = sent()
    provider.on_poll = ConnectionError("away")
    for attempt in range(1, 6):
        assert poll_again(submission).attempts == attempt
    provider.on_poll = None
    assert poll_again(submission).status == S.INGESTING


def test_a_download_that_breaks_leaves_no_file_and_starts_over(provider: Scripted) -> None:
    submission = sent()

    def results(batch: Batch) -> Iterator[bytes]:
        yield b"{}"
        raise OSError("no space left on device")

    whole, provider.results = provider.results, results  # type: ignore[method-assign]
    broken = poll(submission)
    assert (broken.status, broken.attempts) == (S.ACCEPTED, 1)
    assert "no space left" in broken.last_error
    folder = path_of(broken.request_file).parent
    assert [path.name for path in folder.iterdir()] == ["requests.jsonl"]
    provider.results = whole  # type: ignore[method-assign]
    assert poll_again(submission).status == S.INGESTING


def test_a_stopped_submission_is_cancelled_at_the_provider(provider: Scripted) -> None:
    submission = sent()
    services.request_cancel(submissions=[submission])
    stopped = poll(submission)
    assert (stopped.status, provider.cancelled) == (S.CANCELLED, ["batch-1"])


def test_a_cancel_that_fails_is_tried_again(provider: Scripted) -> None:
    submission = sent()
    provider.on_cancel = ConnectionError("away")
    services.request_cancel(submissions=[submission])
    assert poll(submission).status == S.ACCEPTED
    provider.on_cancel = None
    assert poll_again(submission).status == S.CANCELLED
    assert reread(submission).finished_at is not None
