"""A release is frozen while people undo and decide and a lead recalls: what it lists stood at that moment.

Each guard has its negative control: without it the same race goes wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from threading import Event
from typing import Any

import pytest
from django.db import OperationalError, connections, transaction

from apps.core.errors import StaleStateError
from apps.datasets import services
from apps.datasets.choosing import Choice, choose
from apps.datasets.models import Release, ReleaseItem
from apps.datasets.services import request_release
from apps.records.models import Record, RecordQuerySet
from apps.records.states import RELEASABLE
from apps.review.ledger import Tally, verify
from apps.review.models import Decision, Undo
from apps.review.recall_models import RecalledRecord
from apps.review.recalls import advance_recall, start_recall
from apps.review.undo import undo
from apps.specs.models import Project
from tests.datasets.scene import Warehouse, make_warehouse
from tests.review.test_races import at_once

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "leakage"])

PATIENCE = 20
"""Seconds after which a test that hangs fails."""
BLOCKED = 0.5
"""Seconds given to somebody who has to wait for a lock: they must not come through."""


@pytest.fixture
def warehouse() -> Warehouse:
    return make_warehouse()


def accepted(warehouse: Warehouse, count: int) -> list[Decision]:
    warehouse.scene.add_waiting(count)
    return [warehouse.scene.decide(warehouse.scene.claim_one()) for _ in range(count)]


def freeze(warehouse: Warehouse) -> Release:
    return request_release(project=warehouse.project, actor=warehouse.lead)


def take_back(decision: Decision) -> bool:
    try:
        undo(decision_uuid=decision.uuid, actor=decision.reviewer)
    except StaleStateError:
        return False
    return True


def recall(warehouse: Warehouse, record_id: int) -> bool:
    recalled = start_recall(
        project=warehouse.project, criteria={"record": str(record_id)}, reason="looks wrong", actor=None
    )
    advance_recall(recalled.pk)
    return RecalledRecord.objects.filter(recall=recalled).exists()


def contradictions() -> list[str]:
    """What releases list although it did not stand when they were frozen. A later recall is none: it marks them."""
    found = []
    items = ReleaseItem.objects.exclude(decision_uuid=None).select_related("record", "release")
    for item in items:
        stands = item.record.decision_uuid == item.decision_uuid and item.record.status in RELEASABLE
        is_marked = RecalledRecord.objects.filter(
            decision_uuid=item.decision_uuid, recalled_at__gte=item.release.created_at
        ).exists()
        if Undo.objects.filter(decision__uuid=str(item.decision_uuid)).exists():
            found.append(f"#{item.record_id} was undone")
        elif not (stands or is_marked):
            found.append(f"#{item.record_id} did not stand")
    return found


def test_a_freeze_among_undos_recalls_and_decisions_lists_what_stood(warehouse: Warehouse) -> None:
    decided = accepted(warehouse, 16)
    warehouse.scene.add_waiting(4, start=100)
    held = warehouse.scene.claim(count=4)
    calls: list[Callable[[], Any]] = [lambda: freeze(warehouse)]
    calls += [partial(take_back, d) for d in decided[:6]]
    calls += [partial(recall, warehouse, d.record_id) for d in decided[6:12]]
    calls += [partial(warehouse.scene.decide, t) for t in held]
    release, *results = at_once(calls)
    assert contradictions() == []
    undone, recalled = results[:6], results[6:12]
    listed = set(release.items.values_list("record_id", flat=True))
    assert [d.record_id in listed for d in decided[:6]] == [not each for each in undone]
    assert all(recalled)
    assert listed >= {d.record_id for d in decided[12:]}
    assert Record.objects.filter(released_at__isnull=False, pk__in=listed).count() == len(listed)
    assert list(verify(project=None, tally=Tally())) == []


def freeze_while(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch, other: Callable[[], bool], *, patience: float
) -> bool:
    """Freezes; when its list is settled and not yet written, ``other`` tries. What that returned."""
    pool = ThreadPoolExecutor(1)
    tried: list[Future[bool]] = []

    def run() -> bool:
        try:
            return other()
        finally:
            connections.close_all()

    def choose_then_let_try(*args: Any) -> Choice:
        choice = choose(*args)
        tried.append(pool.submit(run))
        with suppress(TimeoutError):
            tried[0].result(timeout=patience)
        return choice

    with monkeypatch.context() as patched, pool:
        patched.setattr(services, "choose", choose_then_let_try)
        freeze(warehouse)
        return tried[0].result(timeout=PATIENCE)


def test_an_undo_waits_for_a_list_that_is_being_written_and_is_refused(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    (decision,) = accepted(warehouse, 1)
    assert not freeze_while(warehouse, monkeypatch, lambda: take_back(decision), patience=BLOCKED)
    assert contradictions() == []


def test_a_recall_waits_for_a_list_that_is_being_written_and_marks_the_release(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    (decision,) = accepted(warehouse, 1)
    assert freeze_while(
        warehouse, monkeypatch, lambda: recall(warehouse, decision.record_id), patience=BLOCKED
    )
    assert contradictions() == []
    assert ReleaseItem.objects.recalled().count() == 1


@pytest.mark.postgres
@pytest.mark.parametrize("other", [take_back, recall])
def test_a_list_that_locks_nothing_contains_what_was_taken_back(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch, other: Callable[..., bool]
) -> None:
    """The negative control of the two above. SQLite lets one write at a time anyway."""
    (decision,) = accepted(warehouse, 1)

    def unlocked(self: RecordQuerySet, **_: Any) -> RecordQuerySet:
        return self

    def try_it() -> bool:
        monkeypatch.undo()
        return other(decision) if other is take_back else other(warehouse, decision.record_id)

    monkeypatch.setattr(RecordQuerySet, "select_for_update", unlocked)
    with pytest.MonkeyPatch.context() as outer:
        assert freeze_while(warehouse, outer, try_it, patience=PATIENCE)
    assert len(contradictions()) == 1


def undo_between_lock_and_list(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> Release:
    """The freeze has its turn; an undo has its record, and has named the project in what it wrote; then both go on."""
    (first, _) = accepted(warehouse, 2)
    has_turn, has_written = Event(), Event()

    def choose_later(*args: Any) -> Choice:
        has_turn.set()
        assert has_written.wait(PATIENCE)
        return choose(*args)

    def take_back_slowly() -> None:
        assert has_turn.wait(PATIENCE)
        with transaction.atomic():
            assert take_back(first)
            has_written.set()

    monkeypatch.setattr(services, "choose", choose_later)
    release, _ = at_once([lambda: freeze(warehouse), take_back_slowly])
    assert isinstance(release, Release)
    assert not release.items.filter(record=first.record_id).exists()
    return release


@pytest.mark.postgres
def test_a_freeze_and_an_undo_that_hold_what_the_other_wants_both_end(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert undo_between_lock_and_list(warehouse, monkeypatch).items.exclude(decision_uuid=None).count() == 1
    assert contradictions() == []


@pytest.mark.postgres
def test_a_turn_that_is_held_against_the_keys_too_is_a_deadlock(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: this is how a freeze took its turn before."""

    def hold_all(project: Project) -> None:
        Project.objects.select_for_update().get(pk=project.pk)

    monkeypatch.setattr(services, "_one_at_a_time", hold_all)
    with pytest.raises(OperationalError, match="deadlock"):
        undo_between_lock_and_list(warehouse, monkeypatch)
