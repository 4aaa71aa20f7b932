"""Requests posted one by one: each at most once, its answer on disk first, the lost ones missing and askable again."""

from __future__ import annotations

import json
import signal
import threading
from collections import Counter
from datetime import timedelta

import pytest
from django.db import connections

from apps.core.errors import DomainError, StaleStateError
from apps.generation.models import RunStatus
from apps.generation.planning import plan_run
from apps.generation.services import resend_missing as resend_for_run
from apps.providers import REGISTRY
from apps.providers.base import AmbiguousError, DefiniteRefusalError, Endpoint, JsonObject, RetryLaterError
from apps.records.models import Record
from apps.submissions import services
from apps.submissions.models import Delivery, RequestOutcome, Submission, SubmissionStatus
from apps.submissions.request_files import FrozenRequests, freeze_again, path_of
from apps.submissions.services import request_cancel, resend_missing
from apps.submissions.synchronous import answer_submission
from tests import factories
from tests.generation.scene import make_ready_project, start, work
from tests.generation.scene import time_passes as everything_is_due
from tests.submissions.scene import ingest, make_submission, reread, screen, send, time_passes
from tests.submissions.scripted import Scripted, answer

pytestmark = pytest.mark.django_db
S, Outcome = SubmissionStatus, RequestOutcome


class OneByOne(Scripted):
    """Answers each request by what ``script`` says for its line number; nothing said is an answer."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []
        self.script: dict[int, list[Exception]] = {}

    def answer_now(self, line: JsonObject, *, endpoint: Endpoint) -> bytes:
        custom_id = str(line["custom_id"])
        self.asked.append(custom_id)
        if waiting := self.script.get(int(custom_id[-6:])):
            raise waiting.pop(0)
        return answer(custom_id, f"text {custom_id}")


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> OneByOne:
    scripted = OneByOne()
    monkeypatch.setitem(REGISTRY, scripted.key, scripted)
    return scripted


def running(requests: int = 3) -> Submission:
    submission = send(screen(make_submission(requests=requests, delivery=Delivery.SYNCHRONOUS)))
    assert (submission.status, submission.post_count) == (S.RUNNING, 0)
    return submission


def post(submission: Submission) -> Submission:
    time_passes(submission)
    answer_submission(submission.pk)
    return reread(submission)


def through(submission: Submission) -> Submission:
    for _ in range(4):
        if (submission := post(submission)).status != S.RUNNING:
            break
    return ingest(submission)


def outcomes(submission: Submission) -> Counter[str]:
    return Counter(submission.requests.values_list("outcome", flat=True))


def test_each_request_is_posted_once_and_all_come_in(provider: OneByOne) -> None:
    done = through(running())
    assert (done.status, done.post_count, done.records_made) == (S.DONE, 3, 3)
    assert len(set(provider.asked)) == len(provider.asked) == 3


def test_a_lost_answer_is_missing_and_is_not_posted_again(provider: OneByOne) -> None:
    provider.script = {2: [AmbiguousError("reset")]}
    done = through(running())
    assert (done.status, done.post_count, len(provider.asked)) == (S.INCOMPLETE, 3, 3)
    assert outcomes(done) == {Outcome.ANSWERED: 2, Outcome.MISSING: 1}


def test_a_429_counts_as_not_posted(provider: OneByOne) -> None:
    provider.script = {2: [RetryLaterError("slow down", after=timedelta(minutes=3))]}
    waiting = post(running())
    assert waiting.status == S.RUNNING
    assert "slow down" in waiting.last_error
    done = through(waiting)
    assert done.status == S.DONE
    assert Counter(provider.asked).most_common(1)[0][1] == 2
    assert outcomes(done) == {Outcome.ANSWERED: 3}


def test_a_refused_request_is_an_error_with_the_reason_and_its_neighbours_come_in(provider: OneByOne) -> None:
    provider.script = {1: [DefiniteRefusalError("HTTP 400: too long")]}
    done = through(running())
    refused = done.requests.get(outcome=Outcome.FAILED)
    assert (done.status, refused.reason) == (S.DONE, "error")
    assert "too long" in refused.message


def test_a_stopped_one_posts_no_more(provider: OneByOne) -> None:
    submission = running()
    request_cancel(submissions=[submission])
    assert post(submission).status == S.CANCELLED
    assert provider.asked == []


@pytest.mark.django_db(transaction=True)
def test_two_workers_never_post_one_request_twice(provider: OneByOne) -> None:
    submission = running(3)
    barrier = threading.Barrier(2)

    def one() -> None:
        barrier.wait()
        try:
            answer_submission(submission.pk)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=one) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    done = through(reread(submission))
    assert (done.status, sorted(Counter(provider.asked).values())) == (S.DONE, [1, 1, 1])


# --- Asking the missing ones again


@pytest.fixture
def incomplete(provider: OneByOne) -> Submission:
    provider.script = {2: [AmbiguousError("reset")]}
    return through(running())


def test_only_the_missing_are_asked_again_word_for_word(provider: OneByOne, incomplete: Submission) -> None:
    again = resend_missing(submission=incomplete, actor=factories.make_user())
    (old,) = [line for line in lines_of(incomplete) if line["custom_id"][-6:] == "000002"]
    (new,) = lines_of(again)
    assert new["custom_id"] == f"{again.nonce}-000001"
    assert {**new, "custom_id": ""} == {**old, "custom_id": ""}
    assert outcomes(incomplete) == {Outcome.ANSWERED: 2, Outcome.RESENT: 1}
    done = through(send(screen(again)))
    assert (done.status, done.resend_of, done.records_made) == (S.DONE, incomplete, 1)


def lines_of(submission: Submission) -> list[dict[str, str]]:
    return [json.loads(line) for line in path_of(submission.request_file).read_text().splitlines()]


def test_nobody_asks_the_same_again_twice(provider: OneByOne, incomplete: Submission) -> None:
    person = factories.make_user()
    resend_missing(submission=incomplete, actor=person)
    with pytest.raises(DomainError, match="Nothing is missing"):
        resend_missing(submission=incomplete, actor=person)


def test_of_two_people_at_once_one_is_refused_and_leaves_no_file(
    provider: OneByOne, incomplete: Submission, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both have read what is missing before either writes; the other one writes first."""

    def meanwhile(submission: Submission, contexts: dict[str, dict[str, object]]) -> FrozenRequests:
        submission.requests.filter(outcome=Outcome.MISSING).update(outcome=Outcome.RESENT)
        return freeze_again(submission, contexts)

    monkeypatch.setattr(services, "freeze_again", meanwhile)
    with pytest.raises(StaleStateError, match="just now"):
        resend_missing(submission=incomplete, actor=factories.make_user())
    assert not Submission.objects.filter(resend_of=incomplete).exists()
    assert [path.name for path in path_of("submissions").iterdir()] == [str(incomplete.uuid)]


# --- Killed in the middle, by real processes


@pytest.mark.django_db(transaction=True, databases=["default", "leakage", "holdout"])
@pytest.mark.parametrize("place", ["before_request_post", "after_request_post"])
def test_a_killed_poster_loses_what_was_under_way_and_posts_nothing_twice(place: str) -> None:
    run = start(make_ready_project(), count=100, delivery=Delivery.SYNCHRONOUS)
    plan_run(run.pk)
    screen(Submission.objects.get())
    assert work("generation", crash_at=place) == -signal.SIGKILL
    everything_is_due()
    assert work("generation") == 0
    run.refresh_from_db()
    submission = Submission.objects.get()
    counts = outcomes(submission)
    assert run.status == RunStatus.DONE
    assert counts[Outcome.ANSWERED] * 10 == Record.objects.filter(run_uuid=run.uuid).count()
    # Four at once: before the post they are lost, after it their answers are on disk.
    assert counts[Outcome.MISSING] == (4 if place == "before_request_post" else 0)
    assert submission.post_count == submission.request_count
    if counts[Outcome.MISSING]:
        resend_for_run(submission=submission, actor=factories.make_user())
        run.refresh_from_db()
        assert run.status == RunStatus.RUNNING
