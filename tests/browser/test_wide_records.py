"""Records that strain a room: two hundred labels, several fields, scripts from right to left, very long texts."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from apps.records.models import Record, SourceType
from apps.records.services import NewRecord, create_records, move_records
from apps.records.states import RecordStatus
from apps.review.opening import open_tasks
from apps.specs.models import Role
from tests import factories
from tests.browser.conftest import Site
from tests.browser.looks import look
from tests.browser.room import SAVED, Room, enter, mark_phone
from tests.review.scene import Scene, make_scene

TOPICS = ("card", "transfer", "top up", "refund", "fee", "limit", "app", "identity", "exchange", "demandé")
LABELS = [f"{topic} {number:02}" for topic in TOPICS for number in range(20)]
ARABIC = "مرحبا، تم تجديد اشتراكي بدون علمي (order 4711) وأريد استرداد المبلغ."
HEBREW = "חידוש אוטומטי"
LONGEST = 20_000
ADDED = " That is all that I have to say, and now I want my money back."


def add(scene: Scene, input_: dict[str, Any], output: dict[str, Any]) -> Record:
    row = NewRecord(
        source_type=SourceType.SYNTHETIC, gap=scene.gap, input=input_, output=output, schema_version=1
    )
    (record,) = create_records(project=scene.project, rows=[row], actor=None)
    move_records(records=[record], to=RecordStatus.AWAITING_REVIEW, actor=None, due_at=timezone.now())
    open_tasks()
    return record


def save(room: Room, record: Record) -> Record:
    room.press("Control+Enter")
    expect(room.page.locator(f"[data-card][data-record='{record.pk}']")).to_have_count(0)
    expect(room.state).to_have_text(SAVED)
    record.refresh_from_db()
    return record


def direction(page: Page, selector: str) -> str:
    return str(page.locator(selector).first.evaluate("node => getComputedStyle(node).direction"))


def test_one_of_two_hundred_labels_is_found_by_typing_and_then_by_its_digit(site: Site, scene: Scene) -> None:
    factories.make_guide(scene.project, *LABELS)
    first, second = (add(scene, {"text": f"Ticket {n}: charged"}, {"label": LABELS[0]}) for n in (1, 2))
    room = enter(site, scene)
    label = room.page.get_by_role("combobox", name="Label")
    room.press("e", "Tab")
    expect(label).to_be_focused()
    room.page.keyboard.type("demande 1")
    options = room.page.get_by_role("option")
    expect(options).to_have_count(11)
    room.press("ArrowDown", "ArrowDown")
    expect(options.nth(2)).to_have_attribute("aria-selected", "true")
    look(room.page, "the list of labels")
    # Escape closes the list and nothing else.
    room.press("Escape")
    expect(options).to_have_count(0)
    expect(label).to_have_value(LABELS[0])
    room.page.keyboard.type("demande 12")
    room.press("Enter")
    expect(label).to_have_value("demandé 12")
    assert save(room, first).label == "demandé 12"
    # What was chosen once is the first of those that a digit chooses.
    room.press("e", "Tab", "1")
    expect(label).to_have_value("demandé 12")
    assert save(room, second).label == "demandé 12"


def test_a_label_that_is_not_there_changes_nothing_and_a_refusal_stands_at_the_field(
    site: Site, scene: Scene
) -> None:
    site.expected.add(422)
    factories.make_guide(scene.project, *LABELS)
    record = add(scene, {"text": "Ticket: charged"}, {"label": "a label of old"})
    room = enter(site, scene)
    label = room.page.get_by_role("combobox", name="Label")
    room.press("e", "Tab")
    room.page.keyboard.type("weather")
    expect(room.page.get_by_text("No label fits.")).to_be_visible()
    room.press("Enter", "Tab")
    expect(label).to_have_value("a label of old")
    room.text.fill("Ticket: charged twice")
    room.press("Control+Enter")
    expect(label).to_have_attribute("aria-invalid", "true")
    expect(label).to_be_focused()
    room.page.get_by_role("button", name="card 00").click()
    assert save(room, record).label == "card 00"


def test_some_of_two_hundred_labels_are_ticked_by_typing_and_one_is_put_first(site: Site) -> None:
    scene = make_scene(task_type="multi_label")
    factories.make_guide(scene.project, *LABELS)
    record = add(scene, {"text": "Ticket: charged"}, {"labels": ["fee 03", "app 01"]})
    room = enter(site, scene)
    expect(room.page.locator("[data-reading] .tag")).to_have_text(["fee 03", "app 01"])
    room.press("e", "Tab")
    expect(room.page.locator("[data-edit]").get_by_role("searchbox", name="Find a label")).to_be_focused()
    room.page.keyboard.type("limit 7")
    room.press("Enter")
    room.page.keyboard.press("Shift+Tab")
    expect(room.page.get_by_role("checkbox", name="limit 07")).to_be_checked()
    look(room.page, "many boxes")
    room.page.get_by_role("button", name="Put app 01 first").click()
    record = save(room, record)
    assert record.current_output == {"labels": ["app 01", "fee 03", "limit 07"]}
    assert record.label == "app 01"


def test_an_edit_elsewhere_leaves_the_labels_in_their_order(site: Site) -> None:
    scene = make_scene(task_type="multi_label")
    record = add(scene, {"text": "Ticket: charged"}, {"labels": ["billing", "refund"]})
    room = enter(site, scene)
    room.press("e")
    room.text.first.fill("Ticket: charged twice")
    assert save(room, record).current_output == {"labels": ["billing", "refund"]}


def test_a_text_with_fields_is_read_whole_and_each_field_is_edited(site: Site, scene: Scene) -> None:
    body = "Dear team,\nthe parcel never came."
    record = add(
        scene,
        {"text": "Where is it", "subject": "Order 4711", "body": body, "channel": "mail"},
        {"label": "refund"},
    )
    room = enter(site, scene)
    expect(room.heading).to_have_text("Order 4711")
    expect(room.page.locator("[data-reading]")).to_contain_text("Channelmail")
    expect(room.page.locator("[data-reading] .record-text").nth(1)).to_have_text(body)
    room.press("e")
    room.page.get_by_label("Subject").fill("Order 4712")
    room.page.get_by_label("Channel").fill("chat")
    room.page.get_by_label("Body").fill(f"{body} Pay me back.")
    expect(room.page.locator("[data-diff]")).to_contain_text("Channel")
    assert save(room, record).current_input == {
        "text": "Where is it",
        "subject": "Order 4712",
        "body": f"{body} Pay me back.",
        "channel": "chat",
    }


def test_scripts_from_right_to_left_are_shown_and_edited_so(site: Site, scene: Scene) -> None:
    record = add(scene, {"text": ARABIC, "subject": HEBREW}, {"label": "refund"})
    add(scene, {"text": f"{ARABIC} {HEBREW}"}, {"label": "refund"})
    room = enter(site, scene)
    assert direction(room.page, "[data-heading]") == "rtl"
    assert direction(room.page, "[data-reading] .record-text") == "rtl"
    room.press("e")
    assert direction(room.page, "[data-edit] textarea") == "rtl"
    room.text.first.press("Control+End")
    room.page.keyboard.type(" شكرا")
    expect(room.page.locator("[data-diff] ins").last).to_contain_text("شكرا")
    assert direction(room.page, "[data-diff] .record-text") == "rtl"
    assert save(room, record).current_input["text"] == f"{ARABIC} شكرا"
    # And wherever else it is shown.
    lead = factories.make_member(scene.project, Role.LEAD, Role.REVIEWER)
    page = site.open(f"/p/{scene.project.slug}/records/", lead)
    assert direction(page, "td.clip:has-text('شكرا')") == "rtl"
    page.goto(f"/p/{scene.project.slug}/records/{record.pk}/")
    assert direction(page, ".card .record-text") == "rtl"
    assert direction(page, ".edit-diff .record-text") == "rtl"
    room.page.goto(f"/p/{scene.project.slug}/review/bulk/")
    room.page.get_by_role("button", name="Take 10", exact=True).click()
    assert direction(room.page, ".bulk-card .record-text") == "rtl"


def test_places_in_a_text_from_right_to_left_are_marked_by_its_characters(site: Site) -> None:
    scene = make_scene(task_type="redaction")
    factories.make_guide(scene.project, "order")
    record = add(scene, {"text": ARABIC}, {"spans": []})
    room = enter(site, scene)
    room.press("e")
    text = room.page.get_by_label("Text to mark")
    assert text.evaluate("area => getComputedStyle(area).direction") == "rtl"
    text.focus()
    text.evaluate(
        "area => area.setSelectionRange(area.value.indexOf('4711'), area.value.indexOf('4711') + 4)"
    )
    room.press("1")
    (span,) = save(room, record).current_output["spans"]
    assert ARABIC[span["start"] : span["end"]] == "4711"


@pytest.mark.parametrize("task_type", ["classification", "redaction"])
def test_a_very_long_text_is_walked_finding_by_finding_and_edited_with_its_diff(
    site: Site, task_type: str
) -> None:
    scene = make_scene(task_type=task_type)
    factories.make_spec(scene.project, max_chars=LONGEST)
    factories.make_guide(scene.project, "refund", "none")
    line = "They renewed my plan on {:05} and I asked at window nine and nobody was there. "
    text = "".join(line.format(number) for number in range(LONGEST // len(line.format(0)) + 1))[
        : LONGEST - len(ADDED)
    ]
    output: dict[str, Any] = {"label": "refund"} if task_type == "classification" else {"spans": []}
    record = add(scene, {"text": text}, output)
    places = [text.index("window", at) for at in range(0, LONGEST - 200, 2_000)]
    for place in places:
        mark_phone(record, place)
    room = enter(site, scene)
    marks = room.page.locator("[data-reading] mark[data-finding]")
    expect(marks).to_have_count(len(places))
    for number in range(len(places)):
        room.press("j")
        expect(marks.nth(number)).to_be_focused()
        expect(marks.nth(number)).to_be_in_viewport()
    room.press("j")
    expect(marks.first).to_be_focused()
    room.press("k")
    expect(marks.last).to_be_focused()
    room.press("e")
    room.text.first.press("Control+End")
    room.page.keyboard.type(ADDED)
    expect(room.page.locator("[data-diff] ins")).to_contain_text("money back.")
    assert save(room, record).current_input["text"] == text + ADDED
