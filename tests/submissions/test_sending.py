"""The money wall: at most one POST without a person's word, whatever the provider answers (threats 1 to 8)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.core.errors import StaleStateError
from apps.providers.base import AmbiguousError, Batch, Created, DefiniteRefusalError, RetryLaterError
from apps.submissions import services
from apps.submissions.models import Connection, Submission, SubmissionStatus
from apps.submissions.sending import reconcile_submission, send_submission
from tests import factories
from tests.submissions.scene import make_submission, reread, screen, send, sent, time_passes
from tests.submissions.scripted import Scripted

pytestmark = pytest.mark.django_db

S = SubmissionStatus


def reconcile(submission: Submission) -> Submission:
    time_passes(submission)
    reconcile_submission(submission.pk)
    return reread(submission)


def lost(provider: Scripted) -> Submission:
    """Sent, made at the provider, and the answer never arrived."""
    provider.on_create = AmbiguousError("timed out")
    return sent()


def test_a_batch_is_posted_once_and_its_id_kept(provider: Scripted) -> None:
    submission = sent()
    assert (submission.status, submission.batch_id, submission.post_count) == (S.ACCEPTED, "batch-1", 1)
    assert provider.posts == [submission.nonce]


def test_what_is_not_screened_is_not_sent(provider: Scripted) -> None:
    assert send(make_submission()).status == S.INTENT
    assert provider.posts == []


def test_the_attempt_is_committed_before_the_provider_is_called(provider: Scripted) -> None:
    submission = screen(make_submission())
    seen: list[tuple[str, int, bool]] = []

    def create(batch: Batch) -> Created:
        row = reread(submission)
        seen.append((row.status, row.post_count, row.sent_at is not None))
        return Created("batch-1")

    provider.create = create  # type: ignore[method-assign]
    send(submission)
    assert seen == [(S.SENDING, 1, True)]


def test_sending_again_what_was_sent_does_nothing(provider: Scripted) -> None:
    submission = sent()
    time_passes(submission)
    send_submission(submission.pk)
    assert len(provider.posts) == 1


def test_a_definite_refusal_ends_it(provider: Scripted) -> None:
    provider.refusal = DefiniteRefusalError("400 model not found")
    submission = sent()
    assert (submission.status, submission.post_count) == (S.REJECTED, 1)
    assert "model not found" in submission.last_error


def test_not_now_waits_as_long_as_asked_and_tries_again(provider: Scripted) -> None:
    provider.refusal = RetryLaterError("429", after=timedelta(minutes=7))
    submission = sent()
    assert submission.status == S.SCREENED
    assert submission.next_attempt_at is not None
    assert submission.next_attempt_at > timezone.now() + timedelta(minutes=6)
    provider.refusal = None
    time_passes(submission)
    again = send(submission)
    assert (again.status, again.post_count) == (S.ACCEPTED, 2)
    assert len(provider.batches) == 1


@pytest.mark.parametrize(
    "error", [AmbiguousError("502"), TimeoutError(), ConnectionResetError(), KeyError("a bug of ours")]
)
def test_whatever_is_not_a_definite_answer_is_unknown_and_then_found(
    provider: Scripted, error: Exception
) -> None:
    provider.on_create = error
    submission = sent()
    assert (submission.status, submission.batch_id) == (S.UNKNOWN, "")
    found = reconcile(submission)
    assert (found.status, found.batch_id, found.post_count) == (S.ACCEPTED, "batch-1", 1)
    assert len(provider.posts) == 1


def test_a_sender_that_died_is_found_out_after_its_lease_and_the_batch_adopted(provider: Scripted) -> None:
    provider.on_create = KeyboardInterrupt()
    submission = screen(make_submission())
    with pytest.raises(KeyboardInterrupt):
        send_submission(submission.pk)
    dead = reread(submission)
    assert dead.status == S.SENDING
    reconcile_submission(submission.pk)
    assert reread(submission).status == S.SENDING, "its lease is not over"
    assert reconcile(submission).status == S.UNKNOWN
    assert reconcile(submission).status == S.ACCEPTED
    assert len(provider.posts) == 1


def test_when_the_list_is_down_it_stays_unknown_and_spends_nothing(provider: Scripted) -> None:
    submission = lost(provider)
    provider.on_find = ConnectionError("list is down")
    for attempt in range(1, 5):
        waiting = reconcile(submission)
        assert (waiting.status, waiting.attempts) == (S.UNKNOWN, attempt)
    assert len(provider.posts) == 1


def test_two_found_keeps_the_oldest_cancels_the_other_and_says_so(provider: Scripted) -> None:
    submission = lost(provider)
    provider.make(submission.nonce)
    found = reconcile(submission)
    assert (found.status, found.batch_id) == (S.ACCEPTED, "batch-1")
    assert provider.cancelled == ["batch-2"]
    assert found.last_error == "2 batches carried our tag; kept the oldest. batch-2 was cancelled."


def test_a_second_one_that_cannot_be_cancelled_is_named(provider: Scripted) -> None:
    submission = lost(provider)
    provider.make(submission.nonce)
    provider.on_cancel = ConnectionError("no")
    found = reconcile(submission)
    assert found.status == S.ACCEPTED
    assert "batch-2 could not be cancelled (no): do it by hand." in found.last_error


def test_none_found_waits_for_a_person_and_never_sends_by_itself(provider: Scripted) -> None:
    submission = lost(provider)
    provider.batches.clear()
    for _ in range(5):
        waiting = reconcile(submission)
        send_submission(submission.pk)
    assert waiting.status == S.UNKNOWN
    assert "lists no batch with our tag" in waiting.last_error
    assert len(provider.posts) == 1


def test_a_batch_that_the_list_shows_late_is_still_adopted(provider: Scripted) -> None:
    submission = lost(provider)
    made = provider.batches.copy()
    provider.batches.clear()
    assert reconcile(submission).status == S.UNKNOWN
    provider.batches.update(made)
    assert reconcile(submission).status == S.ACCEPTED


def test_a_person_may_have_it_sent_again_and_is_named(provider: Scripted) -> None:
    submission = lost(provider)
    person = factories.make_user(name="lena")
    services.resend(submission=submission, actor=person)
    provider.on_create = None
    again = send(submission)
    assert (again.status, again.post_count, again.resent_by) == (S.ACCEPTED, 2, person)


def test_a_person_may_give_it_up(provider: Scripted) -> None:
    submission = lost(provider)
    services.abandon(submission=submission, actor=factories.make_user(name="lena"))
    given_up = reread(submission)
    assert (given_up.status, given_up.last_error) == (S.CANCELLED, "lena gave up looking for it.")


@pytest.mark.parametrize("say", [services.resend, services.abandon])
@pytest.mark.parametrize("status", [S.INTENT, S.SENDING, S.ACCEPTED, S.INGESTING])
def test_what_is_not_unknown_is_neither_resent_nor_given_up(
    provider: Scripted, say: object, status: str
) -> None:
    submission = make_submission(status=status, screened_at=timezone.now())
    with pytest.raises(StaleStateError):
        say(submission=submission, actor=factories.make_user())  # type: ignore[operator]
    assert reread(submission).status == status


def test_a_slow_sender_finds_its_batch_adopted_already(provider: Scripted) -> None:
    submission = screen(make_submission())

    def create(batch: Batch) -> Created:
        made = Scripted.create(provider, batch)
        reconcile(submission)
        reconcile(submission)
        return made

    provider.create = create  # type: ignore[method-assign]
    slow = send(submission)
    assert (slow.status, slow.batch_id, provider.cancelled) == (S.ACCEPTED, "batch-1", [])


def test_a_slow_sender_whose_submission_was_given_up_cancels_what_it_made(provider: Scripted) -> None:
    submission = screen(make_submission())

    def create(batch: Batch) -> Created:
        provider.on_find = ConnectionError("away")
        services.abandon(submission=reconcile(submission), actor=factories.make_user())
        return Scripted.create(provider, batch)

    provider.create = create  # type: ignore[method-assign]
    assert send(submission).status == S.CANCELLED
    assert provider.cancelled == ["batch-1"]


def test_a_switched_off_connection_sends_nothing(provider: Scripted) -> None:
    submission = screen(make_submission())
    Connection.objects.update(is_enabled=False)
    assert send(submission).status == S.SCREENED
    assert provider.posts == []


def test_stopping_drops_what_is_unsent_and_cancels_what_is_sent(provider: Scripted) -> None:
    submissions = [make_submission(), screen(make_submission()), sent()]
    services.request_cancel(submissions=submissions)
    assert [reread(submission).status for submission in submissions] == [S.CANCELLED, S.CANCELLED, S.ACCEPTED]
    assert reread(submissions[2]).cancel_requested_at is not None


def test_stopping_in_the_middle_of_sending_waits_for_the_answer(provider: Scripted) -> None:
    submission = screen(make_submission())

    def create(batch: Batch) -> Created:
        services.request_cancel(submissions=[reread(submission)])
        raise RetryLaterError("429", after=timedelta(seconds=1))

    provider.create = create  # type: ignore[method-assign]
    assert send(submission).status == S.SCREENED
    time_passes(submission)
    assert send(submission).status == S.CANCELLED


def test_only_the_wanted_connection_is_made_by_itself(provider: Scripted) -> None:
    Connection.objects.all().delete()
    first, second = services.ensure_rules_connection(), services.ensure_rules_connection()
    assert first == second
    assert (first.provider, first.model, first.family.name) == ("rules", "rules-1", "rules")
    assert services.connection_for("scripted").model == "scripted-1"
