"""Cards whose right answer is known: they look like others, say something of the person, and are never released."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse

from apps.core.errors import RefusedError, StaleStateError
from apps.datasets.choosing import choose, screen_candidates
from apps.datasets.policy import MixPolicy
from apps.records.models import Record, SourceType
from apps.records.services import NewRecord, create_records
from apps.records.states import RecordStatus
from apps.reports.provenance import provenance_report
from apps.review.cards import Card, cards_of
from apps.review.gold import PHONES, is_right, make_gold
from apps.review.gold_scores import GoldScore, contested_gold, gold_scores, gold_stock
from apps.review.lots import counts_of
from apps.review.models import Action, Decision, GoldItem, GoldKind, ReviewTask, TaskKind
from apps.review.pausing import pause, resume
from apps.review.payloads import check_edit
from apps.review.references import LIMIT, name_of, reference_of, task_id_of
from apps.review.rules import ReviewRules, set_rules
from apps.review.selectors import progress_of, queue_state
from apps.review.undo import undo
from apps.specs.models import Membership, Role
from tests import factories
from tests.review.scene import SESSION, Scene, make_scene

pytestmark = pytest.mark.django_db(databases=["default", "leakage"])

JSON = {"accept": "application/json"}
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
    original = task.record.derived_from
    assert original is not None
    assert near.name == name_of(original, ReviewRules.of(scene.project))
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


def test_progress_moves_by_one_with_every_card_and_its_total_with_none(scene: Scene) -> None:
    set_rules(project=scene.project, rules=ReviewRules(gold=0.5), actor=scene.reviewer)
    scene.add_waiting(12)
    make(scene)
    seen, kinds = [], set()
    for _ in range(16):
        task = scene.claim_one()
        scene.decide(task)
        kinds.add(task.kind)
        progress = progress_of(project=scene.project, user=scene.reviewer)
        seen.append((progress.decided, progress.total))
    assert seen == [(number, 24) for number in range(1, 17)]
    assert kinds == {TaskKind.GOLD, TaskKind.REVIEW}
    counts = counts_of(scene.project)
    assert counts.opened == 12
    assert counts.decided + counts.gold_decided == 16


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
    assert (counts.tasks - counts.tasks_decided, counts.gold_decided) == (1, 1)


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
    data = {"task": reference_of(task.pk), "fence": task.fence, "key": uuid4(), "action": "accepted"}
    address = reverse("review:decide", args=[scene.project.slug])
    answered = client.post(address, data, headers={"accept": "application/json"}).json()
    assert (said in answered["told"]) if said else ("told" not in answered)


# --- finding them out ----------------------------------------------------------------------------------------------


def test_reviewers_find_no_card_elsewhere_and_leads_find_each_by_what_reviewers_call_it(scene: Scene) -> None:
    task = hand_out(scene, GoldKind.WRONG_LABEL)
    scene.decide(task)
    (waiting,) = scene.add_waiting(1, start=2)
    pages = [reverse("reports:record-list", args=[scene.project.slug])]
    pages += [
        reverse("reports:record-detail", args=[scene.project.slug, pk]) for pk in (task.record_id, waiting.pk)
    ]
    client = Client()
    client.force_login(scene.reviewer)
    said = {client.get(page).content.decode().split("<main")[1] for page in pages}
    assert len(said) == 1
    assert pages[0] not in client.get(reverse("review:room", args=[scene.project.slug])).content.decode()
    lead = Client()
    lead.force_login(factories.make_member(scene.project, Role.LEAD))
    name = name_of(waiting, ReviewRules.of(scene.project))
    assert f"#{waiting.pk}<" in lead.get(pages[0], {"q": f"#{name}"}).content.decode()


def test_a_card_of_gold_and_any_other_have_nothing_by_which_to_tell_them_but_what_they_say(
    scene: Scene,
) -> None:
    """Numbers, names, addresses and the order of cards in hand: all of them as if drawn by chance."""
    set_rules(project=scene.project, rules=ReviewRules(gold=0.5), actor=scene.reviewer)
    scene.add_waiting(20)
    make(scene)
    client = Client()
    client.force_login(scene.reviewer)
    client.post(reverse("review:bulk-take", args=[scene.project.slug]), {"size": 25})
    page = client.get(reverse("review:bulk", args=[scene.project.slug]))
    cards = page.context["cards"]
    gold = [place for place, card in enumerate(cards) if card.task.kind == TaskKind.GOLD]
    assert 0 < len(gold) < len(cards)
    numbers_of_others = [card.task.pk for card in cards if card.task.kind != TaskKind.GOLD]
    assert numbers_of_others == sorted(numbers_of_others)
    assert gold != list(range(len(numbers_of_others), len(cards)))
    assert [card.name for card in cards] == [card.record.uuid.hex[:8] for card in cards]
    # What the page sends and what its parts are called by: references and codes alone.
    html = page.content.decode()
    numbers = {int(number) for number in re.findall(r'[-"](\d+)"', html.split('<form class="bulk-form')[1])}
    assert {card.reference for card in cards} <= numbers
    assert not numbers & {card.task.pk for card in cards if card.task.pk > 100}


def test_a_reference_stands_for_one_task_and_beyond_the_last_for_none(scene: Scene) -> None:
    numbers = [*range(300), LIMIT - 1]
    assert [task_id_of(reference_of(number)) for number in numbers] == numbers
    assert sorted(map(reference_of, range(300))) != [reference_of(number) for number in range(300)]
    client = Client()
    client.force_login(scene.reviewer)
    address = reverse("review:edit", args=[scene.project.slug, 1]).replace(str(reference_of(1)), str(LIMIT))
    assert client.get(address).status_code == 404
    answer = client.post(
        reverse("review:draft", args=[scene.project.slug]), {"task": LIMIT, "fence": 1}, headers=JSON
    )
    assert answer.status_code == 400


def test_checks_speak_of_gold_as_of_other_cards_but_not_of_what_it_is_a_copy_of(scene: Scene) -> None:
    checks = {"personal_data": {"allow_reserved": False, "severity": "warn"}}
    factories.make_spec(scene.project, checks=checks)
    task = hand_out(scene, GoldKind.PERSONAL_DATA)
    said = {check.name: check for check in card_of(scene, task).reading.checks}
    assert (said["personal_data"].outcome, said["personal_data"].quote[:7]) == ("warn", "415-555")
    assert said["near_duplicate"].outcome == "pass"
    payload = {"input": {"text": task.record.input["text"] + " Thanks"}, "output": task.record.output}
    check = check_edit(project=scene.project, record=task.record, payload=payload)
    assert (check.problems, len(check.warnings)) == ({}, 1)


def test_what_a_check_would_stop_becomes_no_gold(scene: Scene) -> None:
    """A defect that the checks catch is none that people see, and a row that they stop is none either."""
    factories.make_spec(
        scene.project,
        checks={"personal_data": {"allow_reserved": False}, "forbidden": {"patterns": ["ticket 3:"]}},
    )
    items = make(scene)
    assert GoldKind.PERSONAL_DATA not in {item.kind for item in items}
    assert len(items) == 11


def test_gold_shows_the_labels_and_the_members_that_candidates_have(scene: Scene) -> None:
    """As far as there are rows: the others are handed out when those are used up."""
    scene.add_waiting(9)
    for number, label in enumerate(["refund", "refund", "abuse", "abuse"]):
        row = NewRecord(
            source_type=SourceType.REAL,
            use="train",
            input={"text": f"Another real ticket, number {number}, that came by chat", "channel": "chat"},
            output={"label": label},
        )
        create_records(project=scene.project, rows=[row], actor=None)
    items = make(scene, 16)
    assert all(item.record.input.keys() == {"text"} for item in items)
    wrong = [item.record.label for item in items if item.kind == GoldKind.WRONG_LABEL]
    assert set(wrong) == {"refund"}
    shown = []
    for _ in range(9):
        task = scene.claim_one()
        shown.append(task.record.label)
        scene.decide(task)
    fitting = sum(item.record.label == "refund" for item in items)
    assert fitting >= 6
    assert shown[:fitting] == ["refund"] * min(fitting, 9)


def test_a_question_about_gold_is_not_shown_to_the_next_person(scene: Scene) -> None:
    task = hand_out(scene, GoldKind.KNOWN)
    scene.decide(task, Action.FLAGGED, note="Is this one of ours?")
    other = scene.another_reviewer()
    ReviewTask.objects.filter(kind=TaskKind.REVIEW).update(lease_holder=None, lease_until=None)
    GoldItem.objects.exclude(record=task.record).update(is_on=False)
    again = scene.claim_one(other)
    assert again.record_id == task.record_id
    (card,) = cards_of(project=scene.project, user=other, tasks=[again])
    assert card.questions == []


def test_what_people_doubt_is_listed_and_counts_for_nobody_once_it_is_taken_out(scene: Scene) -> None:
    task = hand_out(scene, GoldKind.KNOWN)
    scene.decide(task, Action.FLAGGED, note="Is that label right?")
    item = GoldItem.objects.get(record=task.record_id)
    GoldItem.objects.exclude(pk=item.pk).update(is_on=False)
    people = [scene.another_reviewer() for _ in range(3)]
    for person in people:
        ReviewTask.objects.filter(kind=TaskKind.REVIEW).update(lease_holder=None, lease_until=None)
        scene.decide(scene.claim_one(person), Action.REJECTED)
    (contested,) = contested_gold(scene.project)
    assert (contested.item, contested.score) == (item, GoldScore(0, 3))
    assert contested.questions == ["Is that label right?"]
    lead = Client()
    lead.force_login(factories.make_member(scene.project, Role.LEAD))
    quality = reverse("review:quality", args=[scene.project.slug])
    assert "Is that label right?" in lead.get(quality).content.decode()
    page = lead.post(reverse("review:quality-gold-out", args=[scene.project.slug, item.pk]), follow=True)
    assert "Is that label right?" not in page.content.decode()
    assert (contested_gold(scene.project), gold_scores(scene.project)) == ([], {})
    assert scene.claim_one(scene.another_reviewer()).kind == TaskKind.REVIEW


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
