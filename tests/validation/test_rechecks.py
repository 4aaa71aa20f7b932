"""A check looks again at everything: a preview first, then what a lead lets happen."""

from __future__ import annotations

from typing import Any

import pytest

from apps.core.errors import DomainError, StaleStateError
from apps.records.models import Record, ReviewMethod
from apps.records.services import move_records
from apps.records.states import RecordStatus
from apps.specs.models import Gap, Project
from apps.validation import rechecks, services
from apps.validation.checks import REGISTRY, Batch, Check, Findings
from apps.validation.models import ChangeFate, ChangeKind, Recheck, RecheckStatus
from tests import factories

pytestmark = pytest.mark.django_db(databases=["default", "leakage"])

TEXTS = [
    "why was my refund cut in two",
    "the money has never come back to me at all, it was promised on monday",
]


@pytest.fixture
def gap() -> Gap:
    project = factories.make_project()
    factories.make_spec(project, min_chars=10, max_chars=200)
    factories.make_guide(project, "refund", "billing")
    return factories.make_gap(project)


def checked(gap: Gap, *texts: str) -> list[Record]:
    records = [factories.make_candidate(gap, text) for text in texts]
    services.check_slice()
    return [Record.objects.get(pk=record.pk) for record in records]


def publish(project: Project, **values: Any) -> None:
    factories.make_spec(project, **({"min_chars": 10, "max_chars": 200} | values))


def look(project: Project, name: str = "length", *, size: int = 2) -> Recheck:
    recheck = rechecks.start_recheck(project=project, check_name=name, actor=None)
    return carry_on(recheck, size=size)


def carry_on(recheck: Recheck, *, size: int = 2) -> Recheck:
    while recheck.next_attempt_at is not None:
        rechecks.advance(recheck.pk, size=size)
        recheck.refresh_from_db()
    return recheck


def kinds(recheck: Recheck) -> dict[int, str]:
    return dict(recheck.changes.values_list("record_id", "kind"))


def status(record: Record) -> str:
    return Record.objects.get(pk=record.pk).status


def accept(record: Record) -> None:
    move_records(
        records=[record],
        to=RecordStatus.ACCEPTED,
        actor=None,
        reviewer=factories.make_user(),
        review_method=ReviewMethod.PERSON,
    )


def test_nothing_has_changed(gap: Gap) -> None:
    checked(gap, *TEXTS, "no")
    recheck = look(gap.project)
    assert recheck.status == RecheckStatus.READY
    assert recheck.looked_at == 3
    assert kinds(recheck) == {}


def test_a_preview_changes_nothing_and_applying_it_does(gap: Gap) -> None:
    short, long, refused = checked(gap, *TEXTS, "no")
    publish(gap.project, min_chars=1, max_chars=40)
    recheck = look(gap.project)
    assert kinds(recheck) == {long.pk: ChangeKind.DROPS, refused.pk: ChangeKind.RELEASES}
    assert [status(each) for each in (short, long, refused)] == [
        RecordStatus.AWAITING_REVIEW,
        RecordStatus.AWAITING_REVIEW,
        RecordStatus.FAILED_CHECKS,
    ]
    lead = factories.make_user()
    rechecks.apply_recheck(recheck=recheck, actor=lead, with_decided=False)
    assert carry_on(recheck).status == RecheckStatus.APPLIED
    assert [status(each) for each in (short, long, refused)] == [
        RecordStatus.AWAITING_REVIEW,
        RecordStatus.FAILED_CHECKS,
        RecordStatus.GENERATED,
    ]
    assert long.findings.get().code == "too_long"
    assert not refused.findings.exists()
    event = long.events.order_by("-seq")[0]
    assert (event.actor, event.reason) == (lead, f"length v{REGISTRY['length'].version} looked again")


@pytest.mark.parametrize("with_decided", [False, True])
def test_what_a_person_accepted_is_taken_back_only_on_demand(gap: Gap, *, with_decided: bool) -> None:
    (record,) = checked(gap, TEXTS[1])
    accept(record)
    publish(gap.project, max_chars=40)
    recheck = look(gap.project)
    rechecks.apply_recheck(recheck=recheck, actor=None, with_decided=with_decided)
    carry_on(recheck)
    assert status(record) == (RecordStatus.FAILED_CHECKS if with_decided else RecordStatus.ACCEPTED)
    assert recheck.changes.get().fate == (ChangeFate.APPLIED if with_decided else ChangeFate.KEPT)
    assert record.findings.get().code == "too_long"


def test_a_record_that_moved_since_is_left_alone(gap: Gap) -> None:
    (record,) = checked(gap, TEXTS[1])
    publish(gap.project, max_chars=40)
    recheck = look(gap.project)
    accept(record)
    rechecks.apply_recheck(recheck=recheck, actor=None, with_decided=True)
    carry_on(recheck)
    assert status(record) == RecordStatus.ACCEPTED
    assert recheck.changes.get().fate == ChangeFate.OVERTAKEN
    assert not record.findings.exists()


def test_what_was_sent_on_against_its_word_is_not_dropped_again(gap: Gap) -> None:
    (record,) = checked(gap, "no")
    services.undrop(record=record, reason="people write like this", actor=factories.make_user())
    assert kinds(look(gap.project)) == {}
    publish(gap.project, min_chars=30)
    assert kinds(look_after_discarding(gap.project)) == {record.pk: ChangeKind.WORDS}


def look_after_discarding(project: Project) -> Recheck:
    for recheck in Recheck.objects.filter(status=RecheckStatus.READY):
        rechecks.discard_recheck(recheck=recheck, actor=None)
    return look(project)


def test_a_record_that_another_check_stopped_is_not_shown(gap: Gap) -> None:
    checked(gap, "no")
    recheck = look(gap.project, "personal_data")
    assert recheck.looked_at == 0


class _Broken(Check):
    name = "length"
    version = 9
    title = "Length"

    def run(self, batch: Batch) -> Findings:
        raise RuntimeError("the library is missing")


def test_a_check_that_fails_moves_nothing(gap: Gap, monkeypatch: pytest.MonkeyPatch) -> None:
    (record,) = checked(gap, TEXTS[0])
    monkeypatch.setitem(REGISTRY, "length", _Broken())
    recheck = look(gap.project)
    assert kinds(recheck) == {record.pk: ChangeKind.NOT_CHECKED}
    rechecks.apply_recheck(recheck=recheck, actor=None, with_decided=True)
    carry_on(recheck)
    assert status(record) == RecordStatus.AWAITING_REVIEW
    assert recheck.changes.get().fate == ChangeFate.PENDING


def test_one_at_a_time_and_only_what_runs(gap: Gap) -> None:
    look(gap.project)
    with pytest.raises(StaleStateError, match="apply or discard"):
        rechecks.start_recheck(project=gap.project, check_name="length", actor=None)
    with pytest.raises(DomainError, match="does not run in"):
        rechecks.start_recheck(project=gap.project, check_name="rules", actor=None)


def test_an_old_preview_is_not_applied(gap: Gap) -> None:
    recheck = look(gap.project)
    publish(gap.project, max_chars=40)
    with pytest.raises(StaleStateError, match="look again"):
        rechecks.apply_recheck(recheck=recheck, actor=None, with_decided=False)


def test_a_slice_done_twice_counts_once(gap: Gap) -> None:
    checked(gap, *TEXTS, "a third text that nobody else has written")
    publish(gap.project, max_chars=20)
    recheck = rechecks.start_recheck(project=gap.project, check_name="length", actor=None)
    slow = Recheck.objects.select_related("project", "spec").get(pk=recheck.pk)
    rechecks.advance(recheck.pk, size=2)
    with pytest.raises(StaleStateError):
        rechecks._look(slow, 2)
    assert recheck.changes.count() == 2
    recheck.refresh_from_db()
    assert carry_on(recheck).looked_at == 3
