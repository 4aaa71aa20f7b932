"""The bulk view: many cards at once, the same ledger, nothing decided twice or for somebody else."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from apps.records.models import Record, RecordEvent, ReviewMethod
from apps.review.leases import MAX_HELD
from apps.review.models import Action, Decision, ReviewTask
from apps.review.references import reference_of
from apps.review.undo import undo
from apps.specs.models import Membership, Role
from tests import factories
from tests.review.scene import Scene, expire_lease
from tests.review.test_views import signed_in, url

pytestmark = pytest.mark.django_db(databases=["default", "leakage"])


@pytest.fixture
def client(scene: Scene) -> Client:
    return signed_in(scene.reviewer)


def take(client: Client, scene: Scene, size: int = 10) -> list[ReviewTask]:
    client.post(url(scene, "bulk-take"), {"size": size})
    return [card.task for card in client.get(url(scene, "bulk")).context["cards"]]


def form_of(tasks: list[ReviewTask], **values: Any) -> dict[str, Any]:
    """What the page sends: every card with its fence, and those that were picked."""
    sent = {"task": [reference_of(task.pk) for task in tasks], "fence": [task.fence for task in tasks]}
    picked = [reference_of(pk) for pk in values.pop("pick", [])]
    plain = {"key": uuid4(), "size": 10, "action": "accepted", "reason": "", "note": "", "pick": picked}
    return plain | sent | values


def test_as_many_cards_as_were_asked_for_come_into_one_persons_hands(scene: Scene, client: Client) -> None:
    scene.add_waiting(MAX_HELD + 8)
    assert len(take(client, scene, 10)) == 10
    assert len(take(client, scene, 25)) == MAX_HELD + 8
    assert scene.claim(scene.another_reviewer()) == []
    assert client.post(url(scene, "bulk-take"), {"size": 500}).status_code == 400


def test_what_is_selected_is_accepted_by_the_same_ledger_and_the_page_fills_up(
    scene: Scene, client: Client
) -> None:
    scene.add_waiting(14)
    tasks = take(client, scene)
    picked = [task.pk for task in tasks[:4]]
    page = client.post(url(scene, "bulk-decide"), form_of(tasks, pick=picked), follow=True)
    assert "4 records accepted." in page.content.decode()
    shown = {card.task.pk for card in page.context["cards"]}
    assert shown >= {task.pk for task in tasks[4:]}
    assert not shown.intersection(picked)
    assert len(page.context["cards"]) == 10
    decisions = Decision.objects.all()
    assert {decision.task_id for decision in decisions} == set(picked)
    assert all(decision.seal and decision.method == ReviewMethod.BULK for decision in decisions)
    assert RecordEvent.objects.filter(status_to="accepted", actor=scene.reviewer).count() == 4
    assert set(Record.objects.filter(status="accepted").values_list("review_method", flat=True)) == {"bulk"}
    undo(decision_uuid=decisions[0].uuid, actor=scene.reviewer)


def test_a_rejection_says_why_or_nothing_happens(scene: Scene, client: Client) -> None:
    scene.add_waiting(2)
    tasks = take(client, scene)
    form = form_of(tasks, action="rejected", pick=[tasks[0].pk])
    refused = client.post(url(scene, "bulk-decide"), form, follow=True)
    assert "choose at least one reason" in refused.content.decode()
    assert not Decision.objects.exists()
    client.post(url(scene, "bulk-decide"), form | {"reason": "unclear"})
    assert Decision.objects.get().reasons == ["unclear"]
    # A reason that stands in the list when one accepts is no part of that.
    client.post(url(scene, "bulk-decide"), form_of(tasks, reason="unclear", pick=[tasks[1].pk]))
    assert Decision.objects.get(action=Action.ACCEPTED).reasons == []


def test_sent_twice_it_is_done_once(scene: Scene, client: Client) -> None:
    scene.add_waiting(3)
    tasks = take(client, scene)
    form = form_of(tasks, pick=[task.pk for task in tasks])
    for _ in range(2):
        assert (
            "3 records accepted."
            in client.post(url(scene, "bulk-decide"), form, follow=True).content.decode()
        )
    assert Decision.objects.count() == 3


def test_a_card_that_somebody_else_has_by_now_is_named_and_the_rest_stands(
    scene: Scene, client: Client
) -> None:
    scene.add_waiting(2)
    lost, kept = take(client, scene)
    expire_lease(lost)
    winner = scene.another_reviewer()
    assert scene.claim_one(winner).pk == lost.pk
    form = form_of([lost, kept], pick=[lost.pk, kept.pk])
    said = client.post(url(scene, "bulk-decide"), form, follow=True).content.decode()
    assert f"no longer in your hands: #{lost.record_id}." in said
    assert Decision.objects.get().task_id == kept.pk
    assert ReviewTask.objects.get(pk=lost.pk).lease_holder == winner


def test_only_cards_of_the_page_and_of_this_project_can_be_picked(scene: Scene, client: Client) -> None:
    scene.add_waiting(1)
    (task,) = take(client, scene)
    stranger = ReviewTask.objects.get(pk=task.pk).pk + 1000
    page = client.post(url(scene, "bulk-decide"), form_of([task], pick=[stranger]), follow=True)
    assert "Nothing was selected" in page.content.decode()
    other = factories.make_project()
    Membership.objects.create(project=other, user=scene.reviewer, roles=[Role.REVIEWER])
    client.post(f"/p/{other.slug}/review/bulk/decide/", form_of([task], pick=[task.pk]))
    assert not Decision.objects.exists()


def test_an_empty_page_says_why(scene: Scene, client: Client) -> None:
    scene.add_waiting(1)
    scene.claim(scene.another_reviewer())
    assert take(client, scene) == []
    assert "1 record is in the hands of others" in client.get(url(scene, "bulk")).content.decode()
