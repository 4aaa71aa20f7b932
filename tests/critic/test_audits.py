"""A saved judge asks by night about what was accepted; what it doubts waits for a lead and stays accepted."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from apps.core.errors import StaleStateError
from apps.critic.models import Asking, Judge, Occasion, Verdict
from apps.critic.services import next_night, settle_doubt, switch_judge
from apps.operations.work import work_once
from apps.records.models import Record
from apps.records.states import RecordStatus
from apps.review.models import Action
from apps.submissions.models import Budget, Submission
from apps.validation.models import JUDGE_CHECK, Finding
from tests.critic.scene import Court, make_judge, set_price, verdict
from tests.critic.test_asking import ask_review

pytestmark = pytest.mark.django_db(databases=["default", "leakage", "holdout"])


def accept(court: Court, count: int, *, start: int = 1) -> list[Record]:
    records = court.scene.add_waiting(count, start=start)
    for _ in records:
        court.scene.decide(court.scene.claim_one())
    return records


def night_falls(court: Court) -> None:
    Judge.objects.exclude(next_audit_at=None).update(next_audit_at=timezone.now() - timedelta(minutes=1))
    court.goes_on()


@pytest.fixture
def nightly(court: Court) -> Court:
    switch_judge(judge=court.version.judge, is_on=True, audits=True, audit_most=50, actor=None)
    return court


def test_the_night_asks_about_what_was_accepted_and_its_doubts_wait_for_a_lead(nightly: Court) -> None:
    doubted, fine = accept(nightly, 2)
    rejected = nightly.scene.add_waiting(1, start=9)
    nightly.scene.decide(nightly.scene.claim_one(), Action.REJECTED)
    nightly.server.says = {"Ticket 1:": verdict(correctness=1, reason="It is about billing.")}
    night_falls(nightly)
    nightly.goes_on()
    asking = Asking.objects.get()
    assert (asking.occasion, asking.asked, asking.created_by) == (Occasion.AUDIT, 2, None)
    assert Submission.objects.get(run_uuid=asking.uuid).delivery == "batch"
    assert Verdict.objects.open_doubts().get().record_id == doubted.pk
    for record in (doubted, fine):
        record.refresh_from_db()
        assert (record.status, record.event_seq) == (RecordStatus.ACCEPTED, 3)
    assert not Finding.objects.filter(check_name=JUDGE_CHECK).exists()
    assert not Verdict.objects.filter(record=rejected[0]).exists()


def test_it_begins_at_two_at_night_and_once_a_night(nightly: Court) -> None:
    judge = nightly.version.judge
    assert judge.next_audit_at is not None
    assert timezone.localtime(judge.next_audit_at).hour == 2
    assert timezone.now() < judge.next_audit_at <= timezone.now() + timedelta(days=1)
    accept(nightly, 1)
    nightly.goes_on()
    assert not Asking.objects.exists()
    night_falls(nightly)
    accept(nightly, 1, start=2)
    nightly.goes_on()
    assert Asking.objects.get().asked == 1
    judge.refresh_from_db()
    assert judge.next_audit_at > timezone.now()
    assert "Asked about 1 accepted records." in judge.last_audit_said


def test_the_next_night_is_never_the_present_moment() -> None:
    local = timezone.localtime(timezone.now())
    for hour, days in [(1, 0), (2, 1), (3, 1), (23, 1)]:
        now = local.replace(hour=hour, minute=0, second=0, microsecond=0)
        assert next_night(now) == now.replace(hour=2) + timedelta(days=days)


def test_what_this_version_has_judged_is_not_paid_for_again(nightly: Court) -> None:
    nightly.scene.add_waiting(2)
    ask_review(nightly)
    nightly.goes_on()
    for _ in range(2):
        nightly.scene.decide(nightly.scene.claim_one())
    night_falls(nightly)
    assert Asking.objects.count() == 1
    nightly.version.judge.refresh_from_db()
    assert "none that strict v1 has yet" in nightly.version.judge.last_audit_said


def test_a_night_over_the_budget_asks_nothing_and_says_so(nightly: Court) -> None:
    accept(nightly, 1)
    set_price(nightly.connection, input_=1000, output=1000)
    Budget.objects.create(project=nightly.scene.project, total_cap="0.10")
    night_falls(nightly)
    assert not Submission.objects.exists()
    judge = nightly.version.judge
    judge.refresh_from_db()
    assert "over the budget" in judge.last_audit_said
    assert judge.next_audit_at is not None
    assert judge.next_audit_at > timezone.now()


def test_a_judge_that_is_off_does_not_audit(nightly: Court) -> None:
    accept(nightly, 1)
    Judge.objects.update(is_on=False)
    night_falls(nightly)
    assert not Asking.objects.exists()


def test_a_night_asks_no_more_than_it_is_set_to(nightly: Court) -> None:
    accept(nightly, 3)
    switch_judge(judge=nightly.version.judge, is_on=True, audits=True, audit_most=2, actor=None)
    night_falls(nightly)
    assert Asking.objects.get().asked == 2


def test_a_doubt_is_looked_into_once(nightly: Court) -> None:
    accept(nightly, 1)
    nightly.server.otherwise = verdict(realism=1)
    night_falls(nightly)
    nightly.goes_on()
    doubt = Verdict.objects.open_doubts().get()
    settle_doubt(verdict=doubt, actor=nightly.scene.reviewer)
    assert not Verdict.objects.open_doubts().exists()
    with pytest.raises(StaleStateError, match="already"):
        settle_doubt(verdict=doubt, actor=nightly.scene.reviewer)


def test_the_commands_ask_and_audit(court: Court, capsys: pytest.CaptureFixture[str]) -> None:
    slug = court.scene.project.slug
    accept(court, 1)
    court.scene.add_waiting(2, start=5)
    call_command("ask_judge", slug, judge="strict", most=1)
    assert capsys.readouterr().out.strip() == "strict is asked about 1 records."
    call_command("audit_accepted", slug)
    assert "strict is asked about 1 accepted records." in capsys.readouterr().out
    call_command("audit_accepted", slug, judge="strict")
    assert "Of the records that were accepted, there is none" in capsys.readouterr().out
    make_judge(court.scene, court.connection, name="second")
    Judge.objects.update(is_on=False)
    with pytest.raises(CommandError, match="no judge that is switched on"):
        call_command("audit_accepted", slug)
    with pytest.raises(CommandError, match="It has: second, strict"):
        call_command("ask_judge", slug, judge="kind")
    work_once("generation")
