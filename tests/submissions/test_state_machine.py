"""Any order of faults, crashes and people's words: money, records and states stay right."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import TypeVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

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
from apps.submissions.models import (
    MACHINE,
    TERMINAL,
    RequestOutcome,
    Spending,
    Submission,
    SubmissionStatus,
)
from apps.submissions.polling import poll_submission
from apps.submissions.screening import screen_submission
from apps.submissions.sending import reconcile_submission, send_submission
from apps.submissions.services import Reservation
from tests import factories
from tests.submissions.scene import ids_of, make_submission, note_sink, reread, time_passes
from tests.submissions.scripted import Scripted, answer

pytestmark = pytest.mark.django_db

S = SubmissionStatus
Step = TypeVar("Step", bound=Callable[..., object])
MOSTLY = st.sampled_from([True, True, True, False])
STATES = [*(state for state in BatchState if state != BatchState.DEFERRED), *[BatchState.ENDED] * 3]
HEARD: tuple[BaseException | None, ...] = (
    None,
    None,
    AmbiguousError("502"),
    TimeoutError(),
    ValueError("odd answer"),
    RetryLaterError("429", after=timedelta(seconds=1)),
    DefiniteRefusalError("400"),
    KeyboardInterrupt(),
)
RESERVATION = Reservation(amount=Decimal(4), price={"input": "1", "output": "1"})


def when(*statuses: str) -> Callable[[Step], Step]:
    """The step has its turn; ``out_of_turn`` takes it when it has not."""
    return precondition(lambda self: self.status() in statuses)


class AnyOrder(RuleBasedStateMachine):
    provider: Scripted
    submission: Submission
    person: User

    @initialize()
    def begin(self) -> None:
        self.person = factories.make_user()
        self.plan()

    @rule()
    @when(*TERMINAL)
    def plan(self) -> None:
        REGISTRY["scripted"] = Scripted()
        self.watch(make_submission(reservation=RESERVATION))

    def watch(self, submission: Submission) -> None:
        self.submission = submission
        self.provider = REGISTRY["scripted"] = Scripted()
        self.words = self.refusals = self.deferrals = 0
        self.last = str(S.INTENT)

    def status(self) -> str:
        return reread(self.submission).status

    @rule()
    def out_of_turn(self) -> None:
        """Every task at once, as a sweep might hand them out on stale news: none of them may do harm."""
        status = self.status()
        screen_submission(self.submission.pk, [])
        if status != S.SCREENED:
            poll_submission(self.submission.pk)
            ingest_submission(self.submission.pk, note_sink(self.submission))

    @rule()
    @when(S.INTENT)
    def screen(self) -> None:
        time_passes(self.submission)
        screen_submission(self.submission.pk, [])

    @rule(heard=st.sampled_from(HEARD), is_due=MOSTLY)
    @when(S.SCREENED)
    def send(self, heard: BaseException | None, *, is_due: bool) -> None:
        if is_due:
            time_passes(self.submission)
        is_refusal = isinstance(heard, (RetryLaterError, DefiniteRefusalError))
        self.provider.refusal, self.provider.on_create = (heard, None) if is_refusal else (None, heard)
        posts = len(self.provider.posts)
        try:
            send_submission(self.submission.pk)
        except KeyboardInterrupt:
            assert self.status() == S.SENDING
        if is_refusal:
            self.refusals += len(self.provider.posts) - posts

    @rule()
    @when(S.SCREENED)
    def fail_to_upload(self) -> None:
        time_passes(self.submission)
        self.provider.on_upload = ConnectionError("no route")
        send_submission(self.submission.pk)
        self.provider.on_upload = None
        assert self.status() in {S.SCREENED, S.CANCELLED}

    @rule(is_up=MOSTLY)
    @when(S.SENDING, S.UNKNOWN)
    def look_for_it(self, *, is_up: bool) -> None:
        time_passes(self.submission)
        self.provider.on_find = None if is_up else ConnectionError("list is down")
        reconcile_submission(self.submission.pk)

    @rule(state=st.sampled_from(STATES), answered=st.sampled_from([2, 2, 1, 0]))
    @when(S.ACCEPTED, S.RUNNING)
    def poll(self, state: BatchState, answered: int) -> None:
        time_passes(self.submission)
        self.provider.state = state
        self.provider.lines = [answer(each, each) for each in ids_of(self.submission)[:answered]] * 2
        poll_submission(self.submission.pk)

    @rule()
    @when(S.ACCEPTED, S.RUNNING)
    def hear_that_the_queue_is_full(self) -> None:
        time_passes(self.submission)
        self.provider.state = BatchState.DEFERRED
        poll_submission(self.submission.pk)
        self.deferrals += self.status() == S.SCREENED

    @rule()
    @when(S.ACCEPTED, S.RUNNING)
    def find_that_it_is_somebody_else_s(self) -> None:
        time_passes(self.submission)
        self.provider.state, self.provider.lines = BatchState.ENDED, []
        self.provider.on_results = NotOursError("other ids")
        poll_submission(self.submission.pk)
        self.provider.on_results = None

    @rule()
    @when(S.INGESTING)
    def ingest(self) -> None:
        time_passes(self.submission)
        ingest_submission(self.submission.pk, note_sink(self.submission))

    @rule()
    @when(*TERMINAL)
    def ask_the_missing_again(self) -> None:
        before = reread(self.submission)
        missing = before.requests.filter(outcome=RequestOutcome.MISSING).count()
        try:
            again = services.resend_missing(submission=before, actor=self.person)
        except DomainError:
            assert not missing
        else:
            assert again.request_count == missing > 0
            self.watch(again)

    @rule(say=st.sampled_from([*[services.resend] * 3, services.abandon]))
    def a_person_decides(self, say: object) -> None:
        was_unknown = self.status() == S.UNKNOWN
        try:
            say(submission=reread(self.submission), actor=self.person)  # type: ignore[operator]
        except StaleStateError:
            assert not was_unknown
        else:
            self.words += 1

    @rule(likely=MOSTLY, and_likely=MOSTLY)
    def stop(self, *, likely: bool, and_likely: bool) -> None:
        if not likely and not and_likely:
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
        spending = Spending.objects.filter(project=self.submission.project)
        assert set(spending.values_list("reserved", "spent")) == {(reserved, spent)}

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


@pytest.mark.one_engine
def test_any_order_of_events_keeps_the_walls() -> None:
    run_machine(examples=15)


@pytest.mark.soak
def test_many_more_orders_keep_them() -> None:
    run_machine(examples=500)


def run_machine(*, examples: int) -> None:
    before = dict(REGISTRY)
    try:
        run_state_machine_as_test(AnyOrder, settings=settings(max_examples=examples, stateful_step_count=40))
    finally:
        REGISTRY.clear()
        REGISTRY.update(before)
