"""The lead's pages on the quality of the review, and the reviewer's own, in a browser."""

from __future__ import annotations

from django.urls import reverse
from playwright.sync_api import expect

from apps.operations.work import work_once
from apps.records.models import Record
from apps.review.models import Action
from apps.review.rules import ReviewRules, set_rules
from apps.specs.models import LabelExample, LabelGuide, Role
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
    # Both of them side by side, with what each would change or why not.
    sides = first.locator(".sides > section")
    expect(sides).to_have_count(2)
    edited = sides.filter(has_text="Edited")
    expect(edited.locator("ins").first).to_be_visible()
    expect(sides.filter(has_text="Rejected")).to_contain_text("Too clean")
    left, right = (side.bounding_box() for side in sides.all())
    assert left is not None
    assert right is not None
    assert left["y"] == right["y"]
    first.get_by_role("button", name="Reject", exact=True).click()
    # Without a reason no verdict is sent: the browser itself asks for it.
    expect(first.get_by_label("Why")).to_be_focused()
    first.get_by_label("Why").fill("It asks for billing, by the guide.")
    first.get_by_role("button", name="Take the edit of").click()
    expect(page.locator("article")).to_have_count(1)
    page.get_by_role("button", name="Example in the guide").click()
    expect(page.get_by_text("The case is in the draft")).to_be_visible()
    look(page, "adjudication, settled")
    draft = LabelGuide.objects.get(status="draft")
    case = LabelExample.objects.get(label__guide=draft, is_case=True)
    assert (case.label.name, case.says) == ("billing", "Edited: It asks for billing, by the guide.")
    # The decisions that it affects: here the one record with that label that is accepted by now.
    page.get_by_role("link", name="Recall what it affects").click()
    expect(page.get_by_role("heading", name="1 record would be recalled")).to_be_visible()
    page.get_by_label("Reason").fill("The guide says more about billing now")
    page.get_by_role("button", name="Recall 1 record").click()
    work_once("validation")
    assert Record.objects.filter(label="billing", status="awaiting_review").count() == 1
    own = site.open(reverse("review:own", args=[scene.project.slug]), scene.reviewer)
    expect(own.get_by_text("You agree with others on")).to_be_visible()
    look(own, "own")
