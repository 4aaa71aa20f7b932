"""Requests posted one by one: each at most once, its answer on disk first, the lost ones missing and askable again."""

from __future__ import annotations

import json
import signal
import threading
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connections

from apps.core.errors import DomainError, StaleStateError
from apps.generation.models import RunStatus
from apps.generation.planning import plan_run
from apps.generation.services import resend_missing as resend_for_run
from apps.providers import REGISTRY
from apps.providers.base import AmbiguousError, DefiniteRefusalError, Endpoint, JsonObject, RetryLaterError
from apps.providers.keys import MissingKeyError
from apps.records.models import Record
from apps.submissions import request_files, services, synchronous
from apps.submissions.models import Delivery, RequestOutcome, Spending, Submission, SubmissionStatus
from apps.submissions.request_files import FrozenRequests, freeze_again, path_of
from apps.submissions.services import Reservation, request_cancel, resend_missing
from apps.submissions.synchronous import answer_submission
from tests import factories
from tests.generation.scene import make_ready_project, start, work
from tests.generation.scene import time_passes as everything_is_due
from tests.submissions.scene import ingest, make_submission, reread, screen, send, time_passes
from tests.submissions.scripted import Scripted, answer

pytestmark = pytest.mark.django_db
S, Outcome = SubmissionStatus, RequestOutcome
PRICE = {"input": "1", "output": "1"}


class OneByOne(Scripted):
    """Answers each request by what ``script`` says for its line number; nothing said is an answer."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []
        self.script: dict[int, list[Exception]] = {}
        self.meanwhile: Callable[[], None] | None = None
        """What else happens while it thinks."""

    def answer_now(self, line: JsonObject, *, endpoint: Endpoint) -> bytes:
        custom_id = str(line["custom_id"])
        self.asked.append(custom_id)
        if self.meanwhile:
            self.meanwhile()
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


def test_a_missing_key_posts_nothing_and_waits_for_the_operator(provider: OneByOne) -> None:
    provider.script = {1: [MissingKeyError("The generation worker has no TEAM_API_KEY.")]}
    waiting = post(running())
    assert (waiting.status, waiting.requests.filter(posted_at=None).count()) == (S.RUNNING, 1)
    assert "TEAM_API_KEY" in waiting.last_error
    done = through(waiting)
    assert (done.status, outcomes(done)) == (S.DONE, {Outcome.ANSWERED: 3})


def test_without_room_for_answers_nothing_is_posted(
    provider: OneByOne, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(request_files, "LEAST_FREE_BYTES", 1 << 60)
        waiting = post(running())
    assert (waiting.status, waiting.post_count, provider.asked) == (S.RUNNING, 0, [])
    assert "before there is room for answers" in waiting.last_error
    assert through(waiting).status == S.DONE


def test_an_answer_that_cannot_be_kept_stops_the_posting(
    provider: OneByOne, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each further post would be paid for and lost like this one."""
    monkeypatch.setattr(synchronous, "AT_ONCE", 1)
    submission = running()
    in_the_way = path_of(f"submissions/{submission.uuid}/answers")
    in_the_way.touch()
    waiting = post(submission)
    assert (waiting.status, waiting.attempts, len(provider.asked)) == (S.RUNNING, 1, 1)
    assert "Error" in waiting.last_error
    in_the_way.unlink()
    done = through(waiting)
    assert (done.status, outcomes(done)) == (S.INCOMPLETE, {Outcome.ANSWERED: 2, Outcome.MISSING: 1})
    assert len(provider.asked) == 3


def test_a_request_file_that_cannot_be_read_leaves_no_attempts_behind(provider: OneByOne) -> None:
    submission = running()
    path_of(submission.request_file).unlink()
    waiting = post(submission)
    assert (waiting.status, waiting.post_count, provider.asked) == (S.RUNNING, 0, [])
    assert not waiting.requests.exclude(posted_at=None).exists()


def test_a_stop_between_choosing_and_posting_is_heeded(
    provider: OneByOne, monkeypatch: pytest.MonkeyPatch
) -> None:
    submission = running()
    monkeypatch.setattr(synchronous, "refuse_full_disk", lambda: request_cancel(submissions=[submission]))
    stopping = post(submission)
    assert (provider.asked, stopping.post_count) == ([], 0)
    assert not stopping.requests.exclude(posted_at=None).exists()
    assert post(stopping).status == S.CANCELLED


@pytest.mark.django_db(transaction=True)
def test_a_stop_in_the_middle_costs_at_most_what_was_posted(
    provider: OneByOne, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(synchronous, "AT_ONCE", 1)
    planned = make_submission(
        requests=3, delivery=Delivery.SYNCHRONOUS, reservation=Reservation(amount=Decimal(3), price=PRICE)
    )
    submission = send(screen(planned))

    def stop() -> None:
        request_cancel(submissions=[submission])
        connections.close_all()

    provider.meanwhile = stop
    stopped = post(submission)
    assert (stopped.status, len(provider.asked)) == (S.CANCELLED, 1)
    assert (stopped.cost, stopped.cost_is_guess) == (Decimal(1), True)
    assert set(Spending.objects.values_list("reserved", "spent")) == {(Decimal(0), Decimal(1))}


@pytest.mark.django_db(transaction=True)
def test_an_answer_that_comes_too_late_does_not_touch_what_is_being_taken_in(provider: OneByOne) -> None:
    """Its poster was silent for so long that another worker went on without it."""
    submission = running()
    rival: list[bytes] = []

    def go_on_without_it() -> None:
        provider.meanwhile = None
        time_passes(submission)
        try:
            while reread(submission).status == S.RUNNING:
                time_passes(submission)
                answer_submission(submission.pk)
            rival.append(path_of(reread(submission).result_file).read_bytes())
        finally:
            connections.close_all()

    provider.meanwhile = go_on_without_it
    answer_submission(submission.pk)
    late = reread(submission)
    assert path_of(late.result_file).read_bytes() == rival[0]
    assert len(late.requests.exclude(posted_at=None)) == len(set(provider.asked)) == len(provider.asked) == 3
    done = ingest(late)
    assert done.status == S.INCOMPLETE
    assert outcomes(done)[Outcome.MISSING] >= 1


def test_single_answers_go_away_once_they_are_one_file(provider: OneByOne) -> None:
    done = through(running())
    folder = path_of(done.request_file).parent
    assert {path.name for path in folder.iterdir()} == {"requests.jsonl", path_of(done.result_file).name}


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
