"""What comes next: the priority of the waiting record first, then prompts and models in proportion."""

from __future__ import annotations

import random
from collections import Counter
from datetime import timedelta

import pytest
from django.utils import timezone

from apps.review.lots import SAMPLED, lots_in_turn
from apps.review.models import Action, Lot, ReviewTask, TaskKind
from apps.review.opening import CAME_BACK, PLAIN, WARNED, priority_of_doubt
from apps.review.plan_models import PlanKind
from apps.review.plans import advance_plan, start_plan
from apps.review.selectors import queue_state
from apps.review.stale_leases import STALE
from apps.review.tasks import SWEEPS
from tests import factories
from tests.review.scene import SESSION, Scene, expire_lease

pytestmark = pytest.mark.django_db(databases=["default", "leakage"])

DRAWS = 400


def add_lot(scene: Scene, prompt: str, count: int, *, start: int) -> Lot:
    scene.add_waiting(count, start=start, prompt_version=prompt)
    return Lot.objects.get(prompt_version=prompt)


def set_priority(record_id: int, priority: int) -> None:
    ReviewTask.objects.filter(record=record_id).update(priority=priority)


def test_across_lots_the_record_with_the_smallest_priority_comes_first(scene: Scene) -> None:
    """One record of each kind, each in a lot of its own beside many plain ones: size does not matter."""
    expected = []
    kinds = (CAME_BACK, SAMPLED, priority_of_doubt(1), priority_of_doubt(4), WARNED)
    for number, priority in enumerate(kinds):
        lot = add_lot(scene, f"p v{number}", 2 + 3 * number, start=100 * number)
        expected.append(lot.tasks.order_by("-id")[0].record_id)
        set_priority(expected[-1], priority)
    claimed = [scene.claim_one(scene.another_reviewer()) for _ in range(len(kinds) + 1)]
    assert [task.record_id for task in claimed[:-1]] == expected
    assert claimed[-1].priority == PLAIN


def test_a_random_sample_of_a_small_lot_does_not_wait_for_a_large_one(scene: Scene) -> None:
    lot = add_lot(scene, "small v1", 25, start=1)
    add_lot(scene, "large v1", 60, start=100)
    plan = start_plan(lot=lot, kind=PlanKind.SHARE, share=0.2, actor=None)
    for _ in range(3):
        type(plan).objects.update(next_attempt_at=timezone.now())
        advance_plan(plan.pk)
    first = [scene.claim_one(scene.another_reviewer()) for _ in range(5)]
    assert {task.lot_id for task in first} == {lot.pk}
    assert scene.claim_one(scene.another_reviewer()).lot_id != lot.pk


def in_turn(scene: Scene) -> list[int]:
    return lots_in_turn(scene.project, scene.reviewer, timezone.now())


def test_equals_are_drawn_in_proportion_to_what_is_left(scene: Scene) -> None:
    """A draw without weights gives each half: outside these bounds, as is any order that is always the same."""
    large, small = add_lot(scene, "large v1", 30, start=1), add_lot(scene, "small v1", 10, start=100)
    Lot.objects.filter(pk=large.pk).update(opened=30)
    Lot.objects.filter(pk=small.pk).update(opened=10)
    random.seed(5)
    first = Counter(in_turn(scene)[0] for _ in range(DRAWS))
    assert 0.68 * DRAWS < first[large.pk] < 0.82 * DRAWS


def test_a_nearly_full_gap_comes_last_but_not_its_random_sample(scene: Scene) -> None:
    full = add_lot(scene, "full v1", 2, start=1)
    Lot.objects.filter(pk=full.pk).update(accepted=scene.gap.target_count)
    gap = factories.make_gap(scene.project, labels=("billing",), name="billing gap")
    hungry = Scene(scene.project, gap, scene.reviewer)
    hungry.add_waiting(2, start=10, prompt_version="hungry v1")
    doubted, sampled = full.tasks.order_by("id")
    set_priority(doubted.record_id, priority_of_doubt(1))
    assert in_turn(scene)[-1] == full.pk
    set_priority(sampled.record_id, SAMPLED)
    claimed = [scene.claim_one(scene.another_reviewer()) for _ in range(4)]
    assert claimed[0].pk == sampled.pk
    assert [task.record.gap_id for task in claimed[1:]] == [gap.pk, gap.pk, scene.gap.pk]


def test_what_others_hold_or_a_lead_has_to_settle_draws_nobody_to_a_lot(scene: Scene) -> None:
    held = add_lot(scene, "held v1", 2, start=1)
    add_lot(scene, "other v1", 1, start=10)
    set_priority(held.tasks.order_by("id")[0].record_id, CAME_BACK)
    set_priority(ReviewTask.objects.order_by("-id")[0].record_id, WARNED)
    scene.claim_one(scene.another_reviewer())
    disputed = held.tasks.order_by("id")[1]
    ReviewTask.objects.filter(pk=disputed.pk).update(kind=TaskKind.ADJUDICATION, priority=CAME_BACK)
    other = Lot.objects.get(prompt_version="other v1")
    assert in_turn(scene) == [other.pk]
    ReviewTask.objects.filter(pk=disputed.pk).update(assignee=scene.reviewer)
    assert scene.claim_one().pk == disputed.pk


def sweep_stale_leases() -> int:
    (sweep,) = [each for each in SWEEPS if each.name == "review.clear_stale_leases"]
    return sum(sweep.task(pk) for pk in sweep.due())


def test_a_lease_that_ran_out_is_free_at_once_and_swept_after_a_week(scene: Scene) -> None:
    scene.add_waiting(2)
    stale, fresh = scene.claim(count=2)
    expire_lease(stale)
    other = scene.another_reviewer()
    state = queue_state(project=scene.project, user=other, session_key=SESSION)
    assert (state.is_obtainable, state.held_by_others) == (True, 1)
    assert sweep_stale_leases() == 0
    ReviewTask.objects.filter(pk=stale.pk).update(lease_until=timezone.now() - STALE - timedelta(seconds=1))
    assert sweep_stale_leases() == 1
    assert sweep_stale_leases() == 0
    stale.refresh_from_db()
    fresh.refresh_from_db()
    assert (stale.lease_holder, stale.lease_until, stale.fence) == (None, None, 1)
    assert fresh.lease_holder == scene.reviewer
    assert scene.claim_one(other).pk == stale.pk
    scene.decide(fresh, Action.ACCEPTED)
