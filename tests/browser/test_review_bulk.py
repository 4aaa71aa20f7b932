"""The bulk view in a browser: keys, selection, both sizes and themes."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from apps.review.models import Decision, ReviewTask
from tests.browser.axe import violations
from tests.browser.conftest import DESK, PHONE, Site
from tests.review.scene import Scene


def enter(site: Site, scene: Scene, **options: Any) -> Page:
    page = site.open(f"/p/{scene.project.slug}/review/bulk/", scene.reviewer, **options)
    page.get_by_role("button", name="Take 10").click()
    expect(page.locator("[data-bulk-card]").first).to_be_visible()
    return page


def test_the_keyboard_alone_selects_accepts_and_rejects(site: Site, scene: Scene) -> None:
    scene.add_waiting(4)
    page = enter(site, scene)
    page.keyboard.press("j")
    page.keyboard.press("Space")
    page.keyboard.press("j")
    page.keyboard.press("Space")
    expect(page.locator("[data-picked]")).to_have_text("2 selected")
    page.keyboard.press("a")
    expect(page.get_by_text("2 records accepted.")).to_be_visible()
    page.keyboard.press("k")
    page.keyboard.press("Space")
    page.keyboard.press("x")
    expect(page.get_by_label("Reason")).to_be_focused()
    page.get_by_label("Reason").select_option("unclear")
    page.get_by_role("button", name="Reject selected").press("Enter")
    expect(page.get_by_text("1 record rejected.")).to_be_visible()
    assert sorted(Decision.objects.values_list("action", flat=True)) == ["accepted", "accepted", "rejected"]


def test_all_are_selected_at_once_and_leaving_gives_the_cards_back(site: Site, scene: Scene) -> None:
    scene.add_waiting(3)
    page = enter(site, scene)
    page.get_by_label("Select all").check()
    expect(page.locator("[data-picked]")).to_have_text("3 selected")
    page.goto("about:blank")
    for _ in range(200):
        if not ReviewTask.objects.exclude(lease_holder=None).exists():
            break
        page.wait_for_timeout(50)
    assert not ReviewTask.objects.exclude(lease_holder=None).exists()


@pytest.mark.parametrize(("size", "theme"), [(DESK, "light"), (PHONE, "dark")])
def test_axe_finds_nothing_in_the_bulk_view(site: Site, scene: Scene, size: Any, theme: Any) -> None:
    scene.add_waiting(3)
    page = enter(site, scene, size=size, color_scheme=theme)
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
