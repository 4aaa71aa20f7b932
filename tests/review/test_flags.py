"""A flag asks the lead; the lead sends it back or takes it."""

from __future__ import annotations

import pytest

from apps.core.errors import StaleStateError
from apps.records.models import Record
from apps.review.flags import reopen_flagged
from apps.review.lots import counts_of
from apps.review.models import Action, TaskKind
from apps.review.undo import undo
from apps.specs.models import Role
from tests import factories
from tests.review.scene import Scene

pytestmark = pytest.mark.django_db(databases=["default", "leakage"])


@pytest.fixture
def flagged(scene: Scene) -> Record:
    scene.add_waiting(1)
    return scene.decide(scene.claim_one(), Action.FLAGGED).record


def test_a_flag_sent_back_is_for_any_reviewer(scene: Scene, flagged: Record) -> None:
    lead = factories.make_member(scene.project, Role.LEAD)
    task = reopen_flagged(record=flagged, actor=lead, take=False)
    assert (task.kind, task.round, task.lease_holder, task.assignee) == (TaskKind.REVIEW, 2, None, None)
    assert scene.claim_one().pk == task.pk
    counts = counts_of(scene.project)
    assert (counts.opened, counts.flagged, counts.left) == (1, 0, 1)


def test_a_flag_taken_by_a_lead_is_in_their_hands(scene: Scene, flagged: Record) -> None:
    lead = factories.make_member(scene.project, Role.LEAD)
    task = reopen_flagged(record=flagged, actor=lead, take=True)
    assert scene.claim() == []
    assert scene.claim_one(lead).pk == task.pk
    scene.decide(task, Action.REJECTED)
    assert Record.objects.get().reviewer == lead


def test_two_leads_at_once_one_is_told(scene: Scene, flagged: Record) -> None:
    lead = factories.make_member(scene.project, Role.LEAD)
    stale = Record.objects.get(pk=flagged.pk)
    reopen_flagged(record=flagged, actor=lead, take=False)
    with pytest.raises(StaleStateError):
        reopen_flagged(record=stale, actor=lead, take=True)


def test_a_flag_that_a_lead_answered_cannot_be_undone(scene: Scene, flagged: Record) -> None:
    decision = flagged.decisions.get()
    reopen_flagged(record=flagged, actor=factories.make_member(scene.project, Role.LEAD), take=False)
    with pytest.raises(StaleStateError, match="moved on"):
        undo(decision_uuid=decision.uuid, actor=scene.reviewer)
