"""A generation worker dies in the middle of taking answers in, and Redis forgets everything (threats 11, 13).

The run goes on with the next worker and ends with exact counts. No message survives; the database is the queue.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db.models import Count

from apps.core.crashpoints import VARIABLE
from apps.generation.models import Run, RunStatus
from apps.records.models import Record
from apps.submissions.models import Submission, SubmissionStatus
from tests.generation.scene import make_ready_project, start, time_passes
from tests.operations.team import Redis, celery_processes, wait_for

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.django_db(transaction=True, databases=["default", "leakage", "holdout"]),
]
COUNT = 6_000


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="sr-") as path:
        yield Path(path)


@pytest.fixture
def redis(folder: Path) -> Iterator[Redis]:
    server = Redis(folder)
    server.start()
    yield server
    server.stop()


def assert_exact(run: Run) -> None:
    run.refresh_from_db()
    submissions = Submission.objects.of_run(run.uuid)
    assert {submission.status for submission in submissions} == {SubmissionStatus.DONE}
    assert {submission.post_count for submission in submissions} == {1}
    records = Record.objects.filter(run_uuid=run.uuid)
    assert records.count() == COUNT
    assert records.values("submission_uuid", "request_id", "position").distinct().count() == COUNT
    assert not records.annotate(births=Count("events")).exclude(births__gte=1).exists()


def test_a_worker_that_dies_mid_ingest_and_a_redis_that_forgets_leave_exact_counts(
    redis: Redis, folder: Path
) -> None:
    run = start(make_ready_project(), count=COUNT)
    killer = {VARIABLE: "mid_ingest_before_commit"}
    with celery_processes(redis.address, folder, generation=killer) as processes:
        # Its pool child kills itself inside the transaction; the slice is rolled back and nothing is in.
        wait_for(
            lambda: "signal 9 (SIGKILL)" in (folder / "generation.log").read_text(), "the child to be killed"
        )
        processes["generation"].kill()
        processes["generation"].wait()
        redis.flush()
    assert not Record.objects.filter(run_uuid=run.uuid).exists()
    assert Submission.objects.of_run(run.uuid).filter(status=SubmissionStatus.INGESTING).exists()
    # The dead worker's lease of a minute is over.
    time_passes()
    with celery_processes(redis.address, folder):
        wait_for(lambda: Run.objects.filter(pk=run.pk, status=RunStatus.DONE).exists(), "the run to end")
    assert_exact(run)
