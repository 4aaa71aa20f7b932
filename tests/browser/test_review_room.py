"""The review room in a real browser: every key, fast fingers, lost servers, lost leases, and no script at all."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Locator, Page, Route, expect

from apps.accounts.models import User
from apps.records.models import Record
from apps.review.models import Action, Decision, Draft, ReviewTask, Skip, TaskStatus
from apps.validation.models import Finding, Outcome
from tests.browser.conftest import Site
from tests.review.scene import Scene, make_scene

SAVED = "all saved"


@pytest.fixture
def scene(transactional_db: None) -> Scene:
    return make_scene()


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


# --- Keys ------------------------------------------------------------------------------------------------------


def test_a_accepts_and_the_next_record_has_the_focus(site: Site, scene: Scene) -> None:
    scene.add_waiting(3)
    room = enter(site, scene)
    first = room.record
    room.press("a")
    room.wait_for_another(first)
    expect(room.heading).to_be_focused()
    expect(room.state).to_have_text(SAVED)
    expect(room.said).to_have_text(re.compile(rf"Accepted\. Record {room.record}, refund.*All saved\."))
    assert Decision.objects.get().record_id == first


def test_x_and_a_digit_reject_and_x_alone_does_not(site: Site, scene: Scene) -> None:
    scene.add_waiting(2)
    room = enter(site, scene)
    first = room.record
    room.press("x")
    expect(room.page.locator("#reject-menu")).to_be_visible()
    room.press("x", "a", "Escape")
    expect(room.page.locator("#reject-menu")).to_be_hidden()
    room.press("2")
    assert room.record == first
    room.press("x", "2")
    room.wait_for_another(first)
    expect(room.state).to_have_text(SAVED)
    assert Decision.objects.get().reasons == ["too_clean"]


def test_the_reason_other_waits_for_its_note(site: Site, scene: Scene) -> None:
    scene.add_waiting(2)
    room = enter(site, scene)
    first = room.record
    room.press("x", "9")
    expect(room.page.locator("#reject-note")).to_be_focused()
    expect(room.page.locator("[data-note-error]")).to_have_text(
        "This reason needs a note that says what it is."
    )
    room.page.keyboard.type("a1 reads like an advert")
    room.page.get_by_role("button", name="Other, with a note").click()
    room.wait_for_another(first)
    expect(room.state).to_have_text(SAVED)
    decision = Decision.objects.get()
    assert (decision.reasons, decision.note) == (["other"], "a1 reads like an advert")


def test_s_skips_for_this_session(site: Site, scene: Scene) -> None:
    scene.add_waiting(2)
    room = enter(site, scene)
    first = room.record
    room.press("s")
    room.wait_for_another(first)
    room.press("a")
    expect(room.page.locator("[data-empty]")).to_contain_text("You skipped 1 in this session.")
    assert Skip.objects.get().task.record_id == first
    room.page.get_by_role("button", name="Show what I skipped").click()
    expect(room.page.locator(f"[data-record='{first}']")).to_be_visible()


def test_f_flags_with_a_note(site: Site, scene: Scene) -> None:
    scene.add_waiting(2)
    room = enter(site, scene)
    first = room.record
    room.press("f")
    expect(room.page.locator("#flag-note")).to_be_focused()
    room.page.keyboard.type("Refund or billing?")
    room.press("Tab", "Enter")
    room.wait_for_another(first)
    expect(room.state).to_have_text(SAVED)
    decision = Decision.objects.get()
    assert (decision.action, decision.note) == (Action.FLAGGED, "Refund or billing?")


def test_z_takes_decisions_back_one_after_the_other(site: Site, scene: Scene) -> None:
    scene.add_waiting(6)
    room = enter(site, scene)
    in_hand(room, scene)
    first = room.record
    room.press("a")
    room.wait_for_another(first)
    second = room.record
    room.press("x", "1")
    room.wait_for_another(second)
    expect(room.state).to_have_text(SAVED)
    room.press("z")
    expect(room.page.locator(f"[data-record='{second}']")).to_be_visible()
    expect(room.said).to_have_text(re.compile(rf"Taken back\. Record {second}"))
    room.press("z")
    expect(room.page.locator(f"[data-record='{first}']")).to_be_visible()
    expect(room.heading).to_be_focused()
    assert Record.objects.awaiting_review().count() == 6
    expect(room.button("undo")).to_be_disabled()
    room.press("z")
    expect(room.said).to_have_text("There is nothing to undo.")


def test_undo_reaches_decisions_from_before_a_reload(site: Site, scene: Scene) -> None:
    scene.add_waiting(3)
    room = enter(site, scene)
    first = room.record
    room.press("a")
    expect(room.state).to_have_text(SAVED)
    room.page.reload()
    expect(room.page.locator("[data-card]")).to_be_visible()
    room.press("z")
    expect(room.page.locator(f"[data-record='{first}']")).to_be_visible()


def test_g_n_j_and_k_move_the_focus(site: Site, scene: Scene) -> None:
    (record,) = scene.add_waiting(1)
    mark_phone(record)
    mark_phone(record, start=20)
    room = enter(site, scene)
    marks = room.page.locator("[data-reading] mark")
    room.press("j")
    expect(marks.nth(0)).to_be_focused()
    expect(room.said).to_have_text("Personal data: Looks like a phone number.")
    room.press("j")
    expect(marks.nth(1)).to_be_focused()
    room.press("j")
    expect(marks.nth(0)).to_be_focused()
    room.press("k")
    expect(marks.nth(1)).to_be_focused()
    room.press("g")
    expect(room.page.locator("[data-guide-labels]")).to_be_focused()
    room.press("n")
    expect(room.page.locator("[data-neighbours-heading]")).to_be_focused()


def test_the_guide_opens_at_the_label_in_question_and_can_be_searched(site: Site, scene: Scene) -> None:
    scene.add_waiting(1)
    room = enter(site, scene)
    labels = room.page.locator("[data-guide-label]")
    expect(labels.first).to_have_attribute("data-guide-label", "refund")
    expect(labels.first).to_have_attribute("open", "")
    room.page.get_by_label("Find a label").fill("plainly abuse")
    expect(labels.filter(visible=True)).to_have_count(1)
    expect(labels.filter(visible=True)).to_have_attribute("data-guide-label", "abuse")


def test_the_key_sheet_switches_single_keys_off_for_this_person(site: Site, scene: Scene) -> None:
    scene.add_waiting(2)
    room = enter(site, scene)
    first = room.record
    room.press("?")
    room.page.get_by_label("Single keys act without a modifier").uncheck()
    expect(room.said).to_have_text("Single keys are off.")
    room.press("Escape", "a", "s", "x", "1", "z")
    assert room.record == first
    room.page.reload()
    expect(room.page.locator("[data-card]")).to_be_visible()
    room.press("a")
    assert room.record == first
    assert not Decision.objects.exists()
    assert not User.objects.get(pk=scene.reviewer.pk).single_keys
    # The editor's own keys are no single keys.
    room.button("edit").click()
    room.press("Escape")
    expect(room.text).to_be_hidden()


@pytest.mark.parametrize(
    "key", ["Control+a", "Alt+a", "Shift+A", "Meta+x", " ", "Backspace", "Delete", "q", "1"]
)
def test_modifiers_and_unbound_keys_do_nothing(site: Site, scene: Scene, key: str) -> None:
    scene.add_waiting(2)
    room = enter(site, scene)
    first = room.record
    room.press("Space" if key == " " else key)
    expect(room.page.locator(".popover:popover-open")).to_have_count(0)
    assert room.record == first
    assert not Decision.objects.exists()


@pytest.mark.parametrize("kind", ["repeat: true", "isComposing: true", "keyCode: 229"])
def test_a_held_key_and_an_input_method_do_nothing(site: Site, scene: Scene, kind: str) -> None:
    scene.add_waiting(2)
    room = enter(site, scene)
    first = room.record
    room.page.evaluate(
        f"document.dispatchEvent(new KeyboardEvent('keydown', {{key: 'a', {kind}, bubbles: true}}))"
    )
    assert room.record == first
    # The same event without it does act, so the test can fail.
    room.page.evaluate("document.dispatchEvent(new KeyboardEvent('keydown', {key: 'a', bubbles: true}))")
    room.wait_for_another(first)


def test_keys_are_letters_while_typing(site: Site, scene: Scene) -> None:
    scene.add_waiting(2)
    room = enter(site, scene)
    first = room.record
    room.page.get_by_label("Find a label").focus()
    room.page.keyboard.type("saxe1z")
    expect(room.page.get_by_label("Find a label")).to_have_value("saxe1z")
    assert room.record == first
    assert not Decision.objects.exists()


def test_thirty_fast_presses_never_decide_one_record_twice(site: Site, scene: Scene) -> None:
    scene.add_waiting(40)
    room = enter(site, scene)
    in_hand(room, scene)
    sent: list[str] = []
    room.page.on(
        "request", lambda request: sent.append(request.url) if request.url.endswith("/decide/") else None
    )
    for _ in range(30):
        room.press("a")
    expect(room.state).to_have_text(SAVED)
    decisions = Decision.objects.count()
    assert 4 <= decisions <= 30
    assert len(sent) == decisions
    assert len(set(Decision.objects.values_list("record", flat=True))) == decisions
    assert ReviewTask.objects.filter(status=TaskStatus.DONE).count() == decisions


# --- Editing -----------------------------------------------------------------------------------------------------


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
    room.page.wait_for_load_state("networkidle")
    room.page.reload()
    expect(room.page.get_by_text("You have a draft of this record.")).to_be_visible()
    room.press("e")
    expect(room.text).to_have_value("Half a thought")
    room.page.get_by_role("button", name="Discard the draft").click()
    expect(room.text).to_have_value(record.input["text"])
    room.page.wait_for_load_state("networkidle")
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


# --- When things go wrong ------------------------------------------------------------------------------------------


def test_decisions_made_while_the_server_is_away_are_delivered_once(site: Site, scene: Scene) -> None:
    scene.add_waiting(8)
    room = enter(site, scene)
    in_hand(room, scene)
    room.page.route("**/review/**", lambda route: route.abort())
    room.press("a", "a")
    expect(room.state).to_have_text("2 not saved – retry")
    assert not Decision.objects.exists()
    room.page.unroute("**/review/**")
    room.state.get_by_role("button").click()
    expect(room.state).to_have_text(SAVED)
    assert Decision.objects.count() == 2


def test_an_answer_that_was_lost_does_not_make_a_second_decision(site: Site, scene: Scene) -> None:
    scene.add_waiting(4)
    room = enter(site, scene)
    in_hand(room, scene)

    def swallow_the_answer(route: Route) -> None:
        route.fetch()
        route.abort()

    room.page.route("**/review/decide/", swallow_the_answer)
    room.press("a")
    expect(room.state).to_have_text("1 not saved – retry")
    assert Decision.objects.count() == 1
    room.page.unroute("**/review/decide/")
    room.state.get_by_role("button").click()
    expect(room.state).to_have_text(SAVED)
    assert Decision.objects.count() == 1


def test_unsaved_decisions_survive_leaving_the_page_which_warns(site: Site, scene: Scene) -> None:
    scene.add_waiting(6)
    room = enter(site, scene)
    in_hand(room, scene)
    first = room.record
    room.page.route("**/review/decide/", lambda route: route.abort())
    room.press("a")
    expect(room.state).to_have_text("1 not saved – retry")
    asked: list[str] = []
    room.page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))
    room.page.unroute("**/review/decide/")
    room.page.reload()
    assert asked == ["beforeunload"]
    expect(room.state).to_have_text(SAVED)
    assert Decision.objects.get().record_id == first
    assert room.record != first


def test_a_decision_withdrawn_before_it_was_sent_never_reaches_the_server(site: Site, scene: Scene) -> None:
    scene.add_waiting(6)
    room = enter(site, scene)
    in_hand(room, scene)
    room.page.route("**/review/decide/", lambda route: route.abort())
    room.press("a")
    expect(room.state).to_have_text("1 not saved – retry")
    second = room.record
    room.press("a", "z")
    expect(room.page.locator(f"[data-record='{second}']")).to_be_visible()
    expect(room.state).to_have_text("1 not saved – retry")
    room.page.unroute("**/review/decide/")
    room.state.get_by_role("button").click()
    expect(room.state).to_have_text(SAVED)
    assert Decision.objects.exclude(record=second).count() == Decision.objects.count() == 1


def test_a_lease_that_somebody_else_has_by_now_is_told_and_the_winner_untouched(
    site: Site, scene: Scene
) -> None:
    site.expected.add(409)
    scene.add_waiting(6)
    room = enter(site, scene)
    in_hand(room, scene)
    lost = room.record
    ReviewTask.objects.filter(record=lost).update(lease_until=timezone.now(), priority=0)
    winner = scene.another_reviewer()
    assert scene.claim_one(winner).record_id == lost
    room.press("a")
    expect(room.notices).to_contain_text(
        f"Record {lost} was not saved. This record is not in your hands any more."
    )
    expect(room.state).to_have_text(SAVED)
    assert ReviewTask.objects.get(record=lost).lease_holder == winner
    assert not Decision.objects.exists()


def test_a_lease_that_ran_out_while_the_server_was_away_comes_back_to_life(site: Site, scene: Scene) -> None:
    scene.add_waiting(4)
    room = enter(site, scene)
    in_hand(room, scene)
    room.page.route("**/review/**", lambda route: route.abort())
    room.press("a")
    expect(room.state).to_have_text("1 not saved – retry")
    ReviewTask.objects.update(lease_until=timezone.now())
    room.page.unroute("**/review/**")
    room.state.get_by_role("button").click()
    expect(room.state).to_have_text(SAVED)
    assert Decision.objects.count() == 1


def test_who_was_signed_out_is_told_and_loses_nothing(site: Site, scene: Scene) -> None:
    scene.add_waiting(4)
    room = enter(site, scene)
    in_hand(room, scene)
    cookies = room.page.context.cookies()
    room.page.context.clear_cookies()
    room.page.context.add_cookies([cookie for cookie in cookies if cookie["name"] != "sessionid"])  # type: ignore[misc]
    room.press("a")
    expect(room.state).to_have_text("1 not saved – sign in in another tab, then retry")
    room.page.context.add_cookies(cookies)  # type: ignore[arg-type]
    room.state.get_by_role("button").click()
    expect(room.state).to_have_text(SAVED)
    assert Decision.objects.count() == 1


def test_a_reload_shows_the_same_card_and_leaving_gives_the_others_back(site: Site, scene: Scene) -> None:
    scene.add_waiting(8)
    room = enter(site, scene)
    in_hand(room, scene)
    shown = room.record
    room.page.reload()
    expect(room.page.locator(f"[data-record='{shown}']")).to_be_visible()
    in_hand(room, scene)
    room.page.goto("about:blank")
    for _ in range(100):
        if ReviewTask.objects.exclude(lease_holder=None).count() == 1:
            break
        room.page.wait_for_timeout(50)
    assert ReviewTask.objects.exclude(lease_holder=None).get().record_id == shown


def test_an_empty_queue_says_who_has_the_rest(site: Site, scene: Scene) -> None:
    scene.add_waiting(2)
    scene.claim(scene.another_reviewer(), count=2)
    room = enter(site, scene)
    expect(room.heading).to_have_text("Nothing for you right now")
    expect(room.page.locator("[data-empty]")).to_contain_text(
        "2 records are in the hands of others; the first returns in 10 min."
    )
    ReviewTask.objects.update(lease_holder=None, lease_until=None)
    room.page.get_by_role("button", name="Take next").click()
    expect(room.page.locator("[data-card]")).to_be_visible()


def test_hostile_text_is_inert_and_asks_for_nothing(site: Site, scene: Scene) -> None:
    (record,) = scene.add_waiting(1)
    hostile = (
        "<img src=http://example.com/a onerror=alert(1)><script>alert(2)</script> [x](javascript:alert(3))"
    )
    Record.objects.filter(pk=record.pk).update(edited_input={"text": hostile}, edited_output=record.output)
    room = enter(site, scene)
    asked: list[str] = []
    room.page.on("request", lambda request: asked.append(request.url))
    room.press("e")
    room.text.fill(hostile + " more")
    expect(room.page.locator("[data-diff] ins")).to_be_visible()
    assert not [url for url in asked if not url.startswith(site.server.url)]
    assert room.page.locator("[data-stage] img, [data-stage] script").count() == 0


# --- Without a script ------------------------------------------------------------------------------------------------


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
