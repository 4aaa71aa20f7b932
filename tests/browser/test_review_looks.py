"""How the review room looks and reads: both themes, both sizes, nothing for axe to find, pictures for the docs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.axe import violations
from tests.browser.conftest import DESK, PHONE, Site
from tests.browser.test_review_room import enter, mark_phone
from tests.review.scene import Scene, make_scene

SIZES = {"desk": DESK, "phone": PHONE}


@pytest.fixture
def scene(transactional_db: None) -> Scene:
    return make_scene()


def reading(page: Page) -> None:
    expect(page.locator("[data-card]")).to_be_visible()


def editing(page: Page) -> None:
    page.locator("[data-act=edit]").click()
    page.locator("[data-edit] textarea").fill("They renewed me and I never asked for it")
    expect(page.locator("[data-diff] ins").first).to_be_visible()


def rejecting(page: Page) -> None:
    page.locator("[data-act=reject]").click()
    expect(page.locator("#reject-menu")).to_be_visible()


def flagging(page: Page) -> None:
    page.locator("[data-act=flag]").click()
    expect(page.locator("#flag-menu")).to_be_visible()


def asking_for_keys(page: Page) -> None:
    page.locator("[data-act=keys]").click()
    expect(page.locator("#key-sheet")).to_be_visible()


def emptied(page: Page) -> None:
    page.locator("[data-act=accept]").click()
    expect(page.get_by_role("heading", name="All done")).to_be_visible()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("doing", [reading, editing, rejecting, flagging, asking_for_keys, emptied])
def test_axe_finds_nothing(
    site: Site, scene: Scene, doing: Callable[[Page], None], size: str, theme: Any
) -> None:
    (record,) = scene.add_waiting(1, axes={"tone": "angry"})
    mark_phone(record)
    page = enter(site, scene, size=SIZES[size], color_scheme=theme).page
    doing(page)
    assert violations(page) == []


def test_axe_can_fail(site: Site, scene: Scene) -> None:
    scene.add_waiting(1)
    page = enter(site, scene).page
    page.evaluate("document.querySelector('[data-act=accept]').replaceChildren()")
    assert any(line.startswith("button-name") for line in violations(page))


@pytest.mark.parametrize("doing", [reading, editing, rejecting, asking_for_keys])
def test_nothing_is_wider_than_a_phone(site: Site, scene: Scene, doing: Callable[[Page], None]) -> None:
    scene.add_waiting(1, axes={"tone": "angry"})
    page = enter(site, scene, size=PHONE).page
    doing(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


@pytest.mark.parametrize("name", ["accept", "edit", "reject", "skip", "flag", "undo", "keys"])
def test_buttons_are_as_big_as_a_thumb_on_a_phone(site: Site, scene: Scene, name: str) -> None:
    scene.add_waiting(1)
    page = enter(site, scene, size=PHONE).page
    box = page.locator(f".actionbar [data-act={name}]").bounding_box()
    assert box is not None
    assert box["height"] >= 44
    assert box["width"] >= 44


def test_the_flag_list_has_nothing_for_axe(site: Site, scene: Scene) -> None:
    from apps.review.models import Action  # noqa: PLC0415
    from apps.specs.models import Role  # noqa: PLC0415
    from tests import factories  # noqa: PLC0415

    scene.add_waiting(1)
    scene.decide(scene.claim_one(), Action.FLAGGED)
    page = site.open(
        f"/p/{scene.project.slug}/review/flags/", factories.make_member(scene.project, Role.LEAD)
    )
    expect(page.get_by_role("heading", name="1 record flagged for you")).to_be_visible()
    assert violations(page) == []


def test_pictures_for_the_docs(site: Site, scene: Scene, screenshots: Callable[[Page, str], None]) -> None:
    (record,) = scene.add_waiting(1, axes={"tone": "angry", "channel": "email"})
    mark_phone(record)
    page = enter(site, scene).page
    screenshots(page, "review")
