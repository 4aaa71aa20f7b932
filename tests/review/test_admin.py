"""The ledger in the admin: leads read it, nobody writes it."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from apps.specs.models import Role
from tests import factories
from tests.review.scene import Scene, make_scene

pytestmark = pytest.mark.django_db


def test_a_lead_reads_decisions_of_their_projects_and_cannot_change_them(scene: Scene) -> None:
    scene.add_waiting(1)
    decision = scene.decide(scene.claim_one())
    elsewhere = make_scene()
    elsewhere.add_waiting(1)
    elsewhere.decide(elsewhere.claim_one())
    client = Client()
    client.force_login(factories.make_member(scene.project, Role.LEAD))
    rows: Any = client.get(reverse("admin:review_decision_changelist")).context["cl"].result_list
    assert list(rows) == [decision]
    page = reverse("admin:review_decision_change", args=[decision.pk])
    assert client.get(page).status_code == 200
    assert client.post(page, {"note": "changed"}).status_code == 403
    assert client.get(reverse("admin:review_decision_add")).status_code == 403
    assert client.get(reverse("admin:review_lot_changelist")).status_code == 200
