"""Sampling plans: what is set aside, what people see of it, and what their decisions do to the rest."""

from __future__ import annotations

from collections import Counter
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from apps.core.errors import DomainError, RefusedError, StaleStateError
from apps.core.statistics.sequential import Plan, Verdict
from apps.generation.models import PromptPause
from apps.generation.pauses import lift_pause
from apps.records.models import Record, ReviewMethod
from apps.records.services import move_records
from apps.records.states import RecordStatus
from apps.review.decisions import decide
from apps.review.lots import counts_of
from apps.review.models import Action, Lot, ReviewTask
from apps.review.opening import open_tasks
from apps.review.plan_models import PlanKind, PlanStatus, Risk, SamplingPlan
from apps.review.plans import AHEAD, advance_plan, rank_of, sample_of, start_plan, stop_plan
from apps.review.recalls import advance_recall, start_recall
from apps.specs.models import Role
from apps.validation.models import Finding
from tests import factories
from tests.review.scene import Scene

pytestmark = pytest.mark.django_db(databases=["default", "leakage"])


def begin(scene: Scene, *, kind: PlanKind = PlanKind.SEQUENTIAL, **values: Any) -> SamplingPlan:
    plan = start_plan(lot=Lot.objects.get(), kind=kind, actor=None, **({"seed": 7} | values))
    return settle(plan)


def settle(plan: SamplingPlan) -> SamplingPlan:
    """Everything that is due now, until only people can go on."""
    while True:
        before = (plan.status, plan.population, plan.records.filter(is_random=True).count(), statuses())
        SamplingPlan.objects.filter(pk=plan.pk).exclude(next_attempt_at=None).update(
            next_attempt_at=timezone.now()
        )
        advance_plan(plan.pk)
        plan.refresh_from_db()
        after = (plan.status, plan.population, plan.records.filter(is_random=True).count(), statuses())
        if after == before:
            return plan


def statuses() -> Counter[str]:
    return Counter(Record.objects.values_list("status", flat=True))


def decide_next(scene: Scene, action: Action = Action.ACCEPTED) -> Record:
    return scene.decide(scene.claim_one(), action).record


def in_order(plan: SamplingPlan) -> list[int]:
    return list(plan.records.order_by("rank").values_list("record_id", flat=True))


def decide_in_order(scene: Scene, plan: SamplingPlan, bad: int, good: int) -> None:
    """The sample from its start: first the bad ones. A sequential plan goes on as far as it needs."""
    for number in range(bad + good):
        task = ReviewTask.objects.open().get(record_id=in_order(plan)[number])
        ReviewTask.objects.filter(pk=task.pk).update(priority=0)
        task = scene.claim_one()
        scene.decide(task, Action.REJECTED if number < bad else Action.ACCEPTED)
        settle(plan)


def test_what_waits_is_set_aside_and_the_first_of_a_random_order_go_to_people(scene: Scene) -> None:
    records = scene.add_waiting(40)
    plan = begin(scene)
    assert plan.status == PlanStatus.SAMPLING
    assert (plan.population, statuses()) == (40, {"sampled_out": 40 - AHEAD, "awaiting_review": AHEAD})
    order = sorted(records, key=lambda record: rank_of(7, record))
    assert in_order(plan) == [record.pk for record in order]
    waiting = set(ReviewTask.objects.open().values_list("record_id", flat=True))
    assert waiting == {record.pk for record in order[:AHEAD]}
    assert counts_of(scene.project).opened == AHEAD


def test_another_seed_is_another_order_and_a_drawn_seed_is_kept(scene: Scene) -> None:
    records = scene.add_waiting(40)
    assert [rank_of(1, record) for record in records] != [rank_of(2, record) for record in records]
    plan = begin(scene, seed=None)
    assert in_order(plan) == [
        record.pk for record in sorted(records, key=lambda record: rank_of(plan.seed, record))
    ]


def test_a_clean_sample_accepts_the_rest_unread(scene: Scene) -> None:
    scene.add_waiting(40)
    plan = begin(scene)
    decide_in_order(scene, plan, bad=0, good=21)
    assert (plan.status, plan.reviewed, plan.bad) == (PlanStatus.ACCEPTED, 21, 0)
    methods = Counter(Record.objects.releasable().values_list("review_method", flat=True))
    still_with_people = ReviewTask.objects.open().count()
    assert methods == {ReviewMethod.PERSON: 21, ReviewMethod.LOT: 40 - 21 - still_with_people}
    unread = Record.objects.filter(review_method=ReviewMethod.LOT)[0]
    assert (unread.decision_uuid, unread.reviewer) == (plan.uuid, None)
    assert unread.events.order_by("-seq")[0].reason == f"plan {plan.pk}: lot accepted"


def test_three_bad_ones_refuse_it_the_rest_is_reviewed_and_the_prompt_paused(scene: Scene) -> None:
    prompt = scene.project.prompts.create(name="p")
    version = prompt.versions.create(version=1, template="x")
    scene.add_waiting(40)
    plan = begin(scene)
    decide_in_order(scene, plan, bad=3, good=0)
    assert (plan.status, plan.reviewed, plan.bad) == (PlanStatus.REFUSED, 3, 3)
    assert statuses() == {"rejected": 3, "awaiting_review": 37}
    open_tasks()
    assert ReviewTask.objects.open().count() == 37
    pause = PromptPause.objects.get()
    assert (pause.prompt_version, pause.model) == (version, "rules-1")
    assert "3 of 3" in pause.reason
    lead = factories.make_member(scene.project, Role.LEAD)
    with pytest.raises(DomainError, match="why"):
        lift_pause(pause=pause, because=" ", actor=lead)
    lift_pause(pause=pause, because="the slot was mended", actor=lead)
    with pytest.raises(StaleStateError):
        lift_pause(pause=pause, because="again", actor=lead)


def test_an_edit_counts_as_bad(scene: Scene) -> None:
    scene.add_waiting(40)
    plan = begin(scene)
    texts = ("the landlord kept our deposit", "my parcel never left Leeds", "who cancels a gym in May")
    for number, text in enumerate(texts):
        ReviewTask.objects.open().filter(record_id=in_order(plan)[number]).update(priority=0)
        payload = {"input": {"text": text}, "output": {"label": "refund"}}
        scene.decide(scene.claim_one(), Action.EDITED, payload=payload)
        settle(plan)
    assert (plan.status, plan.bad) == (PlanStatus.REFUSED, 3)


def test_a_record_that_takes_long_to_decide_is_not_left_out(scene: Scene) -> None:
    scene.add_waiting(60)
    plan = begin(scene)
    first = ReviewTask.objects.open().get(record_id=in_order(plan)[0])
    ReviewTask.objects.filter(pk=first.pk).update(priority=0)
    slow = scene.claim_one()
    quick = scene.another_reviewer()
    for _ in range(25):
        scene.decide(scene.claim_one(quick))
        settle(plan)
    assert (plan.status, sample_of(plan).reviewed) == (PlanStatus.SAMPLING, 0)
    decide(task=slow, actor=scene.reviewer, fence=slow.fence, key=uuid4(), action=Action.ACCEPTED)
    settle(plan)
    assert (plan.status, plan.reviewed) == (PlanStatus.ACCEPTED, 21)


def test_a_fixed_share_is_drawn_at_once_and_decided_when_all_are_in(scene: Scene) -> None:
    scene.add_waiting(60)
    plan = begin(scene, kind=PlanKind.SHARE, share=0.5)
    assert statuses() == {"sampled_out": 30, "awaiting_review": 30}
    for _ in range(29):
        decide_next(scene)
    settle(plan)
    assert plan.status == PlanStatus.SAMPLING
    decide_next(scene)
    settle(plan)
    assert (plan.status, plan.reviewed) == (PlanStatus.ACCEPTED, 30)
    assert statuses() == {"accepted": 60}


def test_a_small_share_says_neither_yes_nor_no_and_a_lead_ends_it(scene: Scene) -> None:
    scene.add_waiting(60)
    plan = begin(scene, kind=PlanKind.SHARE, share=0.05)
    for _ in range(3):
        decide_next(scene)
    settle(plan)
    assert (plan.status, sample_of(plan).verdict) == (PlanStatus.SAMPLING, Verdict.UNDECIDED)
    lead = factories.make_member(scene.project, Role.LEAD)
    stop_plan(plan=plan, actor=lead)
    settle(plan)
    assert plan.status == PlanStatus.RETURNED
    assert statuses() == {"accepted": 3, "awaiting_review": 57}
    with pytest.raises(StaleStateError):
        stop_plan(plan=plan, actor=lead)


def test_people_saw_every_record_before_there_was_a_verdict(scene: Scene) -> None:
    scene.add_waiting(20)
    plan = begin(scene)
    decide_in_order(scene, plan, bad=1, good=19)
    assert (plan.status, plan.note) == (PlanStatus.RETURNED, "people saw every record")
    assert statuses() == {"accepted": 19, "rejected": 1}


def test_what_came_later_or_is_with_people_is_no_part_of_it(scene: Scene) -> None:
    scene.add_waiting(30)
    held = scene.claim_one()
    flagged = scene.another_reviewer()
    back = scene.decide(scene.claim_one(flagged))
    start_recall(project=scene.project, criteria={"record": str(back.record_id)}, reason="look", actor=None)
    advance_recall(scene.project.recalls.get().pk)
    open_tasks()
    plan = start_plan(lot=Lot.objects.get(), kind=PlanKind.SEQUENTIAL, actor=None)
    late = scene.add_waiting(1, start=100)[0]
    settle(plan)
    assert plan.population == 28
    assert not plan.records.filter(record__in=[held.record_id, back.record_id, late.pk]).exists()


def test_a_record_a_check_takes_back_is_neither_good_nor_bad(scene: Scene) -> None:
    scene.add_waiting(40)
    plan = begin(scene)
    first = Record.objects.get(pk=in_order(plan)[0])
    move_records(records=[first], to=RecordStatus.FAILED_CHECKS, actor=None)
    for number in range(1, 22):
        ReviewTask.objects.open().filter(record_id=in_order(plan)[number]).update(priority=0)
        decide_next(scene)
        settle(plan)
    assert (plan.status, plan.reviewed) == (PlanStatus.ACCEPTED, 21)


def test_the_risk_audit_draws_from_every_kind_of_risk(scene: Scene) -> None:
    records = scene.add_waiting(38, axes={"tone": "calm"})
    rare = scene.add_waiting(2, start=50, axes={"tone": "furious"})
    Finding.objects.create(
        record=records[0], check_name="leakage", check_version=2, outcome="warn", code="near", message="x"
    )
    plan = begin(scene, risk_share=0.075)
    risky = dict(plan.records.exclude(risk="").values_list("record_id", "risk"))
    assert risky == {records[0].pk: Risk.NEAR, rare[0].pk: Risk.RARE, rare[1].pk: Risk.RARE}
    drawn = plan.records.filter(drawn_at__isnull=False)
    assert set(ReviewTask.objects.open().values_list("record_id", flat=True)) == set(
        drawn.values_list("record_id", flat=True)
    )
    random = set(plan.records.filter(is_random=True).values_list("record_id", flat=True))
    assert random == set(in_order(plan)[: len(random)])


def test_risky_records_do_not_speak_for_the_lot(scene: Scene) -> None:
    scene.add_waiting(57, axes={"tone": "calm"})
    rare = {record.pk for record in scene.add_waiting(3, start=80, axes={"tone": "furious"})}
    plan = begin(scene, risk_share=0.05, seed=5)
    outside = rare - set(plan.records.filter(is_random=True).values_list("record_id", flat=True))
    assert outside
    for pk in outside:
        ReviewTask.objects.open().filter(record_id=pk).update(priority=0)
        decide_next(scene, Action.REJECTED)
    settle(plan)
    assert (plan.status, sample_of(plan).bad) == (PlanStatus.SAMPLING, 0)


def test_an_accepted_lot_can_be_recalled(scene: Scene) -> None:
    scene.add_waiting(60)
    plan = begin(scene, kind=PlanKind.SHARE, share=0.5)
    for _ in range(30):
        decide_next(scene)
    settle(plan)
    recall = start_recall(
        project=scene.project, criteria={"plan": str(plan.pk)}, reason="audit failed", actor=None
    )
    advance_recall(recall.pk)
    assert statuses() == {"accepted": 30, "awaiting_review": 30}


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"kind": PlanKind.SHARE}, "share"),
        ({"kind": PlanKind.SHARE, "share": 1.0}, "share"),
        ({"risk_share": 0.9}, "riskiest"),
        ({"rule": Plan(good=0.2, poor=0.1)}, "fine"),
        ({"rule": Plan(alpha=0.0)}, "error rates"),
    ],
)
def test_numbers_that_make_no_plan_are_named(scene: Scene, values: dict[str, Any], problem: str) -> None:
    scene.add_waiting(20)
    with pytest.raises(RefusedError) as caught:
        begin(scene, **values)
    assert problem in " ".join(caught.value.problems)


def test_too_few_are_reviewed_whole(scene: Scene) -> None:
    scene.add_waiting(19)
    with pytest.raises(RefusedError, match="19 records wait here"):
        begin(scene)


def test_a_lot_has_one_plan_at_a_time(scene: Scene) -> None:
    scene.add_waiting(40)
    begin(scene, kind=PlanKind.SHARE, share=0.1)
    scene.add_waiting(20, start=100)
    with pytest.raises(StaleStateError, match="under a plan already"):
        begin(scene)
