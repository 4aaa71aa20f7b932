"""Lost batches of a provider that marks none: one in doubt at a time, adopted by guess, disowned if not ours."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import connections
from django.utils import timezone

from apps.core.errors import StaleStateError
from apps.providers.base import AmbiguousError, Batch, BatchState, Found, NotOursError
from apps.providers.keys import MissingKeyError
from apps.specs.models import Project
from apps.submissions.models import Submission, SubmissionStatus
from apps.submissions.sending import reconcile_submission, send_submission
from tests import factories
from tests.submissions.scene import ids_of, ingest, make_submission, poll, reread, screen, send, time_passes
from tests.submissions.scripted import Scripted, answer

pytestmark = pytest.mark.django_db
S = SubmissionStatus


@pytest.fixture
def tagless(provider: Scripted) -> Scripted:
    provider.tags_batches = False
    return provider


def lost(provider: Scripted, project: Project | None = None) -> Submission:
    provider.on_create = AmbiguousError("reset")
    submission = send(screen(make_submission(project)))
    provider.on_create = None
    assert submission.status == S.UNKNOWN
    return submission


def look(submission: Submission) -> Submission:
    time_passes(submission)
    reconcile_submission(submission.pk)
    return reread(submission)


def test_while_one_is_in_doubt_no_other_of_the_workspace_is_sent(tagless: Scripted) -> None:
    first = lost(tagless)
    second = send(screen(make_submission(first.project)))
    assert (second.status, second.post_count, len(tagless.posts)) == (S.SCREENED, 0, 1)
    assert "marks no batch" in second.last_error
    look(first)
    time_passes(second)
    assert send(second).status == S.ACCEPTED


def test_a_provider_with_tags_waits_for_nobody(provider: Scripted) -> None:
    first = lost(provider)
    assert send(screen(make_submission(first.project))).status == S.ACCEPTED


def test_a_single_likely_one_is_adopted(tagless: Scripted, monkeypatch: pytest.MonkeyPatch) -> None:
    submission = lost(tagless)
    likely = Found("batch-1", timezone.now(), is_certain=False)
    monkeypatch.setattr(tagless, "find", lambda batch: [likely])
    assert look(submission).batch_id == "batch-1"


def test_of_two_likely_ones_none_is_taken_and_none_cancelled(
    tagless: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    submission = lost(tagless)
    likely = [Found(name, timezone.now(), is_certain=False) for name in ("theirs", "ours")]
    monkeypatch.setattr(tagless, "find", lambda batch: likely)
    waiting = look(submission)
    assert (waiting.status, tagless.cancelled) == (S.UNKNOWN, [])
    assert "told apart" in waiting.last_error


def test_a_certain_one_is_taken_and_a_likely_stranger_is_left_alone(
    tagless: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    submission = lost(tagless)
    found = [
        Found("theirs", timezone.now() - timedelta(minutes=5), is_certain=False),
        Found("ours", timezone.now()),
    ]
    monkeypatch.setattr(tagless, "find", lambda batch: found)
    assert look(submission).batch_id == "ours"
    assert tagless.cancelled == []


def test_what_turns_out_to_be_somebody_else_s_is_disowned_and_ours_is_found(
    tagless: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    submission = lost(tagless)
    theirs, ours = (Found(name, timezone.now(), is_certain=False) for name in ("theirs", "ours"))
    monkeypatch.setattr(tagless, "find", lambda batch: [theirs])
    adopted = look(submission)

    def refuse(batch: Batch) -> Iterator[bytes]:
        raise NotOursError("other ids")

    with monkeypatch.context() as patch:
        patch.setattr(tagless, "results", refuse)
        time_passes(adopted)
        disowned = poll(adopted)
    assert (disowned.status, disowned.batch_id) == (S.UNKNOWN, "")
    assert disowned.disowned_batches == ["theirs"]
    monkeypatch.setattr(tagless, "find", lambda batch: [theirs, ours])
    again = look(disowned)
    assert again.batch_id == "ours"
    tagless.lines = [answer(each, each) for each in ids_of(again)]
    time_passes(again)
    assert ingest(poll(again)).status == S.DONE
    assert len(tagless.posts) == 1


def test_what_another_submission_has_is_not_taken(tagless: Scripted, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the same size and the same hour: only our own book tells that it is not the lost one."""
    taken = send(screen(make_submission()))
    submission = lost(tagless, taken.project)
    listed = [Found(taken.batch_id, timezone.now(), is_certain=False)]
    monkeypatch.setattr(tagless, "find", lambda batch: listed)
    assert look(submission).status == S.UNKNOWN
    listed.append(Found("ours", timezone.now(), is_certain=False))
    assert look(submission).batch_id == "ours"
    assert reread(taken).status == S.ACCEPTED


def test_a_disowned_one_waits_until_no_other_is_in_doubt(
    tagless: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    adopted = send(screen(make_submission()))
    doubtful = lost(tagless, adopted.project)
    tagless.on_results = NotOursError("other ids")
    time_passes(adopted)
    waiting = poll(adopted)
    assert (waiting.status, waiting.batch_id) == (S.ACCEPTED, adopted.batch_id)
    assert "unresolved" in waiting.last_error
    monkeypatch.setattr(tagless, "find", lambda batch: [Found("found", timezone.now())])
    look(doubtful)
    time_passes(waiting)
    assert poll(waiting).status == S.UNKNOWN


def test_an_undone_batch_is_sent_again_later(provider: Scripted) -> None:
    """The provider's queue was full: it made nothing, as a 429 would have said."""
    submission = send(screen(make_submission()))
    provider.state = BatchState.DEFERRED
    time_passes(submission)
    deferred = poll(submission)
    assert (deferred.status, deferred.batch_id, deferred.attempts) == (S.SCREENED, "", 1)
    assert deferred.disowned_batches == [submission.batch_id]
    assert deferred.next_attempt_at is not None
    assert deferred.next_attempt_at > timezone.now() + timedelta(minutes=4)
    provider.state = BatchState.ENDED
    time_passes(deferred)
    assert (send(deferred).status, len(provider.posts)) == (S.ACCEPTED, 2)


def test_a_missing_key_is_no_doubt(provider: Scripted) -> None:
    """It is missed before a socket opens: the submission waits for the operator, and nobody has to look for it."""
    provider.refusal = MissingKeyError("The generation worker has no TEAM_API_KEY.")
    submission = send(screen(make_submission()))
    assert (submission.status, submission.attempts) == (S.SCREENED, 1)
    assert "TEAM_API_KEY" in submission.last_error


def test_an_upload_that_fails_is_repeated_and_costs_no_post(
    provider: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(batch: Batch) -> str:
        raise ConnectionError("no route")

    monkeypatch.setattr(provider, "upload", broken)
    submission = send(screen(make_submission()))
    assert (submission.status, submission.post_count, provider.posts) == (S.SCREENED, 0, [])
    monkeypatch.setattr(provider, "upload", lambda batch: "file-7")
    time_passes(submission)
    sent = send(submission)
    assert (sent.status, sent.upload, sent.post_count) == (S.ACCEPTED, "file-7", 1)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("tags", "posts"), [(False, 1), (True, 2)], ids=["in a lane", "the negative control"]
)
def test_two_workers_at_once_put_one_in_doubt(provider: Scripted, *, tags: bool, posts: int) -> None:
    """Both answers are lost; only the unique index keeps the second from being posted."""
    provider.tags_batches = tags
    provider.on_create = AmbiguousError("reset")
    project = factories.make_project()
    both = [screen(make_submission(project)) for _ in range(2)]
    barrier = threading.Barrier(2)

    def work(pk: int) -> None:
        barrier.wait()
        try:
            send_submission(pk)
        except StaleStateError:
            pass
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work, args=(submission.pk,)) for submission in both]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(provider.posts) == posts
