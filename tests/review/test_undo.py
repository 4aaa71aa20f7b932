"""Undo is a second event: the record comes back to the same person, until it is released."""

from __future__ import annotations

from uuid import UUID

import pytest
from django.utils import timezone

from apps.core.errors import NotAllowedError, StaleStateError
from apps.records.models import Record
from apps.records.states import RecordStatus
from apps.review.leases import LEASE
from apps.review.lots import counts_of
from apps.review.models import Action, Draft, Lot, ReviewTask, Undo
from apps.review.undo import REACH, undo
from tests.review.scene import Scene

pytestmark = pytest.mark.django_db(databases=["default", "leakage"])

EDIT = {"input": {"text": "You renewed me and I did not want that"}, "output": {"label": "billing"}}


def test_undo_returns_the_record_to_the_same_person_under_a_higher_fence(scene: Scene) -> None:
    scene.add_waiting(1)
    task = scene.claim_one()
    decision = scene.decide(task)
    again = undo(decision_uuid=decision.uuid, actor=scene.reviewer)
    record = Record.objects.get()
    assert (record.status, record.reviewer, record.review_method) == ("awaiting_review", None, "")
    assert (record.reviewed_at, record.decision_uuid) == (None, None)
    assert (again.round, again.lease_holder, again.fence) == (2, scene.reviewer, task.fence + 1)
    assert again.lease_until is not None
    assert again.lease_until <= timezone.now() + LEASE
    assert scene.claim_one().pk == again.pk
    assert record.events.order_by("-seq")[0].reason == "undo of accepted"
    counts = counts_of(scene.project)
    assert (counts.accepted, counts.left) == (0, 1)


def test_undoing_twice_gives_the_same_task(scene: Scene) -> None:
    scene.add_waiting(1)
    decision = scene.decide(scene.claim_one())
    first = undo(decision_uuid=decision.uuid, actor=scene.reviewer)
    assert undo(decision_uuid=decision.uuid, actor=scene.reviewer).pk == first.pk
    assert Undo.objects.count() == 1


def test_an_undone_edit_is_the_draft_of_the_new_task(scene: Scene) -> None:
    (record,) = scene.add_waiting(1)
    decision = scene.decide(scene.claim_one(), Action.EDITED, payload=EDIT)
    task = undo(decision_uuid=decision.uuid, actor=scene.reviewer)
    stored = Record.objects.get()
    assert (stored.edited_input, stored.edited_output) == (None, None)
    assert (stored.label, stored.canonical_hash) == ("refund", record.canonical_hash)
    assert Draft.objects.get(task=task).values == EDIT


def test_a_decision_after_an_undo_can_be_undone_again(scene: Scene) -> None:
    scene.add_waiting(1)
    for number in range(3):
        decision = scene.decide(scene.claim_one(), Action.FLAGGED if number % 2 else Action.REJECTED)
        undo(decision_uuid=decision.uuid, actor=scene.reviewer)
    assert ReviewTask.objects.open().get().round == 4


def test_the_last_twenty_can_be_undone_one_after_the_other(scene: Scene) -> None:
    scene.add_waiting(REACH + 1)
    decided = [scene.decide(scene.claim_one()) for _ in range(REACH + 1)]
    with pytest.raises(StaleStateError, match=f"last {REACH}"):
        undo(decision_uuid=decided[0].uuid, actor=scene.reviewer)
    for decision in reversed(decided[1:]):
        undo(decision_uuid=decision.uuid, actor=scene.reviewer)
    # What was undone counts no longer, so the first one is within reach now.
    undo(decision_uuid=decided[0].uuid, actor=scene.reviewer)
    assert Record.objects.awaiting_review().count() == REACH + 1


def test_undo_of_a_released_record_is_stale(scene: Scene) -> None:
    scene.add_waiting(1)
    decision = scene.decide(scene.claim_one())
    Record.objects.update(released_at=timezone.now())
    with pytest.raises(StaleStateError, match="in a release"):
        undo(decision_uuid=decision.uuid, actor=scene.reviewer)
    assert Record.objects.get().status == RecordStatus.ACCEPTED
    assert not Undo.objects.exists()


def test_undo_in_a_closed_lot_is_stale(scene: Scene) -> None:
    scene.add_waiting(1)
    decision = scene.decide(scene.claim_one())
    Lot.objects.update(status="closed")
    with pytest.raises(StaleStateError, match="lot"):
        undo(decision_uuid=decision.uuid, actor=scene.reviewer)


def test_a_decision_that_no_longer_stands_is_stale(scene: Scene) -> None:
    scene.add_waiting(1)
    decision = scene.decide(scene.claim_one())
    Record.objects.update(decision_uuid=UUID(int=1))
    with pytest.raises(StaleStateError, match="moved on"):
        undo(decision_uuid=decision.uuid, actor=scene.reviewer)


def test_nobody_undoes_the_decision_of_somebody_else(scene: Scene) -> None:
    scene.add_waiting(1)
    decision = scene.decide(scene.claim_one())
    with pytest.raises(NotAllowedError):
        undo(decision_uuid=decision.uuid, actor=scene.another_reviewer())
