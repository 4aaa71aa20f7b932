"""With Redis and Celery as a team runs them: messages make work start sooner, the database makes it start at all."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.urls import reverse

from apps.accounts.models import User
from apps.generation.models import Run, RunStatus
from apps.generation.prompts import default_rules_prompt
from apps.generation.services import draft_run
from apps.records.models import Record, Use
from apps.records.states import RecordStatus
from apps.review.models import ReviewTask
from apps.specs.models import Role, Standing
from apps.submissions.models import Submission
from apps.submissions.services import ensure_rules_connection
from tests import factories
from tests.operations.team import Redis, celery_processes, click, wait_for

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.django_db(transaction=True, databases=["default", "leakage", "holdout"]),
]
COUNT = 12


@pytest.fixture
def folder() -> Iterator[Path]:
    """A short path: the name of a Unix socket has room for about 100 characters."""
    with tempfile.TemporaryDirectory(prefix="sr-") as path:
        yield Path(path)


@pytest.fixture
def redis(folder: Path) -> Iterator[Redis]:
    server = Redis(folder)
    yield server
    server.stop()


@pytest.fixture
def lead() -> User:
    return factories.make_member(factories.make_project(standing=Standing.SANDBOX), Role.LEAD)


@pytest.fixture
def run(lead: User) -> Run:
    """A run that waits for its click."""
    project = lead.memberships.get().project
    factories.make_spec(project)
    factories.make_guide(project, "refund", "billing")
    for text in (
        "i want the renewal money back",
        "charged again for the year, refund please",
        "why renew me? refund",
    ):
        factories.make_real(project, text, "refund", use=Use.SEED)
    return draft_run(
        gap=factories.make_gap(project),
        prompt_version=default_rules_prompt(project=project, name="from seeds", actor=None),
        connection=ensure_rules_connection(),
        count=COUNT,
        actor=lead,
    )


def start(run: Run, lead: User, redis: Redis) -> int:
    path = reverse("generation:run-start", args=[run.project.slug, run.pk])
    return click(lead.pk, path, redis.address)


def is_reviewable(run: Run) -> bool:
    """Everything the run made has been checked, and what passed lies in the queue of the reviewers."""
    run.refresh_from_db()
    made = Record.objects.filter(run_uuid=run.uuid)
    waiting = made.awaiting_review()
    return (
        run.status == RunStatus.DONE
        and made.exists()
        and not made.filter(status=RecordStatus.GENERATED).exists()
        and ReviewTask.objects.filter(record__in=waiting).count() == waiting.count() > 0
    )


def assert_made_once(run: Run) -> None:
    submissions = Submission.objects.of_run(run.uuid)
    assert [submission.post_count for submission in submissions] == [1]
    assert Record.objects.filter(run_uuid=run.uuid).count() == COUNT


def test_a_run_reaches_the_reviewers_through_the_workers_alone(
    run: Run, lead: User, redis: Redis, folder: Path
) -> None:
    redis.start()
    with celery_processes(redis.address, folder) as processes:
        assert start(run, lead, redis) == 302
        wait_for(lambda: is_reviewable(run), "records to review")
        assert [name for name, process in processes.items() if process.poll() is not None] == []
    assert_made_once(run)


def test_work_goes_on_when_redis_forgets_everything(run: Run, lead: User, redis: Redis, folder: Path) -> None:
    redis.start()
    assert start(run, lead, redis) == 302
    # The wake-up of the click is lost before anybody could hear it, and later whatever is on its way.
    redis.flush()
    with celery_processes(redis.address, folder):
        wait_for(lambda: Submission.objects.of_run(run.uuid).exists(), "the run to be planned")
        redis.flush()
        wait_for(lambda: is_reviewable(run), "records to review")
    assert_made_once(run)


def test_a_click_while_redis_is_away_succeeds_and_its_work_starts_when_it_is_back(
    run: Run, lead: User, redis: Redis, folder: Path
) -> None:
    with celery_processes(redis.address, folder):
        assert start(run, lead, redis) == 302
        run.refresh_from_db()
        assert (run.status, run.planned_at) == (RunStatus.RUNNING, None)
        redis.start()
        wait_for(lambda: is_reviewable(run), "records to review")
    assert_made_once(run)
