"""The review room by plain forms: every answer is a page or a redirect to one."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from apps.review.models import Decision
from apps.review.references import reference_of, task_id_of
from tests.review.scene import Scene
from tests.review.test_views import decision_data, signed_in, url

pytestmark = pytest.mark.django_db(databases=["default", "leakage"])


@pytest.fixture
def client(scene: Scene) -> Client:
    return signed_in(scene.reviewer)


def test_the_whole_job_is_done_by_plain_forms(scene: Scene, client: Client) -> None:
    scene.add_waiting(4)
    room = url(scene, "room")
    response = client.post(url(scene, "claim"), follow=True)
    assert response.redirect_chain == [(room, 302)]

    def card_in_hand() -> dict[str, Any]:
        card = client.get(room).context["card"]
        return {"task": card.reference, "fence": card.task.fence}

    assert (
        "accepted"
        in client.post(url(scene, "decide"), decision_data(card_in_hand()), follow=True).content.decode()
    )
    reject = decision_data(card_in_hand(), "rejected", reason="too_clean")
    client.post(url(scene, "decide"), reject)
    client.post(url(scene, "skip"), card_in_hand())
    edit = decision_data(card_in_hand(), "edited") | {"/input/text": "", "/output/label": "billing"}
    assert client.get(url(scene, "edit", task_id_of(edit["task"]))).status_code == 200
    refused = client.post(url(scene, "decide"), edit)
    assert refused.status_code == 422
    assert "This field is required." in refused.content.decode()
    client.post(url(scene, "decide"), edit | {"/input/text": "Better now"})
    assert sorted(Decision.objects.values_list("action", flat=True)) == ["accepted", "edited", "rejected"]
    page = client.get(room)
    assert "You skipped 1 in this session." in page.content.decode()
    client.post(url(scene, "undo"), {"decision": page.context["page"].history[0]})
    assert client.get(room).context["card"].has_draft
    client.post(url(scene, "skip"), card_in_hand())
    assert client.post(url(scene, "skips-forget"), follow=True).context["card"] is not None


def test_a_refusal_without_a_script_is_a_page_that_says_what_to_do(scene: Scene, client: Client) -> None:
    scene.add_waiting(1)
    task = scene.claim_one()
    scene.decide(task)
    response = client.post(
        url(scene, "decide"), decision_data({"task": reference_of(task.pk), "fence": task.fence})
    )
    assert response.status_code == 409
    assert "decided already" in response.content.decode()
