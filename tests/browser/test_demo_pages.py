"""Every page of the demo project in both themes and on a phone: nothing fails, nothing for axe to find."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from apps.accounts.models import User
from apps.accounts.services import make_sign_in_token
from apps.datasets.services import build_release, request_release
from apps.evaluation.comparisons import request_comparison
from apps.evaluation.launch import create_launch_review, find_model
from apps.operations.demo.project import load_demo, scripted_review
from apps.operations.work import drain
from apps.specs.models import Project
from tests import factories
from tests.browser.axe import violations
from tests.browser.conftest import DESK, PHONE, Site

WAITING = 40
PICTURED = frozenset({"home", "run", "launch", "provenance"})
"""Pages whose pictures stand in the docs."""


@pytest.fixture
def demo() -> Project:
    """The loop gone through once, with a few records still waiting."""
    project = load_demo()
    scripted_review(project, limit=225 - WAITING)
    release = request_release(project=project, actor=None)
    build_release(release.pk)
    request_comparison(project=project, arms=["real", "control", "synthetic", "blended"], actor=None, folds=2)
    drain()
    models = [find_model(project, name) for name in ("real", "control", "blended")]
    create_launch_review(
        project=project, baseline=models[0], control=models[1], candidate=models[2], actor=None
    )
    return project


def addresses(project: Project) -> dict[str, str]:
    """Name of each page → its address."""
    slug = [project.slug]
    run, release = project.runs.get(pk=project.runs.order_by("pk").values_list("pk", flat=True)[0]), 1
    launch = project.launch_reviews.get()
    record = project.records.filter(status="edited").first()
    assert record is not None
    prompt, lot = project.prompts.get(), project.lots.order_by("pk")[0]
    return {
        "projects": reverse("home"),
        "home": reverse("reports:project-home", args=slug),
        "guide": reverse("specs:guide-detail", args=slug),
        "gaps": reverse("specs:gap-list", args=slug),
        "gap": reverse("reports:gap-detail", args=[*slug, "renewal-refund-disputes"]),
        "import": reverse("intake:import-new", args=slug),
        "holdout": reverse("holdout:holdout-detail", args=slug),
        "prompts": reverse("generation:prompt-list", args=slug),
        "prompt": reverse("generation:prompt-detail", args=[*slug, prompt.pk]),
        "runs": reverse("generation:run-list", args=slug),
        "run-new": reverse("generation:run-new", args=slug),
        "run": reverse("reports:run-detail", args=[*slug, run.pk]),
        "records": reverse("reports:record-list", args=slug),
        "record": reverse("reports:record-detail", args=[*slug, record.pk]),
        "dropped": reverse("reports:dropped", args=slug),
        "recall": reverse("reports:recall-list", args=slug) + "?review_method=bulk",
        "lots": reverse("reports:lot-list", args=slug),
        "lot": f"{reverse('reports:lot-detail', args=[*slug, lot.pk])}?kind=sequential&good=5&poor=15",
        "releases": reverse("datasets:release-list", args=slug),
        "release": reverse("datasets:release-detail", args=[*slug, release]),
        "evaluate": reverse("evaluation:evaluation-home", args=slug),
        "launch": reverse("evaluation:launch-detail", args=[*slug, launch.uuid]),
        "provenance": reverse("reports:provenance", args=slug),
        "quality": reverse("review:quality", args=slug),
    }


def test_pages_read_well_and_fit_a_phone_and_links_lead_where_the_role_may_go(
    site: Site, demo: Project, screenshots: Callable[[Page, str], None]
) -> None:
    """One test, as the demo that it looks at takes longer to make than all of its pages to open."""
    for username in ("ana", "mara", "ada"):
        follow_links(site, demo, username)
    page = site.open("/", User.objects.get(username="leo"))
    for name, address in addresses(demo).items():
        page.set_viewport_size(DESK)
        page.emulate_media(color_scheme="light")
        page.goto(address)
        expect(page.locator("h1").first).to_be_visible()
        assert violations(page) == [], f"{name}, light"
        if name in PICTURED:
            screenshots(page, name)
        page.emulate_media(color_scheme="dark")
        assert violations(page) == [], f"{name}, dark"
        page.set_viewport_size(PHONE)
        overflow = page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        assert overflow <= 0, f"{name} is {overflow} px wider than a phone"


def follow_links(site: Site, demo: Project, username: str) -> None:
    page = site.open(reverse("reports:project-home", args=[demo.slug]), User.objects.get(username=username))
    for address in page.locator(".topnav a").evaluate_all("links => links.map(link => link.href)"):
        answer = page.goto(address)
        assert answer is not None
        assert answer.status == 200, address


def test_a_sign_in_link_works_once(site: Site) -> None:
    address = reverse(
        "accounts:sign-in-link", args=[make_sign_in_token(user=factories.make_user(name="ana"))]
    )
    page = site.open(address, None)
    page.get_by_role("button", name="Sign in as ana").click()
    expect(page.get_by_role("heading", name="Projects")).to_be_visible()
    site.expected.add(404)
    other = site.open(address, None)
    expect(other.get_by_role("heading", name="This link is used up")).to_be_visible()
