"""Cards whose right answer is known: they look like others, say something of the person, and are never released."""

from __future__ import annotations

from collections import Counter
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse

from apps.core.errors import RefusedError, StaleStateError
from apps.datasets.choosing import choose, screen_candidates
from apps.datasets.policy import MixPolicy
from apps.records.models import Record
from apps.records.states import RecordStatus
from apps.reports.provenance import provenance_report
from apps.review.cards import Card, cards_of
from apps.review.gold import PHONES, is_right, make_gold
from apps.review.gold_scores import GoldScore, gold_scores, gold_stock
from apps.review.lots import counts_of
from apps.review.models import Action, Decision, GoldItem, GoldKind, ReviewTask, TaskKind
from apps.review.pausing import pause, resume
from apps.review.rules import ReviewRules, set_rules
from apps.review.selectors import progress_of, queue_state
from apps.review.undo import undo
from apps.specs.models import Membership, Role
from tests import factories
from tests.review.scene import SESSION, Scene, make_scene

pytestmark = pytest.mark.django_db(databases=["default", "leakage"])

LABELS = ("refund", "billing", "abuse")


@pytest.fixture
def scene(db: None) -> Scene:
    """Every card is a gold item, as far as there are any."""
    scene = make_scene(review_rules={"gold": 1.0})
    for number in range(12):
        text = f"Real ticket {number}: please look at my last three orders and say what went wrong"
        factories.make_real(scene.project, text, LABELS[number % 3])
    return scene


def make(scene: Scene, count: int = 12) -> list[GoldItem]:
    return make_gold(project=scene.project, count=count, actor=scene.reviewer, seed=1)


def hand_out(scene: Scene, kind: GoldKind) -> ReviewTask:
    """A card of that kind in the reviewer's hands."""
    scene.add_waiting(1)
    make(scene)
    GoldItem.objects.exclude(kind=kind).update(is_on=False)
    task = scene.claim_one()
    assert task.kind == TaskKind.GOLD
    return task


def card_of(scene: Scene, task: ReviewTask) -> Card:
    return cards_of(project=scene.project, user=scene.reviewer, tasks=[task])[0]


# --- making --------------------------------------------------------------------------------------------------------


def test_half_are_known_answers_and_half_carry_one_of_three_defects(scene: Scene) -> None:
    items = make(scene)
    assert Counter(item.kind for item in items) == {
        GoldKind.KNOWN: 6,
        GoldKind.WRONG_LABEL: 2,
        GoldKind.PERSONAL_DATA: 2,
        GoldKind.NEAR_DUPLICATE: 2,
    }
    for item in items:
        row = item.record.derived_from
        assert row is not None
        is_same = (item.record.input, item.record.output) == (row.input, row.output)
        assert is_same == (item.kind == GoldKind.KNOWN)
        assert item.right_output == row.output
        assert (item.record.status, item.record.due_at) == (RecordStatus.GOLD, None)


def test_a_train_row_is_used_once_and_seeds_never(scene: Scene) -> None:
    factories.make_real(scene.project, "A seed that generators see", "refund", use="seed")  # type: ignore[arg-type]
    assert len(make(scene, 8)) == 8
    assert len(make(scene, 8)) == 4
    with pytest.raises(RefusedError, match="none is left"):
        make(scene)


def test_a_near_copy_has_its_original_among_its_neighbours(scene: Scene) -> None:
    task = hand_out(scene, GoldKind.NEAR_DUPLICATE)
    (near,) = card_of(scene, task).neighbours
    assert near.record_id == task.record.derived_from_id
    assert 0.6 < near.similarity < 1


# --- handing out ---------------------------------------------------------------------------------------------------


def test_nothing_on_the_card_tells_a_gold_item(scene: Scene) -> None:
    scene.add_waiting(1, axes={"tone": "angry"})
    make(scene)
    card = card_of(scene, scene.claim_one())
    assert card.task.kind == TaskKind.GOLD
    assert (card.record.gap, card.made_by) == (scene.gap, ["p v1", "rules-1"])
    assert "Tone" in [fact.name for fact in card.reading.facts]


def test_without_the_rule_or_without_other_cards_none_is_handed_out(scene: Scene) -> None:
    make(scene)
    assert scene.claim() == []
    scene.add_waiting(1)
    set_rules(project=scene.project, rules=ReviewRules(), actor=scene.reviewer)
    assert scene.claim_one().kind == TaskKind.REVIEW


def test_a_person_gets_each_item_once_and_others_get_it_too(scene: Scene) -> None:
    scene.add_waiting(1)
    make(scene, 3)
    mine = []
    for _ in range(3):
        task = scene.claim_one()
        mine.append(task.record_id)
        scene.decide(task)
    assert len(set(mine)) == 3
    assert scene.claim_one().kind == TaskKind.REVIEW
    ReviewTask.objects.filter(kind=TaskKind.REVIEW).update(lease_holder=None, lease_until=None)
    assert scene.claim_one(scene.another_reviewer()).record_id in mine


def test_a_gold_card_in_hand_comes_back_after_a_reload_and_is_for_nobody_else(scene: Scene) -> None:
    scene.add_waiting(2)
    make(scene, 1)
    task = scene.claim_one()
    assert scene.claim_one().pk == task.pk
    GoldItem.objects.update(is_on=False)
    others = scene.claim(scene.another_reviewer(), count=4)
    assert {other.kind for other in others} == {TaskKind.REVIEW}


def test_gold_moves_the_progress_like_any_card_and_no_count_of_the_lot(scene: Scene) -> None:
    task = hand_out(scene, GoldKind.KNOWN)
    assert progress_of(project=scene.project, user=scene.reviewer).total == 2
    scene.decide(task)
    assert progress_of(project=scene.project, user=scene.reviewer).decided == 1
    counts = counts_of(scene.project)
    assert (counts.opened, counts.decided, counts.left) == (1, 0, 1)


# --- deciding ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("action", [Action.ACCEPTED, Action.REJECTED, Action.FLAGGED])
def test_a_decision_on_gold_moves_no_record_and_is_in_the_ledger(scene: Scene, action: Action) -> None:
    task = hand_out(scene, GoldKind.KNOWN)
    decision = scene.decide(task, action)
    record = Record.objects.get(pk=task.record_id)
    assert (record.status, record.reviewer, record.event_seq) == (RecordStatus.GOLD, None, 2)
    assert Decision.objects.get().uuid == decision.uuid


def test_gold_can_be_taken_back_like_any_card(scene: Scene) -> None:
    task = hand_out(scene, GoldKind.KNOWN)
    again = undo(decision_uuid=scene.decide(task).uuid, actor=scene.reviewer)
    assert (again.kind, again.record_id, again.lease_holder) == (
        TaskKind.GOLD,
        task.record_id,
        scene.reviewer,
    )
    scene.decide(again, Action.REJECTED)
    assert gold_scores(scene.project) == {scene.reviewer.pk: GoldScore(0, 1)}
    counts = counts_of(scene.project)
    assert counts.tasks - counts.tasks_decided == 1


def test_an_edit_of_gold_is_not_told_where_it_was_copied_from(scene: Scene) -> None:
    task = hand_out(scene, GoldKind.KNOWN)
    payload = {"input": {"text": task.record.input["text"] + " Thanks"}, "output": task.record.output}
    assert scene.decide(task, Action.EDITED, payload=payload).action == Action.EDITED


@pytest.mark.parametrize("policy", ["person", "bulk"])
def test_gold_is_never_released(scene: Scene, policy: str) -> None:
    scene.decide(hand_out(scene, GoldKind.KNOWN))
    mix = MixPolicy.of(scene.project, {"admit": [policy], "real": 0.0})
    choice = choose(scene.project, mix, screen_candidates(scene.project, mix))
    assert choice.records == []


def test_reports_on_prompts_learn_nothing_from_gold(scene: Scene) -> None:
    scene.decide(hand_out(scene, GoldKind.KNOWN), Action.REJECTED)
    assert provenance_report(scene.project).decided == 0


# --- judging -------------------------------------------------------------------------------------------------------


def answer(item: GoldItem, action: Action, **values: Any) -> bool | None:
    return is_right(item, Decision(action=action, **values))


def test_what_counts_as_right() -> None:
    known = GoldItem(kind=GoldKind.KNOWN, right_output={"label": "refund"})
    assert answer(known, Action.ACCEPTED) is True
    assert answer(known, Action.REJECTED) is False
    assert answer(known, Action.FLAGGED) is None
    assert answer(known, Action.EDITED, edited_input={}, edited_output={"label": "refund"}) is True
    assert answer(known, Action.EDITED, edited_input={}, edited_output={"label": "abuse"}) is False
    wrong = GoldItem(kind=GoldKind.WRONG_LABEL, right_output={"label": "refund"})
    assert answer(wrong, Action.ACCEPTED) is False
    assert answer(wrong, Action.REJECTED) is True
    assert answer(wrong, Action.EDITED, edited_input={}, edited_output={"label": "refund"}) is True
    phone = GoldItem(kind=GoldKind.PERSONAL_DATA, right_output={}, planted=PHONES[0])
    kept, gone = {"text": f"Call {PHONES[0]}"}, {"text": "Call me"}
    assert answer(phone, Action.EDITED, edited_input=kept, edited_output={}) is False
    assert answer(phone, Action.EDITED, edited_input=gone, edited_output={}) is True
    near = GoldItem(kind=GoldKind.NEAR_DUPLICATE, right_output={})
    assert answer(near, Action.EDITED, edited_input=gone, edited_output={}) is False
    assert answer(near, Action.REJECTED) is True


def test_only_an_interval_that_lies_below_the_bar_names_anybody() -> None:
    assert not GoldScore(0, 19).is_below(0.8)
    assert not GoldScore(14, 20).is_below(0.8)
    assert GoldScore(10, 20).is_below(0.8)
    assert GoldScore(18, 20).words == "90% (70–97%) of 20"


def test_where_people_are_told_at_once_the_first_answer_counts(scene: Scene) -> None:
    set_rules(project=scene.project, rules=ReviewRules(gold=1, gold_feedback=True), actor=scene.reviewer)
    task = hand_out(scene, GoldKind.KNOWN)
    again = undo(decision_uuid=scene.decide(task, Action.REJECTED).uuid, actor=scene.reviewer)
    scene.decide(again)
    assert gold_scores(scene.project) == {scene.reviewer.pk: GoldScore(0, 1)}
    assert gold_stock(scene.project).rows[0][2] == GoldScore(0, 1)


@pytest.mark.parametrize(("tells", "said"), [(True, "You were wrong"), (False, None)])
def test_people_are_told_only_if_the_project_says_so(scene: Scene, *, tells: bool, said: str | None) -> None:
    rules = ReviewRules(gold=1, gold_feedback=tells)
    set_rules(project=scene.project, rules=rules, actor=scene.reviewer)
    task = hand_out(scene, GoldKind.PERSONAL_DATA)
    client = Client()
    client.force_login(scene.reviewer)
    data = {"task": task.pk, "fence": task.fence, "key": uuid4(), "action": "accepted"}
    address = reverse("review:decide", args=[scene.project.slug])
    answered = client.post(address, data, headers={"accept": "application/json"}).json()
    assert (said in answered["told"]) if said else ("told" not in answered)


def test_a_reviewer_finds_no_gold_in_the_list_and_the_page_of_one_says_in_review(scene: Scene) -> None:
    task = hand_out(scene, GoldKind.WRONG_LABEL)
    scene.decide(task)
    client = Client()
    client.force_login(scene.reviewer)
    records = client.get(reverse("reports:record-list", args=[scene.project.slug])).content.decode()
    assert f"#{task.record_id}<" not in records
    waiting = Record.objects.get(status=RecordStatus.AWAITING_REVIEW)
    said = []
    for pk in (task.record_id, waiting.pk):
        page = client.get(reverse("reports:record-detail", args=[scene.project.slug, pk])).content.decode()
        said.append(page.split("<main")[1].replace(f"#{pk}", "#"))
    assert said[0] == said[1]


# --- pausing -------------------------------------------------------------------------------------------------------


def test_a_paused_reviewer_is_handed_nothing_and_told_why_until_a_lead_lets_them_go_on(scene: Scene) -> None:
    scene.add_waiting(2)
    task = scene.claim_one()
    lead = factories.make_member(scene.project, Role.LEAD)
    membership = Membership.objects.get(user=scene.reviewer)
    pause(membership=membership, actor=lead, why="Read the guide on refunds first")
    assert scene.claim() == []
    with pytest.raises(StaleStateError):
        scene.decide(task, actor=scene.reviewer)
    state = queue_state(project=scene.project, user=scene.reviewer, session_key=SESSION)
    assert (state.is_obtainable, state.is_all_done) == (False, False)
    assert "Read the guide on refunds first" in state.sentences()[0]
    assert len(scene.claim(scene.another_reviewer(), count=2)) == 2
    with pytest.raises(StaleStateError):
        pause(membership=membership, actor=lead, why="again")
    resume(membership=membership, actor=lead)
    ReviewTask.objects.update(lease_holder=None, lease_until=None)
    assert len(scene.claim(count=1)) == 1
