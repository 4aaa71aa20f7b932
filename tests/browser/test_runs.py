"""A run from its form to its end, watched in a browser."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from apps.accounts.models import User
from apps.generation.models import Run
from apps.generation.planning import plan_run
from apps.operations.work import drain
from apps.specs.models import Gap, Role
from apps.submissions.models import QuarantinedLine, Submission
from apps.submissions.services import ensure_rules_connection
from tests import factories
from tests.browser.axe import violations
from tests.browser.conftest import PHONE, Site
from tests.generation.scene import make_prompt, make_ready_project, start


@pytest.fixture
def gap() -> Gap:
    return make_ready_project(axes={"tone": ["angry", "polite"]})


@pytest.fixture
def lead(gap: Gap) -> User:
    return factories.make_member(gap.project, Role.LEAD, name="lena")


@pytest.mark.both_engines
def test_a_run_is_estimated_started_watched_and_ends_by_itself(site: Site, gap: Gap, lead: User) -> None:
    make_prompt(gap.project)
    ensure_rules_connection()  # a flush between tests takes what the migration put there
    page = site.open(reverse("generation:run-new", args=[gap.project.slug]), lead)
    page.get_by_label("Records").fill("120")
    page.get_by_role("button", name="Show the estimate").click()
    expect(page.get_by_role("heading", name="Estimate")).to_be_visible()
    assert violations(page) == []
    page.get_by_role("button", name="Start the run").click()
    expect(page.get_by_text("0 of 120 candidates generated")).to_be_visible()
    drain()
    expect(page.get_by_text("120 of 120 candidates generated")).to_be_visible(timeout=10_000)
    expect(page.locator("#run[hx-trigger]")).to_have_count(0)
    expect(page.get_by_role("link", name=re.compile(r"Review \d+ waiting"))).to_be_visible()
    assert Run.objects.get().status == "done"


def test_a_run_is_stopped_with_one_press(site: Site, gap: Gap, lead: User) -> None:
    run = start(gap, count=50)
    plan_run(run.pk)
    page = site.open(reverse("reports:run-detail", args=[gap.project.slug, run.pk]), lead)
    page.get_by_role("button", name="Stop the run").click()
    expect(page.get_by_text("Stopped by lena.")).to_be_visible()
    assert Submission.objects.get().status == "cancelled"


def test_a_wrong_prompt_keeps_what_was_typed_and_says_where_it_is_wrong(
    site: Site, gap: Gap, lead: User
) -> None:
    page = site.open(reverse("generation:prompt-new", args=[gap.project.slug]), lead)
    site.expected.add(422)
    page.get_by_label("Name").fill("mine")
    page.get_by_label("Prompt", exact=True).fill("labels: {refund: {patterns: ['{fact}']}}")
    page.get_by_role("button", name="Save version 1").click()
    expect(page.get_by_text("{fact} is no slot here")).to_be_visible()
    expect(page.get_by_label("Prompt", exact=True)).to_have_value("labels: {refund: {patterns: ['{fact}']}}")
    assert violations(page) == []


def test_trouble_with_a_provider_reads_well_everywhere(
    site: Site, gap: Gap, lead: User, screenshots: Callable[[Page, str], None]
) -> None:
    run = start(gap, count=50)
    plan_run(run.pk)
    submission = Submission.objects.get()
    Submission.objects.update(
        status="unknown", screened_at=submission.created_at, lines_quarantined=1, last_error="It timed out."
    )
    QuarantinedLine.objects.create(
        submission=submission, offset=120, sha256="ab" * 32, reason="nul", message="A NUL character."
    )
    page = site.open(reverse("reports:run-detail", args=[gap.project.slug, run.pk]), lead)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        expect(page.get_by_role("button", name="Send it again")).to_be_visible()
        assert violations(page) == [], scheme
    page.set_viewport_size(PHONE)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    screenshots(page, "run-trouble-phone")
