"""Any order of faults, crashes and people's words: money, records and states stay right."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from apps.accounts.models import User
from apps.core.errors import DomainError, StaleStateError
from apps.providers import REGISTRY
from apps.providers.base import (
    AmbiguousError,
    BatchState,
    DefiniteRefusalError,
    NotOursError,
    RetryLaterError,
)
from apps.records.models import Record
from apps.submissions import services
from apps.submissions.ingest import ingest_submission
from apps.submissions.models import MACHINE, TERMINAL, Spending, Submission, SubmissionStatus
from apps.submissions.polling import poll_submission
from apps.submissions.screening import screen_submission
from apps.submissions.sending import reconcile_submission, send_submission
from apps.submissions.services import Reservation
from tests import factories
from tests.submissions.scene import ids_of, make_submission, note_sink, reread, time_passes
from tests.submissions.scripted import Scripted, answer

pytestmark = pytest.mark.django_db

S = SubmissionStatus
PLAIN_STATES = [state for state in BatchState if state != BatchState.DEFERRED]
RESERVATION = Reservation(amount=Decimal(4), price={"input": "1", "output": "1"})


class AnyOrder(RuleBasedStateMachine):
    provider: Scripted
    submission: Submission
    person: User

    @initialize()
    def begin(self) -> None:
        self.provider = Scripted()
        REGISTRY["scripted"] = self.provider
        self.submission = make_submission(reservation=RESERVATION)
        self.person = factories.make_user()
        self.words = self.refusals = self.deferrals = 0
        self.last = str(S.INTENT)

    def status(self) -> str:
        return reread(self.submission).status

    @rule()
    def wait(self) -> None:
        time_passes(self.submission)

    @rule()
    def screen(self) -> None:
        screen_submission(self.submission.pk, [])

    @rule()
    def send_and_hear_back(self) -> None:
        self.provider.refusal = self.provider.on_create = None
        send_submission(self.submission.pk)

    @rule(error=st.sampled_from([AmbiguousError("502"), TimeoutError(), ValueError("odd answer")]))
    def send_and_lose_the_answer(self, error: Exception) -> None:
        self.provider.refusal, self.provider.on_create = None, error
        send_submission(self.submission.pk)

    @rule()
    def send_and_hear_not_now(self) -> None:
        self.provider.refusal = RetryLaterError("429", after=timedelta(seconds=1))
        posts = len(self.provider.posts)
        send_submission(self.submission.pk)
        self.refusals += len(self.provider.posts) - posts

    @rule()
    def send_and_hear_no(self) -> None:
        self.provider.refusal = DefiniteRefusalError("400")
        posts = len(self.provider.posts)
        send_submission(self.submission.pk)
        self.refusals += len(self.provider.posts) - posts

    @rule()
    def send_and_die(self) -> None:
        self.provider.refusal, self.provider.on_create = None, KeyboardInterrupt()
        try:
            send_submission(self.submission.pk)
        except KeyboardInterrupt:
            assert self.status() == S.SENDING

    @rule(is_down=st.booleans())
    def look_for_it(self, *, is_down: bool) -> None:
        self.provider.on_find = ConnectionError("list is down") if is_down else None
        reconcile_submission(self.submission.pk)

    @rule(
        state=st.sampled_from(PLAIN_STATES),
        answered=st.integers(0, 2),
    )
    def poll(self, state: BatchState, answered: int) -> None:
        self.provider.state = state
        self.provider.lines = [answer(each, each) for each in ids_of(self.submission)[:answered]] * 2
        poll_submission(self.submission.pk)

    @rule()
    def hear_that_the_queue_is_full(self) -> None:
        self.provider.state = BatchState.DEFERRED
        before = self.status()
        poll_submission(self.submission.pk)
        self.deferrals += before in {S.ACCEPTED, S.RUNNING} and self.status() == S.SCREENED

    @rule()
    def find_that_it_is_somebody_else_s(self) -> None:
        self.provider.state, self.provider.lines = BatchState.ENDED, []
        self.provider.on_results = NotOursError("other ids")
        poll_submission(self.submission.pk)
        self.provider.on_results = None

    @rule(is_broken=st.booleans())
    def upload_fails(self, *, is_broken: bool) -> None:
        self.provider.on_upload = ConnectionError("no route") if is_broken else None

    @rule()
    def ask_the_missing_again(self) -> None:
        try:
            again = services.resend_missing(submission=reread(self.submission), actor=self.person)
        except DomainError:
            return
        assert again.request_count <= reread(self.submission).request_count

    @rule()
    def ingest(self) -> None:
        ingest_submission(self.submission.pk, note_sink(self.submission))

    @rule(say=st.sampled_from([services.resend, services.abandon]))
    def a_person_decides(self, say: object) -> None:
        was_unknown = self.status() == S.UNKNOWN
        try:
            say(submission=reread(self.submission), actor=self.person)  # type: ignore[operator]
        except StaleStateError:
            assert not was_unknown
        else:
            self.words += 1

    @rule()
    def stop(self) -> None:
        services.request_cancel(submissions=[reread(self.submission)])

    @invariant()
    def nothing_is_sent_twice_without_a_word(self) -> None:
        allowed = 1 + self.words + self.deferrals
        assert len(self.provider.batches) <= allowed
        assert len(self.provider.posts) <= allowed + self.refusals
        assert reread(self.submission).post_count == len(self.provider.posts)

    @invariant()
    def every_dollar_is_reserved_or_settled(self) -> None:
        rows = Submission.objects.filter(project=self.submission.project)
        reserved = sum(row.reserved for row in rows if row.settled_at is None)
        spent = sum(row.cost or 0 for row in rows if row.settled_at)
        for spending in Spending.objects.filter(project=self.submission.project):
            assert (spending.reserved, spending.spent) == (reserved, spent)

    @invariant()
    def an_answer_is_a_record_once(self) -> None:
        made = list(
            Record.objects.filter(submission_uuid=self.submission.uuid).values_list("request_id", flat=True)
        )
        assert len(made) == len(set(made)) == reread(self.submission).records_made

    @invariant()
    def the_end_is_the_end(self) -> None:
        row = reread(self.submission)
        assert row.status == self.last or _can_reach(self.last, row.status)
        assert (row.status in TERMINAL) == (row.next_attempt_at is None) == (row.finished_at is not None)
        self.last = row.status


def _can_reach(old: str, new: str) -> bool:
    """A service may make two moves at once: ingest and end."""
    near = MACHINE.moves[old]
    return new in near or any(new in MACHINE.moves[between] for between in near)


def test_any_order_of_events_keeps_the_walls() -> None:
    before = dict(REGISTRY)
    try:
        run_state_machine_as_test(AnyOrder, settings=settings(max_examples=40, stateful_step_count=30))
    finally:
        REGISTRY.clear()
        REGISTRY.update(before)
