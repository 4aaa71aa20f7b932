"""A pile is closed, reopened, kept for some people: the claim honours it and the queue says so."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from apps.core.errors import RefusedError, StaleStateError
from apps.review.models import Lot
from apps.review.piles import assign_pile, close_pile, reopen_pile
from apps.review.selectors import queue_state
from apps.review.undo import undo
from apps.specs.models import Role
from tests import factories
from tests.review.scene import SESSION, Scene

pytestmark = pytest.mark.django_db(databases=["default", "leakage"])


def said(scene: Scene) -> str:
    state = queue_state(project=scene.project, user=scene.reviewer, session_key=SESSION)
    assert not state.is_obtainable
    assert not state.is_all_done
    return " ".join(state.sentences())


def test_a_closed_pile_hands_out_nothing_says_so_and_takes_records_in(scene: Scene) -> None:
    scene.add_waiting(3)
    lead = factories.make_member(scene.project, Role.LEAD)
    held = scene.claim_one()
    lot = Lot.objects.get()
    close_pile(lot=lot, actor=lead)
    other = scene.another_reviewer()
    assert scene.claim(other) == []
    scene.add_waiting(1, start=10)
    assert Lot.objects.count() == 1
    decision = scene.decide(held)
    assert said(scene) == "3 records are in piles that a lead has closed."
    with pytest.raises(StaleStateError):
        close_pile(lot=lot, actor=lead)
    undo(decision_uuid=decision.uuid, actor=scene.reviewer)
    reopen_pile(lot=lot)
    assert scene.claim(other)
    with pytest.raises(StaleStateError):
        reopen_pile(lot=lot)


def test_a_pile_is_kept_for_some_and_given_to_others(scene: Scene) -> None:
    scene.add_waiting(2)
    chosen = scene.another_reviewer()
    lot = Lot.objects.get()
    assign_pile(lot=lot, usernames=[chosen.username])
    assert scene.claim() == []
    assert said(scene) == "2 records are in piles that a lead keeps for others."
    assert scene.claim(chosen)
    assign_pile(lot=lot, usernames=[scene.reviewer.username, chosen.username])
    assert scene.claim()
    assign_pile(lot=lot, usernames=[])
    assert not lot.reviewers.exists()


def test_only_people_who_review_here_get_a_pile(scene: Scene) -> None:
    scene.add_waiting(1)
    manager = factories.make_member(scene.project, Role.MANAGER)
    with pytest.raises(RefusedError, match=manager.username):
        assign_pile(lot=Lot.objects.get(), usernames=[manager.username])


def test_a_lead_closes_reopens_and_assigns_on_the_page(scene: Scene, client: Client) -> None:
    scene.add_waiting(1)
    lot = Lot.objects.get()
    client.force_login(factories.make_member(scene.project, Role.LEAD))
    change = reverse("reports:pile-change", args=[scene.project.slug, lot.pk])

    def send(**values: str) -> str:
        return client.post(change, values, follow=True).content.decode()

    assert "Reopen the pile" in send(change="close")
    assert (
        "pile closed" in client.get(reverse("reports:lot-list", args=[scene.project.slug])).content.decode()
    )
    assert "already" in send(change="close")
    assert "Close the pile" in send(change="reopen")
    assert f"Kept for {scene.reviewer.username}." in send(change="assign", reviewer=scene.reviewer.username)
    assert list(lot.reviewers.all()) == [scene.reviewer]
    assert "Not reviewers" in send(change="assign", reviewer="nobody")
