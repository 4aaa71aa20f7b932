"""Browser tests: a real Chromium against a real server. An answer of 400 or more that was not expected fails."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any

# Playwright's sync API keeps an event loop in this thread; the ORM would refuse to run beside it.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"

import pytest
from django.conf import settings as django_settings
from django.core.signals import request_finished, request_started
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Page, Response, ViewportSize
from pytest_django.live_server_helper import LiveServer

from apps.accounts.models import User
from tests.review.scene import Scene, make_scene

CHROMIUM = Path(os.environ.get("CHROMIUM", "/usr/bin/chromium"))
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
DESK: ViewportSize = {"width": 1440, "height": 900}
PHONE: ViewportSize = {"width": 390, "height": 844}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)
            item.add_marker(
                pytest.mark.django_db(transaction=True, databases=["default", "leakage", "holdout"])
            )
            if not CHROMIUM.exists():
                item.add_marker(pytest.mark.skip(reason=f"needs Chromium at {CHROMIUM} (or CHROMIUM=…)"))


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, Any]:
    return {"executable_path": str(CHROMIUM), "args": list(FLAGS), "headless": True}


class InFlight:
    """Counts requests that the live server is busy with. A page that closes still sends its last words, and the
    database must not be emptied under them."""

    def __init__(self) -> None:
        self.count = 0
        self.lock = threading.Lock()
        request_started.connect(self._started)
        request_finished.connect(self._finished)

    def _started(self, **_: object) -> None:
        with self.lock:
            self.count += 1

    def _finished(self, **_: object) -> None:
        with self.lock:
            self.count -= 1

    def wait_for_silence(self, *, seconds: float = 20) -> None:
        """Returns once nothing was under way for a third of a second, or after ``seconds``."""
        quiet, step = 0.0, 0.05
        while quiet < 0.3 and seconds > 0:
            time.sleep(step)
            seconds -= step
            quiet = 0.0 if self.count > 0 else quiet + step


in_flight = InFlight()


@dataclass
class Site:
    """The live server, and browsers signed in to it."""

    server: LiveServer
    browser: Browser
    contexts: list[BrowserContext] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    expected: set[int] = field(default_factory=set)
    """Statuses of 400 and more that this test provokes."""

    def open(self, path: str, user: User | None, *, size: ViewportSize | None = None, **options: Any) -> Page:
        """A page of ``path`` in a browser of its own, signed in as ``user``."""
        context = self.browser.new_context(
            base_url=self.server.url, viewport=size or DESK, reduced_motion="reduce", **options
        )
        self.contexts.append(context)
        if user is not None:
            context.add_cookies([self._session_cookie(user)])
        page = context.new_page()
        page.on("response", self._look_at)
        page.on("pageerror", lambda error: self.problems.append(f"script error: {error}"))
        page.on("console", lambda message: self._listen(message.type, message.text))
        page.goto(path)
        return page

    def _session_cookie(self, user: User) -> Any:
        client = Client()
        client.force_login(user)
        name = django_settings.SESSION_COOKIE_NAME
        return {"name": name, "value": client.cookies[name].value, "url": self.server.url}

    def _look_at(self, response: Response) -> None:
        if response.status >= HTTPStatus.BAD_REQUEST and response.status not in self.expected:
            self.problems.append(f"{response.status} {response.request.method} {response.url}")

    def _listen(self, kind: str, text: str) -> None:
        # Failed loads are judged by their status above.
        if kind == "error" and not text.startswith("Failed to load resource"):
            self.problems.append(f"console: {text}")


@pytest.fixture
def site(live_server: LiveServer, browser: Browser) -> Iterator[Site]:
    site = Site(live_server, browser)
    yield site
    for context in site.contexts:
        context.close()
    in_flight.wait_for_silence()
    assert site.problems == []


@pytest.fixture
def scene(transactional_db: None) -> Scene:
    """A project with a guide and a reviewer; ``scene.add_waiting`` fills its queue."""
    return make_scene()


@pytest.fixture(scope="session")
def screenshots() -> Callable[[Page, str], None]:
    """Writes a picture for the docs when SYNTHREVIEW_SCREENSHOTS=1 asks for them."""

    def take(page: Page, name: str) -> None:
        if os.environ.get("SYNTHREVIEW_SCREENSHOTS") == "1":
            folder = Path(django_settings.BASE_DIR) / "docs" / "screenshots"
            page.screenshot(path=folder / f"{name}.png")

    return take
