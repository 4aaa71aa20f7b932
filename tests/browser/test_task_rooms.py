"""Every task type from file to verdict, with a person in a browser who edits by the type's own means and accepts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from apps.operations.demo.all_tasks import LOOPS
from apps.operations.demo.loops import Loop
from apps.records.models import Record
from apps.review.opening import open_tasks
from apps.task_types import REGISTRY
from tests.browser.conftest import Site
from tests.browser.looks import look
from tests.browser.room import SAVED, Room
from tests.task_types.rounds import Round, begin_round, finish_round


def reading(page: Page) -> Locator:
    return page.locator("[data-reading]")


# --- one label: another one is chosen


def sees_label(page: Page) -> None:
    expect(reading(page).locator(".tag")).to_have_text("refund")


def chooses_label(room: Room) -> None:
    room.page.get_by_label("Label", exact=True).select_option("billing")


def has_label(record: Record) -> None:
    assert (record.current_output, record.label) == ({"label": "billing"}, "billing")


# --- several labels: another one comes first


def sees_labels(page: Page) -> None:
    expect(reading(page).locator(".tag")).to_have_text(["refund", "billing"])


def puts_first(room: Room) -> None:
    room.page.get_by_role("button", name="Put billing first").press("Enter")
    expect(room.page.get_by_label("billing")).to_be_focused()


def has_labels(record: Record) -> None:
    assert record.current_output == {"labels": ["billing", "refund"]}


# --- extraction: a field, and a line of the receipt


def sees_fields(page: Page) -> None:
    total = reading(page).locator(".fields-table").first.locator("tr", has_text="Total").locator(".cover")
    hue = total.get_attribute("data-hue")
    assert hue
    covered = reading(page).locator(f".reading-document .cover[data-hue='{hue}']")
    assert total.inner_text() in covered.all_inner_texts()
    expect(reading(page).locator(".fields-table").nth(1).locator("tbody tr")).to_have_count(2)


def edits_a_line(room: Room) -> None:
    item = room.page.locator("[name='/output/lines/1/item']")
    item.fill(f" {item.input_value().split()[0]} ".strip())
    room.page.locator("[data-rows='/output/lines'] [data-row='0']").get_by_role(
        "button", name="Move down"
    ).press("Enter")


def has_lines(record: Record) -> None:
    first, second = record.current_output["lines"]
    before = record.output["lines"]
    assert first == {"item": before[1]["item"].split()[0], "price": before[1]["price"]}
    assert second == before[0]


# --- tool calls: an argument, and no tool at all


def sees_call(page: Page) -> None:
    row = reading(page).locator(".arguments tr", has_text="place")
    expect(row.locator(".argument-value")).not_to_be_empty()
    expect(row).to_contain_text("required")
    expect(reading(page).locator(".arguments tr", has_text="days")).to_contain_text("left out")


def fills_an_argument(room: Room) -> None:
    room.page.locator(".call-tool").get_by_label("days").fill("3")


def takes_the_tool_away(room: Room) -> None:
    room.page.locator(".call-tool").get_by_label("Tool", exact=True).select_option("no tool")
    expect(room.page.locator(".call-tool").get_by_label("days")).to_have_count(0)


def has_arguments(record: Record) -> None:
    if record.label == "no tool":
        assert record.current_output == {"call": None}
    else:
        assert record.current_output["call"]["arguments"] == {
            **record.output["call"]["arguments"],
            "days": 3,
        }


# --- redaction: a span is taken away and marked again, behind a longer text


def sees_spans(page: Page) -> None:
    cover = reading(page).locator(".record-text .cover").first
    expect(cover).to_contain_text("@example")
    expect(cover.locator("small")).to_have_text("e-mail", use_inner_text=True)
    expect(reading(page).locator(".legend")).to_contain_text("e-mail 1", use_inner_text=True)


def marks_again(room: Room) -> None:
    spans = room.page.locator("[data-rows='/output/spans']")
    spans.get_by_role("button", name="Remove").press("Enter")
    expect(spans.locator("[data-row]")).to_have_count(0)
    room.text.first.press("Control+End")
    room.page.keyboard.type(", thank you")
    text = spans.get_by_label("Text to mark")
    expect(text).to_have_value(room.text.first.input_value())
    text.focus()
    text.evaluate(
        "area => { const [address] = area.value.match(/\\S+@\\S+/);"
        " const at = area.value.indexOf(address); area.setSelectionRange(at, at + address.length); }"
    )
    room.press("1")
    expect(spans.locator(".span-preview .cover")).to_contain_text("@example")


def has_spans(record: Record) -> None:
    assert record.current_output["spans"] == record.output["spans"]
    assert record.current_input["text"] == f"{record.input['text']}, thank you"


# --- code


def sees_code(page: Page) -> None:
    diff = reading(page).locator(".code-diff")
    expect(diff.locator("[data-op=removed] .line-number").first).to_have_text("2")
    expect(diff.locator("[data-op=added]").first).to_be_visible()
    expect(reading(page).locator(".code-cases tbody tr").first).to_contain_text("(")


def mends_code(room: Room) -> None:
    code = room.page.get_by_label("Mended code")
    code.press("Control+End")
    room.page.keyboard.type("# looked at")


def has_code(record: Record) -> None:
    assert record.current_output["code"] == f"{record.output['code']}# looked at"


# --- policy: why, and the note that every decision needs


def sees_policy(page: Page) -> None:
    expect(reading(page).locator(".answer-box")).to_contain_text("To be refused")


def says_why(room: Room) -> None:
    room.page.get_by_label("Why", exact=True).fill("Only a doctor may name a dose.")
    room.page.get_by_label("Note: what did you change, and why?").fill("The note named no reason.")


def has_note(record: Record) -> None:
    assert record.current_output["note"] == "Only a doctor may name a dose."
    assert record.decisions.get().note == "The note named no reason."


# --- dialogue: one turn more


def sees_turns(page: Page) -> None:
    expect(reading(page).locator(".chat > li")).to_have_count(2)
    expect(reading(page).locator("[data-role=assistant] .chat-turn")).to_be_visible()


def adds_a_turn(room: Room) -> None:
    room.page.get_by_role("button", name="Add to Turns").press("Enter")
    row = room.page.locator("[data-rows='/input/turns'] [data-row='2']")
    row.get_by_label("Role").select_option("user")
    row.get_by_label("Content").fill("Thank you!")


def has_turns(record: Record) -> None:
    turns = record.current_input["turns"]
    assert turns == [*record.input["turns"], {"role": "user", "content": "Thank you!"}]


# --- instruction: the response, and a point of the rubric


def sees_rubric(page: Page) -> None:
    expect(reading(page).locator(".reading-list > li")).to_have_count(2)


def adds_a_point(room: Room) -> None:
    room.page.get_by_label("Response").press("Control+End")
    room.page.keyboard.type(" Thank you.")
    room.page.get_by_role("button", name="Add to Rubric").press("Enter")
    room.page.keyboard.type("It thanks.")


def has_points(record: Record) -> None:
    assert record.current_output == {
        "response": f"{record.output['response']} Thank you.",
        "rubric": [*record.output["rubric"], "It thanks."],
    }


# --- retrieval: the negatives in another order


def sees_passages(page: Page) -> None:
    passages = reading(page).locator(".choices > li")
    expect(passages).to_have_count(2)
    expect(passages.first).to_contain_text("answers it")
    expect(passages.nth(1)).to_contain_text("must not answer it")


def ranks_negatives(room: Room) -> None:
    room.page.get_by_role("button", name="Add to Negatives").press("Enter")
    row = room.page.locator("[data-rows='/output/negatives'] [data-row='1']")
    row.get_by_label("Id").fill("h-1")
    row.get_by_label("Passage").fill("We open at nine o'clock.")
    row.get_by_role("button", name="Move up").press("Enter")


def has_negatives(record: Record) -> None:
    negative = {"id": "h-1", "text": "We open at nine o'clock."}
    assert record.current_output["negatives"] == [negative, *record.output["negatives"]]


Sees = Callable[[Page], None]
Edits = Callable[[Room], None]
Has = Callable[[Record], None]
WAYS: dict[str, tuple[Sees, list[Edits], Has]] = {
    "classification": (sees_label, [chooses_label], has_label),
    "multi_label": (sees_labels, [puts_first], has_labels),
    "extraction": (sees_fields, [edits_a_line], has_lines),
    "tool_call": (sees_call, [fills_an_argument, takes_the_tool_away], has_arguments),
    "redaction": (sees_spans, [marks_again], has_spans),
    "code_repair": (sees_code, [mends_code], has_code),
    "policy": (sees_policy, [says_why], has_note),
    "dialogue": (sees_turns, [adds_a_turn], has_turns),
    "instruction": (sees_rubric, [adds_a_point], has_points),
    "retrieval": (sees_passages, [ranks_negatives], has_negatives),
}


def test_every_task_type_is_reviewed_in_a_browser() -> None:
    assert list(WAYS) == list(REGISTRY)


@pytest.mark.one_engine
@pytest.mark.parametrize("loop", LOOPS, ids=lambda loop: loop.task_type)
def test_the_loop_goes_round_with_a_person(site: Site, loop: Loop) -> None:
    round_ = begin_round(loop)
    open_tasks(project=round_.project)
    room = enter_room(site, round_)
    sees, edits, has = WAYS[loop.task_type]
    sees(room.page)
    look(room.page, f"{loop.task_type}, reading")
    edited = []
    for number, edit in enumerate(edits):
        edited.append(room.record)
        room.press("e")
        edit(room)
        expect(room.page.locator("[data-diff] :is(ins, del)").first).to_be_visible()
        if number == 0:
            look(room.page, f"{loop.task_type}, editing")
        room.press("Control+Enter")
        room.wait_for_another(edited[-1])
    accept_the_rest(room)
    for record in round_.made.filter(pk__in=edited):
        has(record)
    finish_round(round_)


def enter_room(site: Site, round_: Round, **options: Any) -> Room:
    room = Room(site.open(f"/p/{round_.project.slug}/review/", round_.reviewer, **options))
    expect(room.state).to_have_text(SAVED)
    room.page.wait_for_load_state("networkidle")
    return room


def accept_the_rest(room: Room) -> None:
    """By key; where the project asks for a note, with one."""
    done = room.page.get_by_role("heading", name="All done")
    while not done.is_visible():
        record = room.record
        room.press("a")
        menu = room.page.locator("#note-menu")
        if menu.count():
            menu.get_by_label("Why is it right?").fill("It asks for a dose.")
            menu.get_by_role("button", name="Accept it").click()
        expect(room.page.locator(f"[data-card][data-record='{record}']")).to_have_count(0)
        expect(room.page.locator("[data-card]").or_(done)).to_be_visible()
    expect(room.state).to_have_text(SAVED)
