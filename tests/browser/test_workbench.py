"""A prompt is changed, looked at and tried in the workbench; the catalogue and a held run beside it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from apps.accounts.models import User
from apps.generation.models import Prompt, PromptLanguage
from apps.generation.prompts import create_prompt
from apps.generation.services import draft_run
from apps.generation.trials import try_prompt
from apps.operations.work import work_once
from apps.specs.models import Gap, Role
from apps.submissions.models import Connection
from tests import factories
from tests.browser.axe import violations
from tests.browser.conftest import PHONE, Site
from tests.generation.scene import make_ready_project
from tests.providers.matrix import TEMPLATE, worker_environment
from tests.providers.rigs import RIGS


@pytest.fixture
def connection(transactional_db: None) -> Iterator[Connection]:
    with RIGS["openai"]() as rig, worker_environment(rig):
        yield rig.connect()


@pytest.fixture
def gap(transactional_db: None) -> Gap:
    return make_ready_project(axes={"tone": ["angry", "polite"]})


@pytest.fixture
def prompt(gap: Gap) -> Prompt:
    return create_prompt(
        project=gap.project, name="write", template=TEMPLATE, language=PromptLanguage.JINJA, actor=None
    ).prompt


@pytest.fixture
def lead(gap: Gap) -> User:
    return factories.make_member(gap.project, Role.LEAD, name="lena")


@pytest.mark.both_engines
def test_a_prompt_is_changed_looked_at_and_tried(
    site: Site,
    gap: Gap,
    prompt: Prompt,
    lead: User,
    connection: Connection,
    screenshots: Callable[[Page, str], None],
) -> None:
    page = site.open(reverse("generation:workbench", args=[gap.project.slug, prompt.pk]), lead)
    assert violations(page) == []
    page.get_by_label("Prompt").fill(TEMPLATE + "Be brief.")
    page.get_by_role("button", name="Show what is sent").click()
    expect(page.locator("#preview")).to_contain_text("Be brief.")
    expect(page.locator("#preview")).to_contain_text("json_schema")
    # What the provider is sent beside the prompt, and the next combination of the axes.
    page.get_by_text("As OpenAI is sent it").first.click()
    expect(page.locator("#preview")).to_contain_text("tone: polite")
    assert violations(page) == []
    page.get_by_role("button", name="Try five now").click()
    expect(page.locator("#trial")).to_contain_text("Asked.")
    work_once("validation")
    work_once("interactive")
    expect(page.locator("#trial .tried > li")).to_have_count(5, timeout=10_000)
    expect(page.get_by_label("Prompt")).to_have_value(TEMPLATE + "Be brief.")
    # Polling has ended, and what came back stays where it is.
    expect(page.locator("#trial")).not_to_have_attribute("hx-get", re.compile("."))
    page.evaluate("window.scrollTo(0, 0)")
    screenshots(page, "workbench")
    assert violations(page) == []
    page.get_by_label("What is new").fill("Shorter")
    page.get_by_role("button", name="Save as a new version").click()
    expect(page.get_by_role("heading", name="write v2")).to_be_visible()


def test_a_mistake_is_shown_beside_the_request(
    site: Site, gap: Gap, prompt: Prompt, lead: User, connection: Connection
) -> None:
    page = site.open(reverse("generation:workbench", args=[gap.project.slug, prompt.pk]), lead)
    page.get_by_label("Prompt").fill("Write {{ nonsense }}")
    page.get_by_role("button", name="Show what is sent").click()
    expect(page.locator("#preview")).to_contain_text("nonsense")
    expect(page.get_by_label("Prompt")).to_have_value("Write {{ nonsense }}")


def test_what_came_back_fits_a_phone(
    site: Site, gap: Gap, prompt: Prompt, lead: User, connection: Connection
) -> None:
    trial = try_prompt(prompt=prompt, template=TEMPLATE, gap=gap, connection=connection, actor=lead)
    work_once("validation")
    work_once("interactive")
    path = f"{reverse('generation:workbench', args=[gap.project.slug, prompt.pk])}?trial={trial.pk}"
    for scheme in ("light", "dark"):
        page = site.open(path, lead, size=PHONE, color_scheme=scheme)
        page.get_by_role("button", name="Show what is sent").click()
        expect(page.locator("#preview details").first).to_be_visible()
        assert violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_its_pages_fit_a_phone_in_both_themes(
    site: Site, gap: Gap, prompt: Prompt, lead: User, connection: Connection, scheme: str
) -> None:
    version = prompt.versions.get()
    run = draft_run(gap=gap, prompt_version=version, connection=connection, count=400, actor=lead)
    factories.make_candidate(
        gap, "a text", prompt_version=version.label, run_uuid=run.uuid, generator_model=connection.model
    )
    paths = (
        reverse("generation:workbench", args=[gap.project.slug, prompt.pk]),
        f"{reverse('reports:models', args=[gap.project.slug])}?compare={connection.pk}&sort=made",
        reverse("reports:run-detail", args=[gap.project.slug, run.pk]),
        reverse("generation:prompt-detail", args=[gap.project.slug, prompt.pk]),
    )
    for path in paths:
        page = site.open(path, lead, size=PHONE, color_scheme=scheme)
        assert violations(page) == [], path
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, path
