"""Accepting without people, in a browser: the admin refuses and says why, then a spec has it, and the audit ends it."""

from __future__ import annotations

import json

from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, expect

from apps.records.models import Record, ReviewMethod, SourceType
from apps.records.services import NewRecord, create_records, move_records
from apps.records.states import RecordStatus
from apps.review.models import Action
from apps.review.opening import open_tasks
from apps.review.proof_models import AuditStop
from apps.specs.models import Role, Spec, VersionStatus
from tests import factories
from tests.browser.conftest import Site
from tests.browser.looks import look
from tests.review.scene import Scene

TWO_FIELDS = {
    "type": "object",
    "required": ["label", "length"],
    "additionalProperties": False,
    "properties": {"label": {"const": "refund"}, "length": {"type": "number"}},
}
DERIVED = {
    "rules": {
        "rules": [
            {"expression": "output.length == double(size(input.text))", "message": "The length is wrong."}
        ]
    }
}


def write(page: Page, *, checks: object) -> None:
    page.locator("#id_checks").fill(json.dumps(checks))
    page.get_by_role("button", name="Save", exact=True).click()


def come_in(scene: Scene, count: int, *, start: int) -> None:
    for number in range(start, start + count):
        text = f"Ticket {number}: they renewed me and I want it back"
        row = NewRecord(
            source_type=SourceType.SYNTHETIC,
            gap=scene.gap,
            input={"text": text},
            output={"label": "refund", "length": len(text)},
            prompt_version="p v1",
            generator_model="rules-1",
        )
        records = create_records(project=scene.project, rows=[row], actor=None)
        move_records(records=records, to=RecordStatus.AWAITING_REVIEW, actor=None, due_at=timezone.now())
    open_tasks(project=scene.project)


def test_the_admin_says_why_not_a_spec_has_it_and_a_failing_audit_ends_it(site: Site, scene: Scene) -> None:
    project = scene.project
    draft = factories.make_spec(project, published=False, output_schema=TWO_FIELDS)
    lead = factories.make_member(project, Role.LEAD, name="lena")
    page = site.open(reverse("admin:specs_spec_change", args=[draft.pk]), lead)
    page.locator("#id_audited_share").fill("0.5")
    write(page, checks={})
    expect(page.get_by_text("nothing proves /output/length").first).to_be_visible()
    expect(page.get_by_text("derives it from the input").first).to_be_visible()
    assert Spec.objects.get(pk=draft.pk).audited_share is None
    write(page, checks=DERIVED)
    expect(page.get_by_text("was changed successfully")).to_be_visible()
    page.get_by_role("checkbox", name="Select this object").first.check()
    page.get_by_label("Action:").select_option("publish")
    page.locator("button[name=index]").click()
    expect(page.get_by_text("is published; it never changes")).to_be_visible()
    assert Spec.objects.get(pk=draft.pk).status == VersionStatus.PUBLISHED

    come_in(scene, 16, start=10)
    accepted = Record.objects.filter(review_method=ReviewMethod.VALIDATOR)
    before = accepted.count()
    assert 0 < before < 16
    lots = reverse("reports:lot-list", args=[project.slug])
    page.goto(lots)
    expect(page.get_by_text("accepts what is proven without people, by Rules of the spec")).to_be_visible()
    record = accepted.order_by("pk")[0]
    page.goto(reverse("reports:record-detail", args=[project.slug, record.pk]))
    expect(page.get_by_text("proven by rules").first).to_be_visible()

    for _ in range(3):
        scene.decide(scene.claim_one(), Action.REJECTED)
    come_in(scene, 4, start=50)
    assert (accepted.count(), AuditStop.objects.get().bad) == (before, 3)
    page.goto(lots)
    expect(page.get_by_text("Nothing is accepted without people any more.")).to_be_visible()
    look(page, "lots after a failed audit")
