"""The judges' pages in a browser: a lead saves one, sees the estimate, asks it, and looks into what it doubts."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from apps.critic.asking import ask
from apps.critic.models import Occasion
from apps.specs.models import Role
from tests import factories
from tests.browser.conftest import Site
from tests.browser.looks import look
from tests.critic.scene import Court, JudgeStandIn, judge_rig, verdict
from tests.review.scene import Scene


@pytest.fixture
def court(scene: Scene) -> Iterator[Court]:
    factories.make_families()
    with judge_rig() as rig:
        assert isinstance(rig.server, JudgeStandIn)
        yield Court(scene, rig.connect(), rig.server)


def test_a_lead_asks_a_judge_and_looks_into_its_doubts(site: Site, court: Court) -> None:
    scene = court.scene
    slug = scene.project.slug
    scene.add_waiting(6)
    court.server.says = {
        "Ticket 2:": verdict(realism=2, reason="It reads like a brochure, not like a customer."),
        "Ticket 4:": verdict(correctness=1, doubt=5, reason="This is about billing."),
    }
    lead = factories.make_member(scene.project, Role.LEAD, name="lena")
    page = site.open(reverse("reports:judge-list", args=[slug]), lead)
    look(page, "judges")
    page.get_by_role("link", name="strict").click()
    expect(page.get_by_role("button", name="Ask about 6 records")).to_be_visible()
    page.get_by_label("How many, at most").fill("5")
    page.get_by_role("button", name="Estimate").click()
    page.get_by_role("button", name="Ask about 5 records").click()
    expect(page.get_by_text("strict is asked about 5 records")).to_be_visible()
    court.goes_on()
    for _ in range(5):
        scene.decide(scene.claim_one())
    court.server.otherwise = verdict(policy=2, doubt=4, reason="It names an employee.")
    scene.add_waiting(1, start=7)
    for _ in range(2):
        scene.decide(scene.claim_one())
    ask(court.version, Occasion.AUDIT, actor=None)
    court.goes_on()
    page.reload()
    expect(page.get_by_role("heading", name="Accepted, and doubted")).to_be_visible()
    expect(page.get_by_text("It names an employee.").first).to_be_visible()
    look(page, "judge")
    page.get_by_role("link", name="New version").click()
    look(page, "new version")
    page.go_back()
    buttons = page.get_by_role("button", name="Looked into it")
    for left in range(buttons.count(), 0, -1):
        buttons.first.click()
        expect(buttons).to_have_count(left - 1)
    expect(page.get_by_role("heading", name="Accepted, and doubted")).to_have_count(0)
