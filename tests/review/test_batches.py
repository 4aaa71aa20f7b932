"""What comes into a lot after its plan is the next batch, and is sampled as closely as the batches before it earned."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from apps.core.errors import RefusedError
from apps.core.statistics.sequential import Plan, Verdict
from apps.core.statistics.switching import Carried, Level
from apps.records.models import Record, ReviewMethod
from apps.review.batches import begin_batch, follow_lot, lots_due, next_plan, start_next_plan
from apps.review.models import Action, Lot, ReviewTask
from apps.review.opening import open_tasks
from apps.review.plan_models import PlanKind, PlanStatus, SamplingPlan
from apps.review.plans import carried_into, sample_of, start_plan
from apps.review.tasks import SWEEPS
from tests.review.scene import Scene
from tests.review.test_plans import settle, statuses

pytestmark = pytest.mark.django_db(databases=["default", "leakage"])


@pytest.fixture
def lot(scene: Scene) -> Lot:
    scene.add_waiting(20)
    return Lot.objects.get()


def ended(lot: Lot, status: PlanStatus, *, level: Level = Level.NORMAL, **values: Any) -> SamplingPlan:
    """A plan of ``lot`` as it stands after its verdict."""
    now = timezone.now()
    return SamplingPlan.objects.create(
        lot=lot,
        kind=values.pop("kind", PlanKind.SEQUENTIAL),
        share=values.pop("share", None),
        level=level,
        status=status,
        good=0.05,
        poor=0.15 if level != Level.TIGHTENED else 0.10,
        alpha=0.05,
        beta=0.10,
        seed=1,
        last_task=1,
        created_at=now,
        **values,
    )


def passed(lot: Lot, **values: Any) -> SamplingPlan:
    return ended(lot, PlanStatus.ACCEPTED, **values)


def refused(lot: Lot, **values: Any) -> SamplingPlan:
    return ended(lot, PlanStatus.REFUSED, **values)


def decide_sample(scene: Scene, plan: SamplingPlan, *, bad: int = 0) -> SamplingPlan:
    """All that is with people of ``plan``, the first in its order as bad as it takes."""
    drawn = list(plan.records.filter(is_random=True).order_by("rank").values_list("record_id", flat=True))
    for number, record in enumerate(drawn):
        open_one = ReviewTask.objects.open().filter(record_id=record)
        if plan.status != PlanStatus.SAMPLING or not open_one.exists():
            break
        open_one.update(priority=0)
        scene.decide(scene.claim_one(), Action.REJECTED if number < bad else Action.ACCEPTED)
        settle(plan)
    plan.refresh_from_db()
    return plan


def test_without_a_history_and_after_a_refusal_it_is_looked_at_until_decided(lot: Lot) -> None:
    assert next_plan(lot, waiting=50).words == ""
    refused(lot)
    plan = next_plan(lot, waiting=50)
    assert (plan.level, plan.kind, plan.rule) == (Level.NORMAL, PlanKind.SEQUENTIAL, Plan())
    assert "0 passed, 1 refused" in plan.words


def test_after_one_that_passed_a_tenth_is_enough_and_a_large_tenth_speaks_for_itself(lot: Lot) -> None:
    passed(lot)
    small, large = next_plan(lot, waiting=100), next_plan(lot, waiting=770)
    assert (small.level, small.kind, small.share) == (Level.REDUCED, PlanKind.REDUCED, 0.10)
    assert (large.level, large.kind, large.share) == (Level.REDUCED, PlanKind.SHARE, 0.10)


def test_two_refusals_within_five_tighten_it_and_five_more_end_it(lot: Lot) -> None:
    refused(lot)
    passed(lot)
    refused(lot)
    plan = next_plan(lot, waiting=100)
    assert (plan.level, plan.kind, plan.rule.poor) == (Level.TIGHTENED, PlanKind.SEQUENTIAL, 0.10)
    refused(lot, level=Level.TIGHTENED)
    # Tightened twice is not tightened further.
    assert next_plan(lot, waiting=100).rule.poor == 0.10
    for _ in range(4):
        refused(lot, level=Level.TIGHTENED)
    assert next_plan(lot, waiting=100).kind is None
    with pytest.raises(RefusedError, match="every record"):
        start_next_plan(lot=lot, actor=None)


def test_plans_that_a_lead_stopped_say_nothing(lot: Lot) -> None:
    passed(lot)
    ended(lot, PlanStatus.RETURNED)
    assert next_plan(lot, waiting=100).level == Level.REDUCED


def test_a_reduced_batch_passes_with_a_tenth(scene: Scene, lot: Lot) -> None:
    passed(lot)
    plan = settle(start_next_plan(lot=lot, actor=None))
    assert (plan.kind, plan.level, statuses()) == (
        PlanKind.REDUCED,
        Level.REDUCED,
        {"sampled_out": 18, "awaiting_review": 2},
    )
    decide_sample(scene, plan)
    assert (plan.status, plan.reviewed, plan.bad) == (PlanStatus.ACCEPTED, 2, 0)
    assert plan.carried == Carried(2, 0)
    assert Record.objects.filter(review_method=ReviewMethod.LOT).count() == 18


def test_small_samples_add_up_until_they_refuse(scene: Scene, lot: Lot) -> None:
    """Each tenth alone would pass; the sequence of them says that the maker got worse."""
    passed(lot)
    first = decide_sample(scene, settle(start_next_plan(lot=lot, actor=None)), bad=2)
    assert (first.status, first.carried) == (PlanStatus.ACCEPTED, Carried(2, 2))
    scene.add_waiting(20, start=200)
    second = settle(start_next_plan(lot=lot, actor=None))
    assert carried_into(second) == Carried(2, 2)
    decide_sample(scene, second, bad=1)
    assert (second.status, second.reviewed, second.bad) == (PlanStatus.REFUSED, 1, 1)
    assert sample_of(second).verdict == Verdict.REFUSED
    open_tasks()
    assert ReviewTask.objects.open().count() == 19
    # What came after another verdict begins anew.
    assert next_plan(lot, waiting=20).level == Level.NORMAL
    assert carried_into(passed(lot, kind=PlanKind.REDUCED, share=0.1)) == Carried()


def test_a_batch_begins_by_itself_when_it_has_come_together(scene: Scene, lot: Lot) -> None:
    (sweep,) = [each for each in SWEEPS if each.name == "review.begin_batch"]
    assert list(sweep.due()) == []
    passed(lot)
    follow_lot(lot=lot, batch_size=30)
    assert list(sweep.due()) == [lot.pk]
    sweep.task(lot.pk)
    assert (list(sweep.due()), SamplingPlan.objects.count()) == ([], 1)
    scene.add_waiting(10, start=300)
    Lot.objects.update(next_batch_at=timezone.now() - timedelta(seconds=1))
    sweep.task(lot.pk)
    plan = lot.plans.order_by("-pk")[0]
    assert (plan.kind, plan.started_by, plan.status) == (PlanKind.REDUCED, None, PlanStatus.TAKING)
    assert settle(plan).population == 30
    # While it runs, and once a lead has ended this, nothing begins.
    Lot.objects.update(next_batch_at=timezone.now() - timedelta(seconds=1))
    assert begin_batch(lot.pk) is None
    follow_lot(lot=lot, batch_size=None)
    assert lots_due() == []
    assert begin_batch(lot.pk) is None


def test_a_lot_that_people_have_to_see_whole_is_followed_no_more(lot: Lot) -> None:
    for _ in range(7):
        refused(lot)
    follow_lot(lot=lot, batch_size=20)
    assert begin_batch(lot.pk) is None
    lot.refresh_from_db()
    assert (lot.batch_size, lot.next_batch_at) == (None, None)


@pytest.mark.parametrize("size", [0, 19, 1_000_001])
def test_a_batch_that_cannot_be_sampled_is_refused(lot: Lot, size: int) -> None:
    with pytest.raises(RefusedError, match="A batch has 20"):
        follow_lot(lot=lot, batch_size=size)


def test_a_plan_of_its_own_needs_no_history(lot: Lot) -> None:
    assert start_plan(lot=lot, kind=PlanKind.SHARE, share=0.5, actor=None).level == Level.NORMAL
