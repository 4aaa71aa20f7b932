"""The review room as a person sees it, and ways into it."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from playwright.sync_api import Locator, Page, expect

from apps.accounts.models import User
from apps.records.models import Record
from apps.review.models import ReviewTask
from apps.validation.models import Finding, Outcome
from tests.browser.conftest import Site
from tests.review.scene import Scene

SAVED = "all saved"


class Room:
    """The review room as a person sees it."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.heading = page.locator("[data-heading]")
        self.state = page.locator("[data-save-state]")
        self.said = page.locator("[data-announce]")
        self.text = page.locator("[data-edit] textarea")
        self.notices = page.locator("#toasts .notice")

    @property
    def record(self) -> int:
        return int(self.page.locator("[data-card]").get_attribute("data-record") or 0)

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def wait_for_another(self, record: int) -> None:
        expect(self.page.locator(f"[data-card]:not([data-record='{record}'])")).to_be_visible()

    def button(self, name: str) -> Locator:
        return self.page.locator(f".actionbar [data-act={name}]")


def enter(site: Site, scene: Scene, user: User | None = None, **options: Any) -> Room:
    room = Room(site.open(f"/p/{scene.project.slug}/review/", user or scene.reviewer, **options))
    if options.get("java_script_enabled", True):
        expect(room.state).to_have_text(SAVED)
        # The script has asked for cards by now and shows the first one, or why there is none.
        room.page.wait_for_load_state("networkidle")
    return room


def in_hand(room: Room, scene: Scene, count: int = 4) -> None:
    """Waits until the cards behind the one in view are fetched."""
    with_leases = ReviewTask.objects.held_by(scene.reviewer, timezone.now())
    for _ in range(100):
        if with_leases.count() == count:
            break
        room.page.wait_for_timeout(50)
    assert with_leases.count() == count
    room.page.wait_for_load_state("networkidle")


def mark_phone(record: Record, start: int = 0) -> None:
    Finding.objects.create(
        record=record,
        check_name="personal_data",
        check_version=1,
        outcome=Outcome.WARN,
        code="phone",
        message="Looks like a phone number.",
        pointer="/input/text",
        start=start,
        end=start + 6,
    )
