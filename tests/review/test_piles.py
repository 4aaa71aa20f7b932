"""A pile is closed, reopened, kept for some people: the claim honours it and the queue says so."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from apps.core.errors import RefusedError, StaleStateError
from apps.review.groups import group_page, save_group
from apps.review.models import Lot, ReviewTask
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


def test_a_pile_is_kept_for_a_group_and_follows_who_belongs_to_it(scene: Scene) -> None:
    scene.add_waiting(3)
    lot, chosen = Lot.objects.get(), scene.another_reviewer()
    group = save_group(project=scene.project, name=" Night  shift ", usernames=[chosen.username])
    assign_pile(lot=lot, usernames=[], groups=["Night shift"])
    assert scene.claim() == []
    assert said(scene) == "3 records are in piles that a lead keeps for others."
    held = scene.claim_one(chosen)
    names = [scene.reviewer.username]
    save_group(project=scene.project, name="Day shift", usernames=names, group=group)
    assert scene.claim()
    assert scene.claim(chosen, count=4, have=[held.pk]) == []
    scene.decide(held)
    assign_pile(lot=lot, usernames=[chosen.username], groups=["Day shift"])
    assert len(scene.claim(chosen, count=4)) == 1


def test_a_claim_asks_as_much_with_groups_as_without(
    scene: Scene, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    scene.add_waiting(6)
    with CaptureQueriesContext(connection) as without:
        scene.claim_one()
    for number in range(3):
        group = save_group(project=scene.project, name=f"g{number}", usernames=[scene.reviewer.username])
        Lot.objects.get().groups.add(group)
    have = list(ReviewTask.objects.exclude(lease_holder=None).values_list("pk", flat=True))
    with django_assert_num_queries(len(without)):
        assert len(scene.claim(have=have)) == 1


def test_a_group_has_a_name_of_its_own_and_people_who_review_here(scene: Scene) -> None:
    save_group(project=scene.project, name="Night", usernames=[])
    for name, usernames in (("Night", []), (" ", []), ("x" * 61, []), ("Day", ["nobody"])):
        with pytest.raises(RefusedError):
            save_group(project=scene.project, name=name, usernames=usernames)
    assert [group.name for group in scene.project.review_groups.all()] == ["Night"]
    save_group(project=factories.make_project(), name="Night", usernames=[])
    scene.add_waiting(1)
    with pytest.raises(RefusedError, match="Not groups of"):
        assign_pile(lot=Lot.objects.get(), usernames=[], groups=["Night", "Elsewhere"])


def test_a_lead_makes_changes_and_deletes_groups_on_the_page(scene: Scene, client: Client) -> None:
    scene.add_waiting(1)
    lot = Lot.objects.get()
    client.force_login(factories.make_member(scene.project, Role.LEAD))
    page = reverse("review:group-list", args=[scene.project.slug])

    def send(address: str, **values: Any) -> str:
        return client.post(address, values, follow=True).content.decode()

    made = send(reverse("review:group-create", args=[scene.project.slug]), name="Night", member=[])
    assert "Saved: Night." in made
    group = scene.project.review_groups.get()
    change = reverse("review:group-change", args=[scene.project.slug, group.pk])
    pile = reverse("reports:pile-change", args=[scene.project.slug, lot.pk])
    assert "Kept for Night." in send(pile, change="assign", group="Night")
    assert "for Night" in client.get(reverse("reports:lot-list", args=[scene.project.slug])).content.decode()
    assert "Nobody belongs to it" in client.get(page).content.decode()
    assert "Saved" in send(change, name="Night", member=[scene.reviewer.username])
    assert scene.claim()
    assert "Piles are kept for this group" in send(change, delete="1")
    send(pile, change="assign")
    assert "is gone" in send(change, delete="1")
    assert not scene.project.review_groups.exists()


def test_the_page_of_the_groups_costs_the_same_for_more(
    scene: Scene, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    save_group(project=scene.project, name="g0", usernames=[scene.reviewer.username])
    with CaptureQueriesContext(connection) as one:
        group_page(scene.project)
    for number in range(1, 5):
        save_group(project=scene.project, name=f"g{number}", usernames=[scene.another_reviewer().username])
    with django_assert_num_queries(len(one)):
        assert len(group_page(scene.project).groups) == 5
