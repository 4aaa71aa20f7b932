"""Claims, leases and fences: one holder each, and nobody is told "empty" while something is obtainable."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.core.errors import StaleStateError
from apps.records.models import Record
from apps.records.services import move_records
from apps.records.states import RecordStatus
from apps.review import claiming
from apps.review.leases import LEASE, LEAVING, MAX_HELD, forget_skips, release_leases, renew, skip
from apps.review.models import Lot, ReviewTask, TaskStatus
from tests import factories
from tests.review.scene import SESSION, Scene, expire_lease

pytestmark = pytest.mark.django_db


def test_a_claim_leases_the_head_for_ten_minutes_under_a_new_fence(scene: Scene) -> None:
    first, _ = scene.add_waiting(2)
    task = scene.claim_one()
    stored = ReviewTask.objects.get(pk=task.pk)
    assert (stored.record_id, stored.lease_holder, stored.fence) == (first.pk, scene.reviewer, 1)
    assert stored.lease_until is not None
    assert abs(stored.lease_until - timezone.now() - LEASE) < timedelta(minutes=1)
    assert (task.fence, task.lease_until) == (stored.fence, stored.lease_until)


def test_two_people_get_different_records(scene: Scene) -> None:
    scene.add_waiting(4)
    other = scene.another_reviewer()
    mine, theirs = scene.claim(count=2), scene.claim(other, count=4)
    assert len(mine) == len(theirs) == 2
    assert not {task.pk for task in mine} & {task.pk for task in theirs}


def test_a_reload_brings_the_same_cards_under_the_same_fence(scene: Scene) -> None:
    scene.add_waiting(5)
    before = scene.claim(count=3)
    after = scene.claim(count=3)
    assert [(task.pk, task.fence) for task in after] == [(task.pk, task.fence) for task in before]


def test_cards_the_browser_has_are_not_handed_out_again(scene: Scene) -> None:
    scene.add_waiting(5)
    have = [task.pk for task in scene.claim(count=3)]
    (more,) = scene.claim(count=1, have=have)
    assert more.pk not in have


def test_nobody_hoards_the_queue(scene: Scene) -> None:
    scene.add_waiting(MAX_HELD + 4)
    have: list[int] = []
    for _ in range(6):
        have += [task.pk for task in scene.claim(count=4, have=have)]
    assert len(have) == MAX_HELD


def test_an_expired_lease_goes_to_the_next_person_under_a_higher_fence(scene: Scene) -> None:
    scene.add_waiting(1)
    task = scene.claim_one()
    expire_lease(task)
    again = scene.claim_one(scene.another_reviewer())
    assert (again.pk, again.fence) == (task.pk, task.fence + 1)


def test_renewing_prolongs_what_is_held_and_names_what_is_lost(scene: Scene) -> None:
    scene.add_waiting(2)
    kept, lost = scene.claim(count=2)
    expire_lease(lost)
    scene.claim_one(scene.another_reviewer())
    renewal = renew(
        project=scene.project, user=scene.reviewer, fences={kept.pk: kept.fence, lost.pk: lost.fence}
    )
    assert (renewal.kept, renewal.lost) == ([kept.pk], [lost.pk])
    assert ReviewTask.objects.get(pk=kept.pk).lease_until == renewal.until


def test_an_expired_lease_that_nobody_took_can_be_renewed(scene: Scene) -> None:
    scene.add_waiting(1)
    task = scene.claim_one()
    expire_lease(task)
    assert renew(project=scene.project, user=scene.reviewer, fences={task.pk: task.fence}).kept == [task.pk]
    scene.decide(task)


def test_nobody_renews_the_lease_of_somebody_else(scene: Scene) -> None:
    scene.add_waiting(1)
    task = scene.claim_one()
    thief = scene.another_reviewer()
    assert renew(project=scene.project, user=thief, fences={task.pk: task.fence}).lost == [task.pk]


def test_leaving_gives_cards_back_but_keeps_the_one_in_view_for_a_reload(scene: Scene) -> None:
    scene.add_waiting(2)
    in_view, ahead = scene.claim(count=2)
    fences = {in_view.pk: in_view.fence, ahead.pk: ahead.fence}
    assert release_leases(project=scene.project, user=scene.reviewer, fences=fences, in_view=in_view.pk) == 1
    assert ReviewTask.objects.get(pk=ahead.pk).lease_holder is None
    until = ReviewTask.objects.get(pk=in_view.pk).lease_until
    assert until is not None
    assert until <= timezone.now() + LEAVING


def test_releasing_under_an_old_fence_changes_nothing(scene: Scene) -> None:
    scene.add_waiting(1)
    task = scene.claim_one()
    release_leases(project=scene.project, user=scene.reviewer, fences={task.pk: task.fence - 1})
    assert ReviewTask.objects.get().lease_holder == scene.reviewer


def test_a_skipped_record_comes_back_for_others_and_in_the_next_session(scene: Scene) -> None:
    scene.add_waiting(1)
    task = scene.claim_one()
    for _ in range(2):
        skip(
            project=scene.project,
            user=scene.reviewer,
            session_key=SESSION,
            task_id=task.pk,
            fence=task.fence,
        )
    assert scene.claim() == []
    other = scene.another_reviewer()
    assert [claimed.pk for claimed in scene.claim(other)] == [task.pk]
    ReviewTask.objects.update(lease_holder=None, lease_until=None)
    tomorrow = claiming.claim_next(project=scene.project, user=scene.reviewer, session_key="tomorrow")
    assert [claimed.pk for claimed in tomorrow] == [task.pk]


def test_forgotten_skips_are_shown_again(scene: Scene) -> None:
    scene.add_waiting(1)
    task = scene.claim_one()
    skip(project=scene.project, user=scene.reviewer, session_key=SESSION, task_id=task.pk, fence=task.fence)
    assert forget_skips(project=scene.project, user=scene.reviewer, session_key=SESSION) == 1
    assert scene.claim_one().pk == task.pk


def test_skipping_what_is_decided_is_stale(scene: Scene) -> None:
    scene.add_waiting(1)
    task = scene.claim_one()
    scene.decide(task)
    with pytest.raises(StaleStateError):
        skip(
            project=scene.project,
            user=scene.reviewer,
            session_key=SESSION,
            task_id=task.pk,
            fence=task.fence,
        )


def test_a_task_assigned_to_somebody_is_for_them_alone(scene: Scene) -> None:
    scene.add_waiting(1)
    other = scene.another_reviewer()
    ReviewTask.objects.update(assignee=other)
    assert scene.claim() == []
    assert len(scene.claim(other)) == 1


def test_records_the_workers_have_not_opened_yet_are_opened_by_the_claim(scene: Scene) -> None:
    (record,) = scene.add_waiting(1)
    ReviewTask.objects.all().delete()
    Record.objects.update(due_at=timezone.now())
    assert scene.claim_one().record_id == record.pk


def test_a_task_whose_record_left_the_queue_is_cancelled_and_not_handed_out(scene: Scene) -> None:
    gone, waiting = scene.add_waiting(2)
    gone.refresh_from_db()
    move_records(records=[gone], to=RecordStatus.FAILED_CHECKS, actor=None)
    assert scene.claim_one().record_id == waiting.pk
    assert ReviewTask.objects.get(record=gone).status == TaskStatus.CANCELLED


def test_a_closed_lot_hands_out_nothing(scene: Scene) -> None:
    scene.add_waiting(1)
    Lot.objects.update(status="closed")
    assert scene.claim() == []


def test_lots_of_a_gap_that_is_nearly_full_come_last(scene: Scene) -> None:
    scene.add_waiting(1, prompt_version="p v1")
    Lot.objects.update(accepted=scene.gap.target_count)
    hungry = Scene(
        scene.project,
        factories.make_gap(scene.project, labels=("billing",), name="billing gap"),
        scene.reviewer,
    )
    hungry.add_waiting(3, start=10)
    claimed = scene.claim(count=4)
    assert [task.record.gap_id for task in claimed] == [hungry.gap.pk] * 3 + [scene.gap.pk]
