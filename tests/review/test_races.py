"""Many people at once. Each test has its negative control: without the guard the same race goes wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any, TypeVar
from uuid import uuid4

import pytest
from django.db import connections
from django.utils import timezone

from apps.accounts.models import User
from apps.core.errors import StaleStateError
from apps.records.models import Record, RecordEvent
from apps.review.lots import counts_of, fold_lots
from apps.review.models import Decision, LotDelta, ReviewTask
from apps.review.opening import open_tasks
from apps.review.undo import undo
from tests.review.scene import Scene, make_scene

pytestmark = pytest.mark.django_db(transaction=True)

PEOPLE = 50
T = TypeVar("T")


@pytest.fixture
def scene() -> Scene:
    return make_scene()


def at_once(calls: Sequence[Callable[[], T]]) -> list[T]:
    """Runs every call in a thread of its own, all let go at the same moment."""
    start = Barrier(len(calls))

    def run(call: Callable[[], T]) -> T:
        start.wait()
        try:
            return call()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def granted_more_than_once(tasks: Sequence[ReviewTask]) -> int:
    return sum(count - 1 for count in Counter(task.pk for task in tasks).values())


def test_fifty_simultaneous_claims_are_one_grant_each(scene: Scene) -> None:
    scene.add_waiting(PEOPLE)
    people = [scene.another_reviewer() for _ in range(PEOPLE)]
    granted = at_once([lambda person=person: scene.claim_one(person) for person in people])  # type: ignore[misc]
    assert granted_more_than_once(granted) == 0
    assert {task.pk for task in granted} == set(ReviewTask.objects.values_list("pk", flat=True))
    holders = dict(ReviewTask.objects.values_list("pk", "lease_holder"))
    assert all(holders[task.pk] == task.lease_holder_id for task in granted)


def test_a_claim_that_reads_and_then_writes_grants_doubly(scene: Scene) -> None:
    """The negative control of the test above: the same queue and people, without the compare-and-swap."""
    scene.add_waiting(PEOPLE)
    people = [scene.another_reviewer() for _ in range(PEOPLE)]
    everybody_has_read = Barrier(PEOPLE)

    def naive_claim(person: User) -> ReviewTask:
        task = ReviewTask.objects.obtainable(timezone.now()).in_queue_order()[0]
        everybody_has_read.wait()
        task.lease_holder, task.lease_until = person, timezone.now() + timedelta(minutes=10)
        task.save(update_fields=["lease_holder", "lease_until"])
        return task

    granted = at_once([lambda person=person: naive_claim(person) for person in people])  # type: ignore[misc]
    assert granted_more_than_once(granted) == PEOPLE - 1


def test_one_record_and_fifty_people_is_one_grant(scene: Scene) -> None:
    scene.add_waiting(1)
    people = [scene.another_reviewer() for _ in range(PEOPLE)]
    granted = at_once([lambda person=person: scene.claim(person) for person in people])  # type: ignore[misc]
    assert sum(len(tasks) for tasks in granted) == 1
    assert ReviewTask.objects.get().fence == 1


def test_the_same_decision_sent_by_ten_threads_is_one_decision(scene: Scene) -> None:
    scene.add_waiting(1)
    task, key = scene.claim_one(), uuid4()
    decisions = at_once([lambda: scene.decide(task, key=key) for _ in range(10)])
    assert len({decision.pk for decision in decisions}) == 1
    assert RecordEvent.objects.filter(status_to="accepted").count() == 1


def test_ten_different_decisions_on_one_task_are_one_decision(scene: Scene) -> None:
    scene.add_waiting(1)
    task = scene.claim_one()

    def attempt() -> Decision | None:
        try:
            return scene.decide(task)
        except StaleStateError:
            return None

    made = [decision for decision in at_once([attempt for _ in range(10)]) if decision]
    assert [decision.pk for decision in made] == [Decision.objects.get().pk]


def test_two_workers_open_each_record_once(scene: Scene) -> None:
    scene.add_waiting(20)
    ReviewTask.objects.all().delete()
    LotDelta.objects.all().delete()
    Record.objects.update(due_at=timezone.now())
    at_once([open_tasks, open_tasks])
    assert ReviewTask.objects.count() == 20
    assert counts_of(scene.project).opened == 20


def test_two_workers_fold_each_delta_once(scene: Scene) -> None:
    scene.add_waiting(1)
    lot = ReviewTask.objects.get().lot
    LotDelta.objects.bulk_create(LotDelta(lot=lot, opened=1) for _ in range(100))
    at_once([fold_lots, fold_lots])
    lot.refresh_from_db()
    assert (lot.opened, LotDelta.objects.count()) == (101, 0)


def test_an_undo_sent_twice_at_once_is_one_undo(scene: Scene) -> None:
    scene.add_waiting(1)
    decision = scene.decide(scene.claim_one())
    undone = at_once([lambda: undo(decision_uuid=decision.uuid, actor=scene.reviewer)] * 2)
    assert len({task.pk for task in undone}) == 1


def test_an_undo_and_a_release_at_once_never_both_win(scene: Scene) -> None:
    """A release marks a record by an UPDATE conditional on its status; undo reads the mark under a lock."""
    scene.add_waiting(10)
    decisions = [scene.decide(scene.claim_one()) for _ in range(10)]

    def take_back(decision: Decision) -> bool:
        try:
            undo(decision_uuid=decision.uuid, actor=scene.reviewer)
        except StaleStateError:
            return False
        return True

    def release(decision: Decision) -> bool:
        accepted = Record.objects.filter(pk=decision.record_id).releasable()
        return bool(accepted.update(released_at=timezone.now()))

    calls: list[Any] = [lambda d=d: take_back(d) for d in decisions]
    calls += [lambda d=d: release(d) for d in decisions]
    results = at_once(calls)
    for undone, released in zip(results[:10], results[10:], strict=True):
        assert undone != released
