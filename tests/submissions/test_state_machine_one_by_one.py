"""Requests posted one by one, in any order of faults, deaths and people's words: each is posted once, all money is
accounted for, and what is asked again is what was lost."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from apps.accounts.models import User
from apps.core.errors import DomainError
from apps.providers import REGISTRY
from apps.providers.base import AmbiguousError, DefiniteRefusalError, Endpoint, JsonObject, RetryLaterError
from apps.providers.keys import MissingKeyError
from apps.records.models import Record
from apps.specs.models import Project
from apps.submissions import services, synchronous
from apps.submissions.ingest import ingest_submission
from apps.submissions.models import (
    TERMINAL,
    Delivery,
    RequestOutcome,
    Spending,
    Submission,
    SubmissionStatus,
)
from apps.submissions.screening import screen_submission
from apps.submissions.sending import send_submission
from apps.submissions.services import Reservation
from apps.submissions.synchronous import Posted, answer_submission
from tests import factories
from tests.submissions.scene import make_submission, note_sink, reread, time_passes
from tests.submissions.scripted import Scripted, answer

pytestmark = pytest.mark.django_db

S = SubmissionStatus
RESERVATION = Reservation(amount=Decimal(3), price={"input": "1", "output": "1"})
FAULTS: tuple[BaseException | None, ...] = (
    None,
    AmbiguousError("reset"),
    TimeoutError(),
    DefiniteRefusalError("400"),
    RetryLaterError("429", after=timedelta(seconds=1)),
    MissingKeyError("no key"),
    KeyboardInterrupt(),
)
# Else the way to an end is seldom gone to the end.
MOSTLY = st.sampled_from([True, True, True, False])
DID_NOTHING = (RetryLaterError, MissingKeyError)


class Server(Scripted):
    """Answers, but for what ``faults`` says of a line (by its number); counts what it did not turn away."""

    def __init__(self) -> None:
        super().__init__()
        self.faults: list[BaseException | None] = []
        self.served: Counter[str] = Counter()
        self.turned_away = 0

    def answer_now(self, line: JsonObject, *, endpoint: Endpoint) -> bytes:
        custom_id = str(line["custom_id"])
        fault = dict(enumerate(self.faults, 1)).get(int(custom_id[-6:]))
        if isinstance(fault, DID_NOTHING):
            self.turned_away += 1
            raise fault
        self.served[custom_id] += 1
        if fault:
            raise fault
        return answer(custom_id, custom_id)


class OneByOne(RuleBasedStateMachine):
    """``submission`` is the latest: a new one, or that which asks again what was lost of the one before."""

    provider: Server
    submission: Submission
    person: User

    @initialize()
    def begin(self) -> None:
        self.provider = Server()
        REGISTRY["scripted"] = self.provider
        self.person = factories.make_user()
        self.plan(factories.make_project())

    def plan(self, project: Project) -> None:
        self.submission = make_submission(
            project, requests=3, delivery=Delivery.SYNCHRONOUS, reservation=RESERVATION
        )

    @rule()
    def go_on_with_another_one(self) -> None:
        row = reread(self.submission)
        if row.status in TERMINAL and not row.requests.filter(outcome=RequestOutcome.MISSING).exists():
            self.plan(row.project)

    @rule()
    def wait(self) -> None:
        time_passes(self.submission)

    @rule()
    def screen_and_send(self) -> None:
        screen_submission(self.submission.pk, [])
        send_submission(self.submission.pk)

    @rule(faults=st.lists(st.sampled_from(FAULTS), min_size=3, max_size=3), is_due=MOSTLY)
    def post(self, faults: list[BaseException | None], *, is_due: bool) -> None:
        if is_due:
            self.screen_and_send()
            self.wait()
        self.provider.faults = faults
        try:
            answer_submission(self.submission.pk)
        except KeyboardInterrupt:
            assert reread(self.submission).status == S.RUNNING

    @rule(is_due=MOSTLY)
    def post_the_rest_and_ingest(self, *, is_due: bool) -> None:
        if is_due:
            self.post([], is_due=True)
            self.wait()
        ingest_submission(self.submission.pk, note_sink(self.submission))

    @rule(likely=MOSTLY, and_likely=MOSTLY)
    def stop(self, *, likely: bool, and_likely: bool) -> None:
        if not likely and not and_likely:
            services.request_cancel(submissions=[reread(self.submission)])

    @rule()
    def ask_the_missing_again(self) -> None:
        before = reread(self.submission)
        missing = before.requests.filter(outcome=RequestOutcome.MISSING).count()
        try:
            again = services.resend_missing(submission=before, actor=self.person)
        except DomainError:
            assert not missing
        else:
            assert again.request_count == missing > 0
            self.submission = again

    @property
    def submissions(self) -> list[Submission]:
        return list(Submission.objects.filter(project=self.submission.project))

    @invariant()
    def no_request_is_served_twice(self) -> None:
        served, posts = self.provider.served, sum(row.post_count for row in self.submissions)
        asked = sum(row.request_count for row in self.submissions)
        assert max(served.values(), default=0) <= 1
        assert sum(served.values()) <= posts <= asked + self.provider.turned_away

    @invariant()
    def an_answer_is_a_record_once(self) -> None:
        records = Record.objects.filter(project=self.submission.project)
        made = list(records.values_list("request_id", flat=True))
        assert set(made) <= set(self.provider.served)
        assert len(made) == len(set(made)) == sum(row.records_made for row in self.submissions)

    @invariant()
    def every_dollar_is_reserved_or_settled(self) -> None:
        reserved = sum(row.reserved for row in self.submissions if row.settled_at is None)
        spent = sum(row.cost or 0 for row in self.submissions if row.settled_at)
        spending = Spending.objects.filter(project=self.submission.project)
        assert set(spending.values_list("reserved", "spent")) == {(reserved, spent)}

    @invariant()
    def the_end_leaves_nothing_open(self) -> None:
        for row in self.submissions:
            assert (row.status in TERMINAL) == (row.settled_at is not None)
            if row.status in {S.DONE, S.INCOMPLETE}:
                assert not row.requests.filter(outcome=RequestOutcome.PENDING).exists()


def run_machine(*, examples: int = 15, **more: Any) -> None:
    before = dict(REGISTRY)
    try:
        run_state_machine_as_test(
            OneByOne, settings=settings(max_examples=examples, stateful_step_count=30, **more)
        )
    finally:
        REGISTRY.clear()
        REGISTRY.update(before)


@pytest.mark.one_engine
def test_any_order_of_events_keeps_the_walls() -> None:
    run_machine()


@pytest.mark.soak
def test_many_more_orders_keep_them() -> None:
    run_machine(examples=500)


@pytest.mark.one_engine
def test_taking_what_was_lost_for_unposted_would_be_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control: what a client that retries by itself would do."""

    def post_again(*arguments: Any) -> Posted:
        posted = post(*arguments)
        return Posted(posted.request, wait=timedelta()) if posted.message else posted

    post = synchronous._post
    monkeypatch.setattr(synchronous, "_post", post_again)
    with pytest.raises(AssertionError):
        run_machine(phases=[Phase.generate], report_multiple_bugs=False)
