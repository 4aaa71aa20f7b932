"""Editing more than text: rows, choices, code and places in a text, by keyboard, by mouse, without a script."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from apps.records.models import Record, SourceType
from apps.records.services import NewRecord, create_records, move_records
from apps.records.states import RecordStatus
from apps.review.models import Decision, Draft
from apps.review.opening import open_tasks
from tests import factories
from tests.browser.axe import violations
from tests.browser.conftest import DESK, PHONE, Site
from tests.browser.room import SAVED, Room, enter
from tests.review.scene import Scene

TEXT = "👋 Ann wrote that\nBob Miller was charged twice"
ROW: dict[str, Any] = {
    "type": "object",
    "required": ["item", "price"],
    "properties": {"item": {"type": "string"}, "price": {"type": "number"}},
}
SPAN: dict[str, Any] = {
    "type": "object",
    "required": ["start", "end", "kind"],
    "properties": {
        "start": {"type": "integer", "minimum": 0},
        "end": {"type": "integer"},
        "kind": {"type": "string", "enum": ["PLACE", "NAME"]},
    },
}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["label"],
    "properties": {
        "label": {"type": "string", "enum": ["refund", "billing", "abuse"]},
        "lines": {"type": "array", "minItems": 1, "items": ROW},
        "code": {"type": "string", "x-widget": "code"},
        "topics": {
            "type": "array",
            "x-widget": "choices",
            "items": {"type": "string", "enum": ["card", "mail"]},
        },
        "spans": {"type": "array", "x-widget": "spans", "items": SPAN},
    },
}
OUTPUT: dict[str, Any] = {
    "label": "refund",
    "lines": [{"item": "pen", "price": 2}, {"item": "ink", "price": 3.5}],
    "code": "a = 1\nb = 2",
    "topics": ["card"],
    "spans": [],
}


@pytest.fixture
def record(scene: Scene) -> Record:
    return waiting_record(scene, OUTPUT, TEXT)


def waiting_record(scene: Scene, output: dict[str, Any], text: str) -> Record:
    factories.make_spec(scene.project, output_schema=SCHEMA)
    row = NewRecord(
        source_type=SourceType.SYNTHETIC, gap=scene.gap, input={"text": text}, output=output, schema_version=2
    )
    (record,) = create_records(project=scene.project, rows=[row], actor=None)
    move_records(records=[record], to=RecordStatus.AWAITING_REVIEW, actor=None, due_at=timezone.now())
    open_tasks()
    return record


def span(text: str, words: str) -> dict[str, Any]:
    return {"start": text.index(words), "end": text.index(words) + len(words), "kind": "NAME"}


def save(room: Room, record: Record) -> dict[str, Any]:
    """Saves the edit; returns the output that stands then."""
    room.press("Control+Enter")
    expect(room.page.get_by_role("heading", name="All done")).to_be_visible()
    expect(room.state).to_have_text(SAVED)
    record.refresh_from_db()
    return dict(record.current_output)


def test_rows_are_added_moved_and_removed_by_keyboard(site: Site, scene: Scene, record: Record) -> None:
    room = enter(site, scene)
    room.press("e")
    rows = room.page.locator("[data-rows='/output/lines'] [data-row]")
    room.page.get_by_role("button", name="Add to Lines").press("Enter")
    expect(rows).to_have_count(3)
    expect(room.said).to_have_text("Row 3 of 3.")
    room.page.keyboard.type("stamp")
    room.press("Tab")
    room.page.keyboard.type("0.8")
    room.press("Alt+ArrowUp", "Alt+ArrowUp", "Alt+ArrowUp")
    expect(room.said).to_have_text("Row 1 of 3.")
    expect(rows.nth(0).get_by_label("Price")).to_be_focused()
    rows.nth(2).get_by_role("button", name="Remove").press("Enter")
    expect(rows).to_have_count(2)
    lines = save(room, record)["lines"]
    assert lines == [{"item": "stamp", "price": 0.8}, {"item": "pen", "price": 2}]
    assert isinstance(lines[1]["price"], int)


def test_a_problem_of_a_row_or_a_list_stands_where_it_is(site: Site, scene: Scene, record: Record) -> None:
    site.expected.add(422)
    room = enter(site, scene)
    room.press("e")
    lines = room.page.locator("[data-rows='/output/lines']")
    room.page.locator("[name='/output/lines/1/item']").fill("")
    room.press("Control+Enter")
    expect(lines.locator("[data-row='1'] .errorlist")).to_be_visible()
    expect(room.page.locator("[name='/output/lines/1/item']")).to_be_focused()
    for _ in range(2):
        lines.get_by_role("button", name="Remove").first.click()
    room.press("Control+Enter")
    expect(lines.locator(":scope > .errorlist")).to_be_visible()
    assert not Decision.objects.exists()
    assert Draft.objects.get().values["output"]["lines"] == []
    # The rows that the draft lost come back with the record's own text.
    room.page.get_by_role("button", name="Discard the draft").click()
    expect(lines.locator("[data-row]")).to_have_count(2)
    expect(room.page.locator("[name='/output/lines/0/item']")).to_have_value("pen")


def test_a_draft_with_other_rows_survives_a_reload_and_can_be_discarded(
    site: Site, scene: Scene, record: Record
) -> None:
    room = enter(site, scene)
    room.press("e")
    lines = room.page.locator("[data-rows='/output/lines']")
    lines.get_by_role("button", name="Remove").first.click()
    room.press("Escape")
    for _ in range(200):
        if Draft.objects.exists():
            break
        room.page.wait_for_timeout(50)
    room.page.reload()
    expect(room.page.get_by_text("You have a draft of this record.")).to_be_visible()
    room.press("e")
    expect(lines.locator("[data-row]")).to_have_count(1)
    expect(room.page.locator("[name='/output/lines/0/item']")).to_have_value("ink")
    room.page.get_by_role("button", name="Discard the draft").click()
    expect(lines.locator("[data-row]")).to_have_count(2)


def test_places_are_marked_with_the_keyboard_and_with_the_mouse(
    site: Site, scene: Scene, record: Record
) -> None:
    room = enter(site, scene)
    room.press("e")
    spans = room.page.locator("[data-rows='/output/spans']")
    text = spans.get_by_label("Text to mark")
    # By keyboard: over the greeting, then the three letters of the name.
    text.focus()
    text.evaluate("area => area.setSelectionRange(0, 0)")
    room.press(*["ArrowRight"] * 2, *["Shift+ArrowRight"] * 3)
    room.press("2")
    expect(room.said).to_have_text("Marked NAME: Ann.")
    # By mouse: a double click takes a word, in the second line.
    text.evaluate("area => area.setSelectionRange(area.value.indexOf('Bob'), area.value.indexOf('Bob') + 10)")
    spans.get_by_role("button", name="Mark NAME").click()
    expect(spans.locator(".span-preview mark")).to_have_count(2)
    expect(spans.locator(".span-preview mark").nth(1)).to_contain_text("Bob Miller")
    # Nothing selected is nothing marked.
    text.evaluate("area => area.setSelectionRange(0, 0)")
    spans.get_by_role("button", name="Mark PLACE").click()
    expect(spans.locator("[data-row]")).to_have_count(2)
    assert [(TEXT[span["start"] : span["end"]], span["kind"]) for span in save(room, record)["spans"]] == [
        ("Ann", "NAME"),
        ("Bob Miller", "NAME"),
    ]


def test_places_stay_on_their_words_while_the_text_is_edited(site: Site, scene: Scene) -> None:
    """Typed before, over and into places; a place whose words are gone covers nothing, and undoing brings it back."""
    text = "👋 Ann wrote\r\nto Bob Miller and Bob Miller paid"
    record = waiting_record(
        scene,
        {"label": "refund", "spans": [span(text, "Ann"), span(text, "Bob Miller"), span(text, "paid")]},
        text,
    )
    room = enter(site, scene)
    room.press("e")
    field = room.page.get_by_label("Text", exact=True)
    covered = room.page.locator(".span-preview mark")

    def at(words: str, *, over: int = 0) -> None:
        field.evaluate(
            "(area, [words, over]) => { const at = area.value.indexOf(words);"
            " area.focus(); area.setSelectionRange(at, at + over); }",
            [words, over],
        )

    at("👋")
    room.page.keyboard.type("Hi ")
    at("Ann", over=3)
    room.page.keyboard.type("Barbara")
    at("Miller")
    room.page.keyboard.type("J ")
    expect(covered).to_have_text(["Barbara NAME", "Bob J Miller NAME", "paid NAME"])
    at("paid", over=4)
    room.press("Delete")
    expect(covered).to_have_count(2)
    room.press("Control+z")
    expect(covered).to_have_text(["Barbara NAME", "Bob J Miller NAME", "paid NAME"])
    saved = save(room, record)["spans"]
    edited = record.current_input["text"]
    assert [edited[each["start"] : each["end"]] for each in saved] == ["Barbara", "Bob J Miller", "paid"]


def test_code_has_its_line_numbers_and_choices_their_boxes(site: Site, scene: Scene, record: Record) -> None:
    room = enter(site, scene)
    room.press("e")
    code = room.page.get_by_label("Code")
    expect(room.page.locator("[data-code-numbers]")).to_have_text("1\n2", use_inner_text=True)
    code.fill("a = 1\nb = 2\nc = 3")
    expect(room.page.locator("[data-code-numbers]")).to_have_text("1\n2\n3", use_inner_text=True)
    room.page.get_by_label("mail", exact=True).check()
    saved = save(room, record)
    assert (saved["code"], saved["topics"]) == ("a = 1\nb = 2\nc = 3", ["card", "mail"])


@pytest.mark.parametrize(("size", "theme"), [(DESK, "light"), (PHONE, "dark")])
def test_axe_finds_nothing_in_the_form(
    site: Site, scene: Scene, record: Record, size: Any, theme: Any
) -> None:
    room = enter(site, scene, size=size, color_scheme=theme)
    room.page.locator("[data-act=edit]").click()
    expect(room.page.locator("[data-rows='/output/lines']")).to_be_visible()
    assert violations(room.page) == []
    assert room.page.evaluate("document.documentElement.scrollWidth") <= size["width"]


def test_rows_are_edited_without_a_script_and_nothing_typed_is_lost(
    site: Site, scene: Scene, record: Record
) -> None:
    page = enter(site, scene, java_script_enabled=False).page
    page.get_by_role("button", name="Take next").click()
    page.get_by_role("link", name="Edit").click()
    page.get_by_label("Text", exact=True).fill("Two lines were charged twice")
    page.get_by_role("button", name="Add to Lines").click()
    expect(page.get_by_label("Text", exact=True)).to_have_value("Two lines were charged twice")
    page.locator("[name='/output/lines/2/item']").fill("stamp")
    page.locator("[name='/output/lines/2/price']").fill("0.8")
    page.locator("[value='up /output/lines/2']").click()
    page.locator("[value='remove /output/lines/0']").click()
    page.get_by_role("button", name="Save and accept").click()
    expect(page.get_by_text(f"Record #{record.pk}: edited.")).to_be_visible()
    record.refresh_from_db()
    assert record.current_output["lines"] == [{"item": "stamp", "price": 0.8}, {"item": "ink", "price": 3.5}]
    assert record.current_input == {"text": "Two lines were charged twice"}
