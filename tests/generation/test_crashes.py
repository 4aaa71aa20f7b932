"""The generation worker is killed at every named place and started again: exact counts, one POST (threats 2, 3, 11)."""

from __future__ import annotations

import signal
from dataclasses import dataclass

import pytest
from django.db.models import Count

from apps.generation.models import Run, RunStatus
from apps.generation.planning import plan_run
from apps.providers import rules_journal
from apps.records.models import Record, RecordEvent
from apps.submissions.models import RequestOutcome, Submission, SubmissionStatus
from apps.submissions.screening import screen_submission
from tests.generation.scene import make_ready_project, start, time_passes, work

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "leakage", "holdout"])

# Ten records a request: two slices.
COUNT = 4_100
CRASH_POINTS = (
    "before_sending_commit",
    "after_create_before_accept_commit",
    "mid_ingest_before_commit",
    "after_ingest_commit",
)


@dataclass(frozen=True)
class Stand:
    """Where the submission stands and what the provider was asked."""

    status: str
    post_count: int
    posts: int
    records: int


def stand() -> Stand:
    submission = Submission.objects.get()
    created = [event for event in rules_journal.read(submission.nonce) if event["event"] == "created"]
    return Stand(submission.status, submission.post_count, len(created), Record.objects.candidates().count())


AFTER_CRASH = {
    "before_sending_commit": Stand(SubmissionStatus.SCREENED, 0, 0, 0),
    "after_create_before_accept_commit": Stand(SubmissionStatus.SENDING, 1, 1, 0),
    "mid_ingest_before_commit": Stand(SubmissionStatus.INGESTING, 1, 1, 0),
    "after_ingest_commit": Stand(SubmissionStatus.INGESTING, 1, 1, 4_000),
}


@pytest.fixture
def run() -> Run:
    """Planned and screened: its next step is to be sent."""
    run = start(make_ready_project(), count=COUNT)
    plan_run(run.pk)
    screen_submission(Submission.objects.get().pk, [])
    return run


def assert_exact(run: Run) -> None:
    run.refresh_from_db()
    submission = Submission.objects.get()
    records = Record.objects.filter(run_uuid=run.uuid)
    assert (run.status, submission.status) == (RunStatus.DONE, SubmissionStatus.DONE)
    assert records.count() == submission.records_made == COUNT
    assert records.values("request_id", "position").distinct().count() == COUNT
    assert not records.annotate(births=Count("events")).exclude(births=1).exists()
    assert RecordEvent.objects.filter(record__run_uuid=run.uuid).count() == COUNT
    assert set(submission.requests.values_list("outcome", flat=True)) == {RequestOutcome.ANSWERED}


@pytest.mark.soak
@pytest.mark.parametrize("place", CRASH_POINTS)
def test_a_killed_worker_leaves_exact_counts_and_one_post(run: Run, place: str) -> None:
    assert work("generation", crash_at=place) == -signal.SIGKILL
    assert stand() == AFTER_CRASH[place]
    time_passes()
    assert work("generation") == 0
    assert_exact(run)
    assert (stand().post_count, stand().posts) == (1, 1)


def test_killed_at_every_place_one_after_the_other(run: Run) -> None:
    kill_at_every_place(run)


@pytest.mark.soak
@pytest.mark.parametrize("round_number", range(250))
def test_a_thousand_kills(run: Run, round_number: int) -> None:
    kill_at_every_place(run)


def kill_at_every_place(run: Run) -> None:
    for place in CRASH_POINTS:
        time_passes()
        assert work("generation", crash_at=place) == -signal.SIGKILL
        assert stand() == AFTER_CRASH[place]
    time_passes()
    assert work("generation") == 0
    assert_exact(run)
    assert (stand().post_count, stand().posts) == (1, 1)


def test_sending_again_instead_of_looking_for_it_posts_twice(run: Run) -> None:
    """The negative control: what a task that simply retries would do after the same crash."""
    assert work("generation", crash_at="after_create_before_accept_commit") == -signal.SIGKILL
    Submission.objects.update(status=SubmissionStatus.SCREENED)
    time_passes()
    assert work("generation") == 0
    assert (stand().post_count, stand().posts) == (2, 2)
