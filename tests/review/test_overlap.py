"""A share of the records is decided by two people, neither knowing of the other."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts.models import User
from apps.core.errors import RefusedError, StaleStateError
from apps.records.models import Record
from apps.records.services import move_records
from apps.records.states import RecordStatus
from apps.review.bulk import bulk_decide
from apps.review.cards import cards_of
from apps.review.flags import reopen_flagged
from apps.review.leases import release_leases, take
from apps.review.ledger import Tally, verify
from apps.review.lots import counts_of
from apps.review.models import Action, Decision, ReviewTask, TaskKind, TaskStatus
from apps.review.overlap import reviewed_by_two
from apps.review.rules import ReviewRules, set_rules
from apps.review.selectors import progress_of, queue_state
from apps.review.undo import undo
from apps.specs.models import Role
from tests import factories
from tests.review.scene import SESSION, Scene, make_scene

pytestmark = pytest.mark.django_db(databases=["default", "leakage"])

EDIT = {"input": {"text": "You renewed me and I did not want that"}, "output": {"label": "billing"}}


@pytest.fixture
def scene(db: None) -> Scene:
    return make_scene(review_rules={"overlap": 1.0})


@pytest.fixture
def other(scene: Scene) -> User:
    return scene.another_reviewer()


def both_decide(scene: Scene, other: User, *actions: Action, **values: Any) -> list[Decision]:
    """The reviewer's decision and the other's, each on their own task of one record."""
    people = (scene.reviewer, other)
    return [
        scene.decide(scene.claim_one(person), action, **(values if action == Action.EDITED else {}))
        for person, action in zip(people, actions, strict=True)
    ]


def lone_tasks(scene: Scene) -> list[str]:
    return list(ReviewTask.objects.open().values_list("kind", flat=True))


def test_a_share_of_the_records_gets_two_tasks_the_same_ones_every_time(scene: Scene) -> None:
    set_rules(project=scene.project, rules=ReviewRules(overlap=0.3), actor=scene.reviewer)
    records = scene.add_waiting(60)
    doubled = set(ReviewTask.objects.filter(slot=2).values_list("record_id", flat=True))
    assert doubled == reviewed_by_two(records)
    assert 5 <= len(doubled) <= 31
    assert set(ReviewTask.objects.filter(record__in=doubled).values_list("kind", flat=True)) == {"overlap"}
    counts = counts_of(scene.project)
    assert (counts.opened, counts.tasks) == (60, 60 + len(doubled))


def test_without_a_rule_nothing_is_reviewed_twice(scene: Scene) -> None:
    set_rules(project=scene.project, rules=ReviewRules(), actor=scene.reviewer)
    scene.add_waiting(5)
    assert lone_tasks(scene) == ["review"] * 5


def test_a_share_beyond_one_is_refused(scene: Scene) -> None:
    with pytest.raises(RefusedError, match="overlap"):
        set_rules(project=scene.project, rules=ReviewRules(overlap=1.5), actor=scene.reviewer)


def test_nobody_is_handed_the_same_record_twice(scene: Scene, other: User) -> None:
    scene.add_waiting(2)
    mine = scene.claim(count=4)
    assert len({task.record_id for task in mine}) == len(mine) == 2
    for task in mine:
        scene.decide(task)
    assert scene.claim(count=4) == []
    assert {task.record_id for task in scene.claim(other, count=4)} == {task.record_id for task in mine}


def test_a_task_given_back_may_come_again(scene: Scene) -> None:
    scene.add_waiting(1)
    task = scene.claim_one()
    release_leases(project=scene.project, user=scene.reviewer, fences={task.pk: task.fence})
    assert scene.claim_one().record_id == task.record_id


def test_whoever_holds_both_tasks_by_a_race_cannot_decide_both(scene: Scene) -> None:
    scene.add_waiting(1)
    scene.decide(scene.claim_one())
    second = ReviewTask.objects.open().get()
    ReviewTask.objects.filter(pk=second.pk).update(
        lease_holder=scene.reviewer, lease_until="2999-01-01T00:00Z", fence=1
    )
    second.refresh_from_db()
    with pytest.raises(StaleStateError, match="already"):
        scene.decide(second)
    assert Decision.objects.count() == 1


def test_the_record_moves_when_both_have_said_the_same(scene: Scene, other: User) -> None:
    scene.add_waiting(1)
    first = scene.decide(scene.claim_one())
    record = Record.objects.get()
    assert (record.status, record.decision_uuid, record.event_seq) == ("awaiting_review", None, 2)
    second = scene.decide(scene.claim_one(other))
    record.refresh_from_db()
    assert (record.status, record.decision_uuid, record.reviewer) == ("accepted", second.uuid, other)
    counts = counts_of(scene.project)
    assert (counts.opened, counts.accepted, counts.left) == (1, 1, 0)
    assert (counts.tasks, counts.tasks_decided) == (2, 2)
    assert first.pk != second.pk


@pytest.mark.parametrize("action", [Action.ACCEPTED, Action.REJECTED, Action.EDITED])
def test_two_who_agree_need_no_lead(scene: Scene, other: User, action: Action) -> None:
    scene.add_waiting(1)
    both_decide(scene, other, action, action, payload=EDIT)
    assert Record.objects.get().status == action
    assert lone_tasks(scene) == []


@pytest.mark.parametrize(
    "actions",
    [
        (Action.ACCEPTED, Action.REJECTED),
        (Action.EDITED, Action.ACCEPTED),
        (Action.REJECTED, Action.EDITED),
    ],
)
def test_two_who_differ_leave_it_to_a_lead(scene: Scene, other: User, actions: tuple[Action, ...]) -> None:
    scene.add_waiting(1)
    both_decide(scene, other, *actions, payload=EDIT)
    assert Record.objects.get().status == RecordStatus.AWAITING_REVIEW
    task = ReviewTask.objects.to_adjudicate().get()
    assert (task.kind, task.round, task.assignee) == (TaskKind.ADJUDICATION, 2, None)
    counts = counts_of(scene.project)
    assert (counts.decided, counts.left, counts.tasks, counts.tasks_decided) == (0, 1, 3, 2)
    for person in (scene.reviewer, other, scene.another_reviewer()):
        assert scene.claim(person) == []


def test_two_different_edits_differ(scene: Scene, other: User) -> None:
    scene.add_waiting(1)
    scene.decide(scene.claim_one(), Action.EDITED, payload=EDIT)
    another = EDIT | {"output": {"label": "abuse"}}
    scene.decide(scene.claim_one(other), Action.EDITED, payload=another)
    assert ReviewTask.objects.to_adjudicate().count() == 1
    assert Record.objects.get().edited_input is None


@pytest.mark.parametrize("actions", [(Action.FLAGGED, Action.ACCEPTED), (Action.ACCEPTED, Action.FLAGGED)])
def test_a_question_to_the_lead_is_not_outvoted(
    scene: Scene, other: User, actions: tuple[Action, ...]
) -> None:
    scene.add_waiting(1)
    decisions = both_decide(scene, other, *actions)
    record = Record.objects.get()
    flag = next(decision for decision in decisions if decision.action == Action.FLAGGED)
    assert (record.status, record.decision_uuid) == (RecordStatus.FLAGGED, flag.uuid)
    reopen_flagged(record=record, actor=factories.make_member(scene.project, Role.LEAD), take=False)
    assert scene.claim_one().round == 2


# --- blind -----------------------------------------------------------------------------------------------------


def test_the_second_person_sees_nothing_of_the_first(scene: Scene, other: User) -> None:
    scene.add_waiting(1)
    scene.decide(scene.claim_one(), Action.FLAGGED, note="Secret question")
    task = scene.claim_one(other)
    (card,) = cards_of(project=scene.project, user=other, tasks=[task])
    assert card.questions == []
    page = reverse("reports:record-detail", args=[scene.project.slug, task.record_id])
    for user in (other, factories.make_member(scene.project, Role.LEAD)):
        client = Client()
        client.force_login(user)
        body = client.get(page).content.decode()
        assert "Secret question" not in body
        assert str(scene.reviewer) not in body


def test_once_both_have_answered_the_page_shows_both(scene: Scene, other: User) -> None:
    scene.add_waiting(1)
    both_decide(scene, other, Action.ACCEPTED, Action.ACCEPTED)
    client = Client()
    client.force_login(other)
    body = client.get(
        reverse("reports:record-detail", args=[scene.project.slug, Record.objects.get().pk])
    ).content.decode()
    assert body.count('data-state="accepted"') == 3
    assert scene.reviewer.username in body


def test_progress_moves_with_every_answer_so_that_nothing_tells_a_shared_record(scene: Scene) -> None:
    scene.add_waiting(1)
    scene.decide(scene.claim_one())
    progress = progress_of(project=scene.project, user=scene.reviewer)
    assert (progress.decided, progress.total) == (1, 2)


def test_the_queue_says_that_somebody_else_is_waited_for(scene: Scene, other: User) -> None:
    scene.add_waiting(1)
    scene.decide(scene.claim_one())
    state = queue_state(project=scene.project, user=scene.reviewer, session_key=SESSION)
    assert (state.second_opinions, state.is_obtainable, state.is_all_done) == (1, False, False)
    assert "waiting for somebody else" in " ".join(state.sentences())
    assert queue_state(project=scene.project, user=other, session_key=SESSION).is_obtainable
    scene.decide(scene.claim_one(other), Action.REJECTED)
    assert queue_state(project=scene.project, user=other, session_key=SESSION).adjudicating == 1


# --- undo --------------------------------------------------------------------------------------------------------


def test_a_first_answer_can_be_taken_back_without_moving_the_record(scene: Scene, other: User) -> None:
    scene.add_waiting(1)
    first = scene.decide(scene.claim_one())
    again = undo(decision_uuid=first.uuid, actor=scene.reviewer)
    assert (again.round, again.slot, again.kind) == (1, 3, TaskKind.OVERLAP)
    assert undo(decision_uuid=first.uuid, actor=scene.reviewer).pk == again.pk
    assert Record.objects.get().event_seq == 2
    scene.decide(again, Action.REJECTED)
    scene.decide(scene.claim_one(other), Action.REJECTED)
    assert Record.objects.get().status == RecordStatus.REJECTED
    counts = counts_of(scene.project)
    assert (counts.left, counts.tasks, counts.tasks_decided) == (0, 2, 2)


def test_the_last_answer_taken_back_returns_the_record_and_keeps_the_first(scene: Scene, other: User) -> None:
    scene.add_waiting(1)
    _, second = both_decide(scene, other, Action.ACCEPTED, Action.ACCEPTED)
    again = undo(decision_uuid=second.uuid, actor=other)
    assert Record.objects.get().status == RecordStatus.AWAITING_REVIEW
    scene.decide(again, Action.REJECTED)
    assert ReviewTask.objects.to_adjudicate().count() == 1


@pytest.mark.parametrize("action", [Action.ACCEPTED, Action.REJECTED, Action.EDITED])
def test_the_first_of_two_who_agreed_takes_theirs_back_and_the_second_answer_stays(
    scene: Scene, other: User, action: Action
) -> None:
    scene.add_waiting(1)
    first, second = both_decide(scene, other, action, action, payload=EDIT)
    again = undo(decision_uuid=first.uuid, actor=scene.reviewer)
    record = Record.objects.get()
    assert (record.status, record.edited_input, record.label) == ("awaiting_review", None, "refund")
    assert (again.round, again.lease_holder) == (1, scene.reviewer)
    counts = counts_of(scene.project)
    assert (counts.left, counts.tasks, counts.tasks_decided) == (1, 2, 1)
    flag = scene.decide(again, Action.FLAGGED)
    assert Record.objects.get().decision_uuid == flag.uuid
    assert list(Decision.objects.standing().order_by("pk")) == [second, flag]
    assert list(verify(project=scene.project, tally=Tally())) == []


def test_a_slip_that_made_two_people_differ_is_taken_back_before_a_lead_has_it(
    scene: Scene, other: User
) -> None:
    scene.add_waiting(1)
    _, slip = both_decide(scene, other, Action.ACCEPTED, Action.REJECTED)
    again = undo(decision_uuid=slip.uuid, actor=other)
    assert not ReviewTask.objects.to_adjudicate().exists()
    counts = counts_of(scene.project)
    assert (counts.left, counts.tasks, counts.tasks_decided) == (1, 2, 1)
    # The same slip once more: the same case, once.
    slip = scene.decide(again, Action.REJECTED)
    assert ReviewTask.objects.to_adjudicate().count() == 1
    scene.decide(undo(decision_uuid=slip.uuid, actor=other))
    assert Record.objects.get().status == RecordStatus.ACCEPTED
    counts = counts_of(scene.project)
    assert (counts.left, counts.tasks, counts.tasks_decided) == (0, 2, 2)


def test_an_answer_that_a_lead_has_in_hand_stays_and_the_refusal_says_whom_to_tell(
    scene: Scene, other: User
) -> None:
    scene.add_waiting(1)
    decisions = both_decide(scene, other, Action.ACCEPTED, Action.REJECTED)
    lead = factories.make_member(scene.project, Role.LEAD)
    case = ReviewTask.objects.to_adjudicate().get()
    fence = take(task=case, user=lead)
    with pytest.raises(StaleStateError, match="A lead is settling"):
        undo(decision_uuid=decisions[0].uuid, actor=scene.reviewer)
    case.refresh_from_db()
    scene.decide(case, fence=fence, actor=lead)
    with pytest.raises(StaleStateError, match="Tell a lead"):
        undo(decision_uuid=decisions[1].uuid, actor=other)


def test_a_verdict_taken_back_brings_no_disputed_edit_into_the_record(scene: Scene, other: User) -> None:
    scene.add_waiting(1)
    both_decide(scene, other, Action.EDITED, Action.ACCEPTED, payload=EDIT)
    lead = factories.make_member(scene.project, Role.LEAD)
    case = ReviewTask.objects.to_adjudicate().get()
    verdict = scene.decide(case, fence=take(task=case, user=lead), actor=lead)
    undo(decision_uuid=verdict.uuid, actor=lead)
    assert Record.objects.get().edited_input is None


def test_of_two_equal_edits_one_taken_back_leaves_the_record_as_it_was(scene: Scene, other: User) -> None:
    scene.add_waiting(1)
    _, second = both_decide(scene, other, Action.EDITED, Action.EDITED, payload=EDIT)
    undo(decision_uuid=second.uuid, actor=other)
    assert Record.objects.get().edited_input is None


# --- the ledger and the rest of the house --------------------------------------------------------------------------


def test_the_ledger_of_shared_records_has_no_fault(scene: Scene, other: User) -> None:
    """Taken back without an event, answered twice, disputed: all of it is as it was written."""
    scene.add_waiting(2)
    first = scene.decide(scene.claim_one())
    undo(decision_uuid=first.uuid, actor=scene.reviewer)
    for person, action in ((scene.reviewer, Action.REJECTED), (other, Action.ACCEPTED)):
        for task in scene.claim(person, count=2):
            scene.decide(task, action)
    tally = Tally()
    assert list(verify(project=scene.project, tally=tally)) == []
    assert (tally.decisions, tally.unsealed) == (5, 0)


def test_bulk_leaves_shared_records_to_two_people(scene: Scene) -> None:
    scene.add_waiting(2)
    assert bulk_decide(project=scene.project, actor=scene.reviewer).decided == 0
    assert len(scene.claim(count=4)) == 2


def test_a_record_that_a_check_drops_takes_both_tasks_with_it(scene: Scene, other: User) -> None:
    (record,) = scene.add_waiting(1)
    scene.decide(scene.claim_one())
    record.refresh_from_db()
    move_records(records=[record], to=RecordStatus.FAILED_CHECKS, actor=None)
    assert scene.claim(other) == []
    assert ReviewTask.objects.filter(status=TaskStatus.CANCELLED).count() == 1
    counts = counts_of(scene.project)
    assert (counts.left, counts.tasks - counts.tasks_decided) == (0, 0)
