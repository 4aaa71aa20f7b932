"""When things go wrong: lost servers, lost answers, lost leases, hostile text."""

from __future__ import annotations

import pytest
from django.utils import timezone
from playwright.sync_api import Dialog, Route, expect

from apps.records.models import Record
from apps.review.models import Decision, Draft, ReviewTask
from tests.browser.conftest import Site
from tests.browser.room import SAVED, enter, in_hand
from tests.review.scene import Scene


@pytest.mark.both_engines
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


def test_what_was_decided_offline_is_delivered_by_itself_once_the_network_is_back(
    site: Site, scene: Scene
) -> None:
    scene.add_waiting(8)
    room = enter(site, scene)
    in_hand(room, scene)
    room.page.context.set_offline(True)
    room.press("a", "x", "1")
    expect(room.state).to_have_text("2 not saved – retry")
    room.page.context.set_offline(False)
    expect(room.state).to_have_text(SAVED)
    assert sorted(Decision.objects.values_list("action", flat=True)) == ["accepted", "rejected"]


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

    def leave_anyway(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.accept()

    room.page.on("dialog", leave_anyway)
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


@pytest.mark.both_engines
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


def test_a_lease_that_is_lost_while_its_card_is_read_is_told_and_the_next_card_comes(
    site: Site, scene: Scene
) -> None:
    scene.add_waiting(6)
    room = enter(site, scene)
    in_hand(room, scene)
    lost = room.record
    room.press("e")
    room.text.fill("Half a thought")
    for _ in range(200):
        if Draft.objects.exists():
            break
        room.page.wait_for_timeout(50)
    ReviewTask.objects.filter(record=lost).update(lease_until=timezone.now(), priority=0)
    assert scene.claim_one(scene.another_reviewer()).record_id == lost
    # What the page does every two minutes, and when it is looked at again.
    room.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(room.notices).to_contain_text("Your time on this record ran out and it went back to the queue.")
    room.wait_for_another(lost)
    expect(room.text).to_be_hidden()
    assert Draft.objects.get().values["input"]["text"] == "Half a thought"


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


def test_leaving_gives_the_others_back_and_coming_back_shows_the_same_card(site: Site, scene: Scene) -> None:
    scene.add_waiting(8)
    room = enter(site, scene)
    in_hand(room, scene)
    shown, address = room.record, room.page.url
    room.page.goto("about:blank")
    for _ in range(200):
        if ReviewTask.objects.exclude(lease_holder=None).count() == 1:
            break
        room.page.wait_for_timeout(50)
    assert ReviewTask.objects.exclude(lease_holder=None).get().record_id == shown
    room.page.goto(address)
    expect(room.page.locator(f"[data-record='{shown}']")).to_be_visible()


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
