"""How a page looks at all: in both themes to axe, and on a phone."""

from __future__ import annotations

from playwright.sync_api import Page

from tests.browser.axe import violations
from tests.browser.conftest import DESK, PHONE


def look(page: Page, name: str) -> None:
    """In both themes nothing for axe to find; on a phone nothing sticks out."""
    for theme in ("light", "dark"):
        page.set_viewport_size(DESK)
        page.emulate_media(color_scheme=theme)
        found = violations(page)
        assert found == [], f"{name}, {theme}: {found}"
    page.set_viewport_size(PHONE)
    overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert overflow <= 0, f"{name} is {overflow} px wider than a phone"
    page.set_viewport_size(DESK)
