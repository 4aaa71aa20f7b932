"""How the review room looks and reads: both themes, both sizes, nothing for axe to find, pictures for the docs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from apps.accounts.models import User
from apps.operations.demo.project import load_demo
from apps.review.models import Action, Decision
from apps.specs.models import Role
from tests import factories
from tests.browser.axe import violations
from tests.browser.conftest import DESK, PHONE, Site
from tests.browser.room import SAVED, enter, in_hand, mark_phone
from tests.review.scene import Scene

SIZES = {"desk": DESK, "phone": PHONE}


def read(page: Page) -> None:
    expect(page.locator("[data-card]")).to_be_visible()


def edit(page: Page) -> None:
    page.locator("[data-act=edit]").click()
    page.locator("[data-edit] textarea").fill("They renewed me and I never asked for it")
    expect(page.locator("[data-diff] ins").first).to_be_visible()


def open_menu(page: Page, button: str, menu: str) -> None:
    page.keyboard.press("Escape")
    page.locator(f"[data-act={button}]").click()
    expect(page.locator(menu)).to_be_visible()


def empty(page: Page) -> None:
    page.keyboard.press("Escape")
    page.locator("[data-act=accept]").click()
    expect(page.get_by_role("heading", name="All done")).to_be_visible()


STATES: dict[str, Callable[[Page], None]] = {
    "reading": read,
    "editing": edit,
    "rejecting": lambda page: open_menu(page, "reject", "#reject-menu"),
    "flagging": lambda page: open_menu(page, "flag", "#flag-menu"),
    "asking for keys": lambda page: open_menu(page, "keys", "#key-sheet"),
    "empty": empty,
}


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_axe_finds_nothing_and_nothing_is_wider_than_the_screen(
    site: Site, scene: Scene, size: str, theme: Any
) -> None:
    (record,) = scene.add_waiting(1, axes={"tone": "angry"})
    mark_phone(record)
    page = enter(site, scene, size=SIZES[size], color_scheme=theme).page
    for name, reach in STATES.items():
        reach(page)
        assert violations(page) == [], name
        assert page.evaluate("document.documentElement.scrollWidth") <= SIZES[size]["width"], name


def test_axe_can_fail(site: Site, scene: Scene) -> None:
    scene.add_waiting(1)
    page = enter(site, scene).page
    page.evaluate("document.querySelector('[data-act=accept]').replaceChildren()")
    assert any(line.startswith("button-name") for line in violations(page))


def test_buttons_are_as_big_as_a_thumb_on_a_phone(site: Site, scene: Scene) -> None:
    scene.add_waiting(1)
    page = enter(site, scene, size=PHONE).page
    for button in page.locator(".actionbar .btn").filter(visible=True).all():
        box = button.bounding_box()
        assert box is not None
        assert min(box["height"], box["width"]) >= 44, button.inner_text()


def test_a_thumb_does_the_whole_job_on_a_phone(site: Site, scene: Scene) -> None:
    """Accept, reject, an edit with a refused save, and undo: by tapping alone, in the dark theme."""
    site.expected.add(422)
    scene.add_waiting(6)
    room = enter(site, scene, size=PHONE, color_scheme="dark", has_touch=True)
    in_hand(room, scene)
    first = room.record
    room.button("accept").tap()
    room.wait_for_another(first)
    second = room.record
    room.button("reject").tap()
    room.page.get_by_role("button", name="Too clean").tap()
    room.wait_for_another(second)
    third = room.record
    room.button("edit").tap()
    room.text.fill("")
    room.button("save").tap()
    problem = room.page.locator("[data-edit] .errorlist li").first
    expect(problem).to_be_in_viewport()
    room.text.fill("They renewed me although I had cancelled in time")
    room.button("save").tap()
    room.wait_for_another(third)
    expect(room.state).to_have_text(SAVED)
    room.button("undo").tap()
    expect(room.page.locator(f"[data-record='{third}']")).to_be_visible()
    standing = Decision.objects.standing().order_by("pk").values_list("record", "action")
    assert list(standing) == [(first, "accepted"), (second, "rejected")]


def test_the_flag_list_has_nothing_for_axe(site: Site, scene: Scene) -> None:
    scene.add_waiting(1)
    scene.decide(scene.claim_one(), Action.FLAGGED)
    page = site.open(
        f"/p/{scene.project.slug}/review/flags/", factories.make_member(scene.project, Role.LEAD)
    )
    expect(page.get_by_role("heading", name="1 record flagged for you")).to_be_visible()
    assert violations(page) == []


def test_the_demo_can_be_reviewed_and_is_worth_a_picture(
    site: Site, screenshots: Callable[[Page, str], None]
) -> None:
    demo = load_demo()
    page = site.open(f"/p/{demo.slug}/review/", User.objects.get(username="ana"))
    neighbours = page.locator(".neighbours li")
    for _ in range(20):
        expect(page.locator("[data-save-state]")).to_have_text("all saved")
        expect(page.locator("[data-card]")).to_be_visible()
        if neighbours.count() >= 2:
            break
        page.keyboard.press("a")
    expect(neighbours.first).to_be_visible()
    screenshots(page, "review")
    edit(page)
    screenshots(page, "review-edit")
