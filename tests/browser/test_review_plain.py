"""The review room without a script."""

from __future__ import annotations

from playwright.sync_api import expect

from apps.review.models import Decision
from tests.browser.conftest import Site
from tests.browser.room import enter
from tests.review.scene import Scene


def test_the_room_works_without_a_script(site: Site, scene: Scene) -> None:
    scene.add_waiting(4)
    room = enter(site, scene, java_script_enabled=False)
    page = room.page
    page.get_by_role("button", name="Take next").click()
    first = room.record
    page.get_by_role("button", name="Accept").click()
    expect(page.get_by_text(f"Record #{first}: accepted.")).to_be_visible()
    second = room.record
    page.get_by_role("button", name="Reject").click()
    page.get_by_role("button", name="Too clean").click()
    expect(page.get_by_text(f"Record #{second}: rejected.")).to_be_visible()
    third = room.record
    page.get_by_role("link", name="Edit").click()
    page.get_by_label("Text").fill("They renewed it although I had cancelled")
    page.get_by_role("button", name="Save and accept").click()
    expect(page.get_by_text(f"Record #{third}: edited.")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    assert room.record == third
    page.get_by_role("button", name="Skip").click()
    assert room.record not in {first, second, third}
    assert sorted(Decision.objects.standing().values_list("action", flat=True)) == ["accepted", "rejected"]
