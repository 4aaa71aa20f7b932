"""Gold items in a browser: each seeded defect met and answered, and what a lead does about who misses them."""

from __future__ import annotations

import pytest
from django.urls import reverse
from playwright.sync_api import Locator, Page, expect

from apps.accounts.models import User
from apps.operations.work import work_once
from apps.records.models import Record
from apps.review.gold import PHONES, make_gold
from apps.review.models import Action, GoldItem, GoldKind, TaskKind
from apps.review.rules import ReviewRules, set_rules
from apps.specs.models import Role
from tests import factories
from tests.browser.axe import violations
from tests.browser.conftest import Site
from tests.browser.room import SAVED, Room, enter
from tests.review.scene import Scene

LABELS = ("refund", "refund", "billing")


@pytest.fixture
def lead(scene: Scene) -> User:
    return factories.make_member(scene.project, Role.LEAD, name="lena")


def add_gold(scene: Scene, lead: User, count: int, **rules: bool) -> list[GoldItem]:
    for number in range(count):
        text = f"Real ticket {number}: please look at my last three orders and say what went wrong"
        factories.make_real(scene.project, text, LABELS[number % 3])
    set_rules(project=scene.project, rules=ReviewRules(gold=1.0, **rules), actor=lead)
    return make_gold(project=scene.project, count=count, actor=lead, seed=1)


def kind_in_view(room: Room) -> GoldKind | None:
    name = room.page.locator("[data-card]").get_attribute("data-record") or ""
    item = next(
        (each for each in GoldItem.objects.select_related("record") if each.record.uuid.hex[:8] == name), None
    )
    return GoldKind(item.kind) if item else None


def wait_for_next(room: Room, name: str) -> None:
    expect(room.page.locator(f"[data-card]:not([data-record='{name}']), [data-empty]").first).to_be_visible()


def test_each_seeded_defect_is_there_to_be_seen_and_its_answer_is_told(
    site: Site, scene: Scene, lead: User
) -> None:
    """The wrong label is rejected, the telephone number edited away, the near copy missed."""
    items = add_gold(scene, lead, 12, gold_feedback=True)
    for defect in GoldKind:
        of_kind = [item.pk for item in items if item.kind == defect]
        GoldItem.objects.filter(pk__in=of_kind[defect != GoldKind.KNOWN :]).update(is_on=False)
    scene.add_waiting(4)
    room = enter(site, scene)
    met: dict[GoldKind, str] = {}
    while len(met) < 3:
        name = room.page.locator("[data-card]").get_attribute("data-record") or ""
        expect(room.notices).to_have_count(0)
        kind = kind_in_view(room)
        if kind == GoldKind.WRONG_LABEL:
            expect(room.page.locator("[data-reading] .tag")).to_have_text("refund")
            room.press("x", "1")
        elif kind == GoldKind.PERSONAL_DATA:
            written = room.page.locator("[data-reading] .record-text").inner_text()
            (phone,) = [each for each in PHONES if each in written]
            room.press("e")
            room.text.fill(written.replace(phone, "").strip())
            room.press("Control+Enter")
        else:
            if kind == GoldKind.NEAR_DUPLICATE:
                near = room.page.locator(".neighbours li")
                expect(near.first).to_contain_text("0.8")
                expect(near.first).to_contain_text("please look at my last three orders")
            room.press("a")
        if kind is not None:
            met[kind] = room.notices.inner_text()
            expect(room.notices).to_contain_text(f"Record {name} was a test card")
            room.notices.get_by_role("button").click()
        wait_for_next(room, name)
        expect(room.state).to_have_text(SAVED)
    assert "a wrong label. You were right." in met[GoldKind.WRONG_LABEL]
    assert "a telephone number was left in the text. You were right." in met[GoldKind.PERSONAL_DATA]
    assert "its nearest neighbour. You were wrong." in met[GoldKind.NEAR_DUPLICATE]


def test_a_lead_pauses_who_is_below_the_bar_and_takes_their_latest_decisions_back(
    site: Site, scene: Scene, lead: User
) -> None:
    add_gold(scene, lead, 24)
    waiting = scene.add_waiting(2)
    while not all(Record.objects.get(pk=record.pk).reviewed_at for record in waiting):
        task = scene.claim_one()
        # Who rejects every gold item is right about the defects and about nothing else.
        scene.decide(task, Action.REJECTED if task.kind == TaskKind.GOLD else Action.ACCEPTED)
    page = site.open(reverse("review:quality", args=[scene.project.slug]), lead)
    row = person(page, scene.reviewer)
    expect(row).to_contain_text("below the bar")
    row.get_by_text("Pause …").click()
    row.get_by_placeholder("Why? They are told.").fill("Let us look at the guide together first")
    assert violations(page) == []
    row.get_by_role("button", name="Pause ").click()
    expect(person(page, scene.reviewer)).to_contain_text("Let us look at the guide together first")
    room = enter(site, scene)
    expect(room.page.locator("[data-empty]")).to_contain_text(
        "A lead has paused your reviews: Let us look at the guide together first"
    )
    person(page, scene.reviewer).get_by_role("link", name="Take decisions back").click()
    expect(page.get_by_role("heading", name="2 records would be recalled")).to_be_visible()
    page.get_by_label("Reason").fill("Missed half of the gold items")
    page.get_by_role("button", name="Recall 2 records").click()
    work_once("validation")
    statuses = Record.objects.filter(pk__in=[record.pk for record in waiting]).values_list(
        "status", flat=True
    )
    assert set(statuses) == {"awaiting_review"}
    page.goto(reverse("review:quality", args=[scene.project.slug]))
    person(page, scene.reviewer).get_by_role("button", name="go on").click()
    room.page.get_by_role("button", name="Take next").click()
    expect(room.page.locator("[data-card]")).to_be_visible()


def person(page: Page, user: User) -> Locator:
    return page.get_by_role("row").filter(has=page.get_by_role("rowheader", name=str(user)))
