"""The lead's pages on the quality of the review, and the reviewer's own, in a browser."""

from __future__ import annotations

from django.urls import reverse
from playwright.sync_api import expect

from apps.review.models import Action
from apps.review.rules import ReviewRules, set_rules
from apps.specs.models import Role
from tests import factories
from tests.browser.conftest import Site
from tests.browser.looks import look
from tests.review.scene import Scene

EDIT = {"input": {"text": "You renewed me and I did not want that"}, "output": {"label": "billing"}}


def test_a_lead_settles_what_two_people_differ_about_and_makes_it_a_case(site: Site, scene: Scene) -> None:
    rules = ReviewRules(overlap=1.0, show_scores=True)
    set_rules(project=scene.project, rules=rules, actor=scene.reviewer)
    for number in range(3):
        factories.make_real(scene.project, f"Real ticket {number}: where did my refund go", "refund")
    scene.add_waiting(2)
    other = scene.another_reviewer()
    scene.decide(scene.claim_one(), Action.EDITED, payload=EDIT)
    scene.decide(scene.claim_one())
    for task in scene.claim(other, count=2):
        scene.decide(task, Action.REJECTED)
    lead = factories.make_member(scene.project, Role.LEAD, name="lena")
    page = site.open(reverse("review:quality", args=[scene.project.slug]), lead)
    look(page, "quality")
    page.get_by_label("How many").fill("3")
    page.get_by_role("button", name="Make gold items").click()
    expect(page.get_by_text("3 gold items are made of train rows.")).to_be_visible()
    page.get_by_role("link", name="Adjudication").click()
    look(page, "adjudication")
    first = page.locator("article").first
    first.get_by_label("Why").fill("It asks for billing, by the guide.")
    first.get_by_role("button", name="Take the edit of").click()
    expect(page.locator("article")).to_have_count(1)
    page.get_by_role("button", name="Example in the guide").click()
    expect(page.get_by_text("The case is in the draft")).to_be_visible()
    look(page, "adjudication, settled")
    own = site.open(reverse("review:own", args=[scene.project.slug]), scene.reviewer)
    expect(own.get_by_text("You agree with others on")).to_be_visible()
    look(own, "own")
