"""Records that passed their checks get one task each, in lots of one prompt and model."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.records.models import Record
from apps.records.services import move_records
from apps.records.states import RecordStatus
from apps.review import lots, tasks
from apps.review.models import Lot, LotDelta, ReviewTask, TaskStatus
from apps.review.opening import open_tasks
from apps.validation.models import Finding, Outcome
from tests.review.scene import Scene

pytestmark = pytest.mark.django_db


def test_each_record_gets_one_task_and_is_not_due_any_more(scene: Scene) -> None:
    records = scene.add_waiting(3)
    assert sorted(ReviewTask.objects.values_list("record_id", flat=True)) == [record.pk for record in records]
    assert not Record.objects.filter(due_at__isnull=False, status=RecordStatus.AWAITING_REVIEW).exists()


def test_opening_again_opens_nothing(scene: Scene) -> None:
    scene.add_waiting(3)
    assert open_tasks() == 0
    assert ReviewTask.objects.count() == 3


def test_more_than_a_slice_is_opened_in_one_call(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apps.review.opening.SLICE", 2)
    scene.add_waiting(5)
    assert ReviewTask.objects.count() == 5


def test_a_lot_is_one_gap_prompt_and_model(scene: Scene) -> None:
    scene.add_waiting(2, prompt_version="p v1")
    scene.add_waiting(3, start=10, prompt_version="p v2")
    scene.add_waiting(1, start=20, prompt_version="p v2", generator_model="rules-2")
    assert sorted(lot.tasks.count() for lot in Lot.objects.all()) == [1, 2, 3]


def test_what_a_check_warned_of_comes_first(scene: Scene) -> None:
    plain, warned = scene.add_waiting(2)
    ReviewTask.objects.all().delete()
    Finding.objects.create(
        record=warned,
        check_name="personal_data",
        check_version=1,
        outcome=Outcome.WARN,
        code="phone",
        message="?",
    )
    Record.objects.update(due_at=timezone.now())
    open_tasks()
    order = ReviewTask.objects.in_queue_order().values_list("record_id", flat=True)
    assert list(order) == [warned.pk, plain.pk]


def test_a_record_that_came_back_gets_the_next_round(scene: Scene) -> None:
    (record,) = scene.add_waiting(1)
    ReviewTask.objects.update(status=TaskStatus.CANCELLED)
    Record.objects.update(due_at=timezone.now())
    open_tasks()
    assert ReviewTask.objects.open().get(record=record).round == 2


def test_a_record_with_an_open_task_gets_no_second_one(scene: Scene) -> None:
    scene.add_waiting(1)
    Record.objects.update(due_at=timezone.now())
    assert open_tasks() == 1
    assert ReviewTask.objects.count() == 1


def test_a_record_whose_time_has_not_come_is_left_alone(scene: Scene) -> None:
    (record,) = scene.add_waiting(1)
    ReviewTask.objects.all().delete()
    Record.objects.update(due_at=timezone.now() + timedelta(hours=1))
    assert open_tasks() == 0
    assert not record.review_tasks.exists()


def test_counts_are_exact_before_and_after_folding(scene: Scene) -> None:
    scene.add_waiting(3)
    scene.decide(scene.claim_one())
    before = lots.counts_of(scene.project)
    assert (before.opened, before.accepted, before.left) == (3, 1, 2)
    assert lots.fold_lots() == 2
    assert lots.counts_of(scene.project) == before
    assert not LotDelta.objects.exists()
    assert Lot.objects.get().opened == 3


def test_the_sweeps_say_what_is_due_and_do_it(scene: Scene) -> None:
    (record,) = scene.add_waiting(1)
    ReviewTask.objects.all().delete()
    Record.objects.update(due_at=timezone.now())
    for sweep in [each for each in tasks.SWEEPS if each.name in {"review.open_tasks", "review.fold_lots"}]:
        assert list(sweep.due()) == [0]
        sweep.task(0)
        assert list(sweep.due()) == []
    assert record.review_tasks.count() == 1


def test_a_closed_lot_is_not_reopened_but_followed_by_a_new_one(scene: Scene) -> None:
    scene.add_waiting(1)
    Lot.objects.update(status="closed")
    scene.add_waiting(1, start=2)
    assert sorted(Lot.objects.values_list("status", flat=True)) == ["closed", "open"]


def test_a_record_that_leaves_the_queue_while_moving_is_not_opened(scene: Scene) -> None:
    (record,) = scene.add_waiting(1)
    record.refresh_from_db()
    move_records(records=[record], to=RecordStatus.FAILED_CHECKS, actor=None, due_at=None)
    ReviewTask.objects.all().delete()
    assert open_tasks() == 0
