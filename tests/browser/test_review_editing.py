"""Editing in place: the word diff, the draft, a save that is refused."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from apps.review.models import Action, Decision, Draft
from tests.browser.conftest import Site
from tests.browser.room import SAVED, enter, in_hand
from tests.review.scene import Scene


@pytest.mark.both_engines
def test_an_edit_shows_the_word_diff_and_saves_with_control_enter(site: Site, scene: Scene) -> None:
    (record, _) = scene.add_waiting(2)
    room = enter(site, scene)
    room.press("e")
    expect(room.text).to_be_focused()
    room.text.fill(record.input["text"].replace("renewed", "charged"))
    expect(room.page.locator("[data-diff] ins")).to_have_text("charged ")
    expect(room.page.locator("[data-diff] del")).to_have_text("renewed ")
    room.press("Control+Enter")
    room.wait_for_another(record.pk)
    expect(room.state).to_have_text(SAVED)
    record.refresh_from_db()
    assert "charged" in record.current_input["text"]
    assert not Draft.objects.exists()


def test_escape_keeps_the_draft_and_discarding_drops_it(site: Site, scene: Scene) -> None:
    (record,) = scene.add_waiting(1)
    room = enter(site, scene)
    room.press("e")
    room.text.fill("Half a thought")
    room.press("Escape")
    expect(room.heading).to_be_focused()
    expect(room.page.get_by_text("You have a draft of this record.")).to_be_visible()
    for _ in range(200):
        if Draft.objects.exists():
            break
        room.page.wait_for_timeout(50)
    room.page.reload()
    expect(room.page.get_by_text("You have a draft of this record.")).to_be_visible()
    room.press("e")
    expect(room.text).to_have_value("Half a thought")
    room.page.get_by_role("button", name="Discard the draft").click()
    expect(room.text).to_have_value(record.input["text"])
    for _ in range(200):
        if not Draft.objects.exists():
            break
        room.page.wait_for_timeout(50)
    assert not Draft.objects.exists()


def test_a_refused_save_says_why_beside_the_field_and_keeps_the_text(site: Site, scene: Scene) -> None:
    site.expected.add(422)
    first, second = scene.add_waiting(2)
    room = enter(site, scene)
    room.press("e")
    room.text.fill("")
    room.press("Control+Enter")
    problem = room.page.locator("[data-edit] .field:has(textarea) .errorlist li")
    expect(problem).to_be_visible()
    expect(room.text).to_have_attribute("aria-invalid", "true")
    expect(room.text).to_be_focused()
    expect(room.said).to_have_text(re.compile(r"^Not saved\."))
    assert room.record == first.pk
    # What is wrong with the record as a whole stands above the form.
    room.text.fill(second.input["text"])
    room.press("Control+Enter")
    expect(room.page.locator("[data-problems]")).to_have_text(
        f"The same text as candidate record #{second.pk}."
    )
    assert Draft.objects.get().values["input"]["text"] == second.input["text"]
    room.text.fill("Something nobody else wrote about that renewal")
    room.press("Control+Enter")
    room.wait_for_another(first.pk)
    expect(room.state).to_have_text(SAVED)
    assert Decision.objects.get().action == Action.EDITED


def test_an_edit_can_be_taken_back_and_its_text_is_the_draft(site: Site, scene: Scene) -> None:
    (record, _) = scene.add_waiting(2)
    room = enter(site, scene)
    room.press("e")
    room.text.fill("They charged me for another year, unasked")
    room.press("Control+Enter")
    room.wait_for_another(record.pk)
    room.press("z")
    expect(room.page.locator(f"[data-record='{record.pk}']")).to_be_visible()
    room.press("e")
    expect(room.text).to_have_value("They charged me for another year, unasked")


def test_an_edit_saved_while_the_server_is_away_is_delivered_later(site: Site, scene: Scene) -> None:
    (record, *_) = scene.add_waiting(6)
    room = enter(site, scene)
    in_hand(room, scene)
    room.press("e")
    room.text.fill("They charged me for another year, unasked")
    room.page.wait_for_load_state("networkidle")
    room.page.route("**/review/**", lambda route: route.abort())
    room.press("Control+Enter")
    room.wait_for_another(record.pk)
    expect(room.said).to_have_text(re.compile("^Kept in this browser until the server is back"))
    room.page.unroute("**/review/**")
    room.state.get_by_role("button").click()
    expect(room.state).to_have_text(SAVED)
    record.refresh_from_db()
    assert record.current_input == {"text": "They charged me for another year, unasked"}


def test_an_edit_refused_later_comes_back_with_the_reason(site: Site, scene: Scene) -> None:
    site.expected.add(422)
    (first, second, *_) = scene.add_waiting(6)
    room = enter(site, scene)
    in_hand(room, scene)
    room.press("e")
    room.text.fill(second.input["text"])
    room.page.wait_for_load_state("networkidle")
    room.page.route("**/review/**", lambda route: route.abort())
    room.press("Control+Enter")
    room.wait_for_another(first.pk)
    room.page.unroute("**/review/**")
    room.state.get_by_role("button").click()
    expect(room.page.locator(f"[data-record='{first.pk}']")).to_be_visible()
    expect(room.page.locator("[data-problems]")).to_have_text(
        f"The same text as candidate record #{second.pk}."
    )
    expect(room.text).to_have_value(second.input["text"])
    assert not Decision.objects.exists()
