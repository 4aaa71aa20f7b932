"""What came back without an answer is asked again on a lead's word: that alone, once, and within the budget."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps.core.errors import DomainError, RefusedError
from apps.generation.models import Run, RunStatus
from apps.generation.planning import plan_run
from apps.generation.services import resend_missing
from apps.operations.work import drain
from apps.providers.base import Limits
from apps.providers.rules import Rules
from apps.records.models import Record
from apps.specs.models import Role
from apps.submissions.models import Budget, RequestOutcome, Submission, SubmissionStatus
from apps.submissions.request_files import path_of
from tests import factories
from tests.generation.scene import make_ready_project, start

pytestmark = pytest.mark.django_db(databases=["default", "leakage", "holdout"])

PRICE = {"input": "1", "output": "2", "source": "a contract", "as_of": "2026-11-01", "is_guess": False}


@pytest.fixture
def run() -> Run:
    """Three requests of ten records each; it is done, and one of them never got an answer."""
    run = start(make_ready_project(), count=30)
    plan_run(run.pk)
    submission, now = Submission.objects.get(), timezone.now()
    submission.requests.update(outcome=RequestOutcome.ANSWERED)
    submission.requests.filter(pk=submission.requests.latest("pk").pk).update(outcome=RequestOutcome.MISSING)
    Submission.objects.update(
        status=SubmissionStatus.INCOMPLETE,
        screened_at=now,
        finished_at=now,
        settled_at=now,
        next_attempt_at=None,
        cost=Decimal(2),
        reserved=Decimal(3),
        price=PRICE,
    )
    Run.objects.update(status=RunStatus.DONE, finished_at=now)
    run.refresh_from_db()
    return run


def submission_of(run: Run) -> Submission:
    return Submission.objects.select_related("connection", "project").get(run_uuid=run.uuid, resend_of=None)


def folders() -> list[str]:
    return sorted(path.name for path in path_of("submissions").iterdir())


def test_a_run_that_was_done_goes_on_until_the_rest_is_in(run: Run) -> None:
    again = resend_missing(submission=submission_of(run), actor=factories.make_user())
    run.refresh_from_db()
    assert (run.status, run.finished_at) == (RunStatus.RUNNING, None)
    assert (again.request_count, again.reserved, again.resend_of) == (1, Decimal(1), submission_of(run))
    drain(["validation", "generation"])
    run.refresh_from_db()
    again.refresh_from_db()
    assert (run.status, again.status) == (RunStatus.DONE, SubmissionStatus.DONE)
    assert run.finished_at is not None
    assert Record.objects.filter(run_uuid=run.uuid).count() == again.records_made == 10


def test_a_request_keeps_its_bytes_but_for_the_id(run: Run) -> None:
    old = submission_of(run)
    again = resend_missing(submission=old, actor=factories.make_user())
    before = path_of(old.request_file).read_bytes().splitlines(keepends=True)[-1]
    (after,) = path_of(again.request_file).read_bytes().splitlines(keepends=True)
    assert len(after) == len(before)
    (custom_id,) = again.requests.values_list("custom_id", flat=True)
    assert after == before.replace(f"{old.nonce}-000003".encode(), custom_id.encode())
    assert again.requests.get().context == old.requests.latest("pk").context


def test_a_run_that_goes_on_anyway_just_gets_it(run: Run) -> None:
    """Another submission of it is still under way, or was asked again a moment ago."""
    Run.objects.update(status=RunStatus.RUNNING, finished_at=None)
    assert resend_missing(submission=submission_of(run), actor=factories.make_user()).request_count == 1


def test_of_a_stopped_run_nothing_more_is_asked(run: Run) -> None:
    Run.objects.update(status=RunStatus.STOPPED)
    with pytest.raises(DomainError, match="was stopped"):
        resend_missing(submission=submission_of(run), actor=factories.make_user())
    assert Submission.objects.count() == 1


def test_over_the_budget_nothing_changes_and_the_file_is_gone(run: Run) -> None:
    Budget.objects.create(project=run.project, total_cap=Decimal("0.50"))
    before = folders()
    with pytest.raises(RefusedError, match="go over the budget"):
        resend_missing(submission=submission_of(run), actor=factories.make_user())
    run.refresh_from_db()
    assert (run.status, folders()) == (RunStatus.DONE, before)
    assert submission_of(run).requests.filter(outcome=RequestOutcome.MISSING).count() == 1


def test_fewer_than_a_batch_takes_are_not_asked_again(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    limits = Limits(requests=10, bytes=1_000_000, records_per_request=10, minimum_requests=2)
    monkeypatch.setattr(Rules, "limits", lambda self, endpoint: limits)
    with pytest.raises(DomainError, match="no batch of fewer than 2"):
        resend_missing(submission=submission_of(run), actor=factories.make_user())
    assert Submission.objects.count() == 1


# --- The page


def url(name: str, run: Run, *args: Any) -> str:
    return reverse(name, args=[run.project.slug, *args])


def page_of(client: Client, run: Run) -> str:
    return client.get(url("reports:run-detail", run, run.pk)).content.decode()


def test_a_lead_sees_how_many_and_for_how_much_and_presses_once(client: Client, run: Run) -> None:
    client.force_login(factories.make_member(run.project, Role.LEAD))
    pk = submission_of(run).pk
    assert f"Ask the 1 unanswered of batch {pk} again, for at most $1.00" in page_of(client, run)
    address = url("generation:submission-resend-missing", run, pk)
    response = client.post(address)
    assert response.headers["Location"] == url("reports:run-detail", run, run.pk)
    assert "unanswered of batch" not in page_of(client, run)
    assert client.post(address).status_code == 400
    assert Submission.objects.count() == 2


def test_nobody_else_may(client: Client, run: Run) -> None:
    address = url("generation:submission-resend-missing", run, submission_of(run).pk)
    client.force_login(factories.make_member(run.project, Role.MANAGER))
    assert "unanswered of batch" not in page_of(client, run)
    assert client.post(address).status_code == 403
    assert client.get(address).status_code in {403, 405}
    client.force_login(factories.make_member(make_ready_project().project, Role.LEAD))
    assert client.post(address).status_code == 404
    assert Submission.objects.filter(run_uuid=run.uuid).count() == 1


def test_a_stopped_run_offers_nothing(client: Client, run: Run) -> None:
    Run.objects.update(status=RunStatus.STOPPED)
    client.force_login(factories.make_member(run.project, Role.LEAD))
    assert "unanswered of batch" not in page_of(client, run)
    assert (
        client.post(url("generation:submission-resend-missing", run, submission_of(run).pk)).status_code
        == 400
    )
