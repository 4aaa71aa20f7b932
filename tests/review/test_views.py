"""The edges of the review room: who may, what is refused and with which status, and how many queries it takes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.accounts.models import User
from apps.records.models import Record
from apps.records.states import RecordStatus
from apps.review.allowance import LIMITS, Purpose
from apps.review.models import Action, Decision, Draft, EditAllowance, ReviewTask
from apps.review.references import reference_of, task_id_of
from apps.specs.models import Membership, Role
from tests import factories
from tests.review.scene import Scene, expire_lease, make_scene

pytestmark = pytest.mark.django_db(databases=["default", "leakage"])

JSON = {"accept": "application/json"}
POSTS = [
    "claim",
    "decide",
    "undo",
    "skip",
    "skips-forget",
    "draft",
    "renew",
    "release",
    "keys",
    "bulk-take",
    "bulk-decide",
]


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def client(scene: Scene) -> Client:
    return signed_in(scene.reviewer)


def url(scene: Scene, name: str, *args: Any) -> str:
    return reverse(f"review:{name}", args=[scene.project.slug, *args])


def claim(client: Client, scene: Scene, **data: Any) -> dict[str, Any]:
    response = client.post(url(scene, "claim"), data, headers=JSON)
    assert response.status_code == 200
    return dict(response.json())


def decision_data(card: dict[str, Any], action: str = "accepted", **values: Any) -> dict[str, Any]:
    return {"task": card["task"], "fence": card["fence"], "key": uuid4(), "action": action} | values


# --- who may -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", POSTS)
@pytest.mark.parametrize(
    ("role", "status"),
    [(Role.MANAGER, 403), (Role.ADMIN, 403), (None, 404)],
    ids=["manager", "admin", "stranger"],
)
def test_only_reviewers_and_leads_work_here(scene: Scene, name: str, role: Role | None, status: int) -> None:
    user = factories.make_member(scene.project, role) if role else factories.make_user()
    assert signed_in(user).post(url(scene, name), headers=JSON).status_code == status


@pytest.mark.parametrize("name", POSTS)
def test_nothing_is_changed_by_get(scene: Scene, client: Client, name: str) -> None:
    assert client.get(url(scene, name)).status_code == 405


@pytest.mark.parametrize(("role", "status"), [(Role.REVIEWER, 403), (Role.LEAD, 200)])
def test_flags_are_for_leads(scene: Scene, role: Role, status: int) -> None:
    user = factories.make_member(scene.project, role)
    assert signed_in(user).get(url(scene, "flag-list")).status_code == status


def test_a_role_removed_in_the_middle_refuses_the_next_request(scene: Scene, client: Client) -> None:
    scene.add_waiting(1)
    card = claim(client, scene)["cards"][0]
    Membership.objects.filter(user=scene.reviewer).update(roles=["manager"])
    response = client.post(url(scene, "decide"), decision_data(card), headers=JSON)
    assert response.status_code == 403
    assert not Decision.objects.exists()


def test_a_task_of_another_project_is_not_found(scene: Scene, client: Client) -> None:
    other = make_scene()
    other.add_waiting(1)
    card = {"task": reference_of(other.claim_one().pk), "fence": 1}
    for name in ("decide", "skip", "draft"):
        assert client.post(url(scene, name), decision_data(card), headers=JSON).status_code == 404
    decision = other.decide(other.claim_one())
    assert client.post(url(scene, "undo"), {"decision": decision.uuid}, headers=JSON).status_code == 404


# --- the room ------------------------------------------------------------------------------------------------


def test_looking_at_the_room_takes_nothing(scene: Scene, client: Client) -> None:
    scene.add_waiting(1)
    response = client.get(url(scene, "room"))
    assert "Records are waiting" in response.content.decode()
    assert ReviewTask.objects.get().lease_holder is None


def test_the_card_shows_record_checks_guide_and_editor(scene: Scene, client: Client) -> None:
    scene.add_waiting(1, axes={"tone": "angry"})
    html = claim(client, scene)["cards"][0]["html"]
    for said in ("Ticket 1: they renewed me", "refund", "angry", "p v1", "rules-1", "data-edit"):
        assert said in html


def test_blind_review_hides_prompt_and_model(scene: Scene, client: Client) -> None:
    scene.project.blind_review = True
    scene.project.save()
    scene.add_waiting(1)
    html = claim(client, scene)["cards"][0]["html"]
    assert "p v1" not in html
    assert "rules-1" not in html


def test_text_of_a_record_is_inert(scene: Scene, client: Client) -> None:
    (record,) = scene.add_waiting(1)
    hostile = "<img src=x onerror=alert(1)> ![x](http://example.com/a.png) \u202egnp.exe"
    Record.objects.filter(pk=record.pk).update(edited_input={"text": hostile}, edited_output=record.output)
    html = claim(client, scene)["cards"][0]["html"]
    assert "<img" not in html
    assert "&lt;img src=x onerror=alert(1)&gt;" in html
    assert "U+202E" in html


def test_an_empty_queue_says_where_the_records_are(scene: Scene, client: Client) -> None:
    scene.add_waiting(3)
    scene.claim(scene.another_reviewer(), count=3)
    answer = claim(client, scene, want=3)
    assert answer["cards"] == []
    assert "3 records are in the hands of others; the first returns in 10 min." in answer["queue"]["html"]


def test_an_empty_queue_that_is_done_says_so(scene: Scene, client: Client) -> None:
    answer = claim(client, scene)
    assert "All done" in answer["queue"]["html"]
    assert answer["queue"]["is_all_done"]


def test_records_still_at_the_checks_are_named(scene: Scene, client: Client) -> None:
    factories.make_candidate(scene.gap, "Not checked yet, so not here")
    assert "Waiting for checks: 1." in claim(client, scene)["queue"]["html"]


# --- deciding ------------------------------------------------------------------------------------------------


def test_one_request_decides_and_brings_the_next_card(scene: Scene, client: Client) -> None:
    scene.add_waiting(3)
    first, second = claim(client, scene, want=2)["cards"]
    data = decision_data(first, milliseconds=900, want=1, have=[second["task"]])
    answer = client.post(url(scene, "decide"), data, headers=JSON).json()
    assert answer["decision"] == str(data["key"])
    assert [card["task"] for card in answer["cards"]] == [
        reference_of(
            ReviewTask.objects.exclude(pk__in=map(task_id_of, (first["task"], second["task"]))).get().pk
        )
    ]
    assert answer["progress"] == {"decided": 1, "total": 3, "pace": 12}
    assert Decision.objects.get().milliseconds == 900


def test_a_replay_is_the_same_decision(scene: Scene, client: Client) -> None:
    scene.add_waiting(1)
    data = decision_data(claim(client, scene)["cards"][0])
    answers = [client.post(url(scene, "decide"), data, headers=JSON).json() for _ in range(2)]
    assert answers[0]["decision"] == answers[1]["decision"]
    assert Decision.objects.count() == 1


def test_an_expired_lease_submit_is_409_and_keeps_the_draft(scene: Scene, client: Client) -> None:
    scene.add_waiting(1)
    card = claim(client, scene)["cards"][0]
    edit = {"/input/text": "You renewed me", "/output/label": "billing"}
    client.post(url(scene, "draft"), decision_data(card) | edit, headers=JSON)
    expire_lease(ReviewTask.objects.get())
    response = client.post(url(scene, "decide"), decision_data(card, "edited") | edit, headers=JSON)
    assert response.status_code == 409
    assert "ran out" in response.json()["error"]
    assert Draft.objects.get().values["input"]["text"] == "You renewed me"


def test_a_rejection_without_a_reason_is_422(scene: Scene, client: Client) -> None:
    scene.add_waiting(1)
    card = claim(client, scene)["cards"][0]
    response = client.post(url(scene, "decide"), decision_data(card, "rejected"), headers=JSON)
    assert response.status_code == 422
    assert "reason" in response.json()["error"]


def test_an_unreadable_request_is_400(scene: Scene, client: Client) -> None:
    response = client.post(url(scene, "decide"), {"task": "x"}, headers=JSON)
    assert response.status_code == 400
    assert "key" in response.json()["error"]


def test_an_edit_that_is_refused_names_the_field_and_keeps_the_draft(scene: Scene, client: Client) -> None:
    scene.add_waiting(1)
    card = claim(client, scene)["cards"][0]
    edit = {"/input/text": "", "/output/label": "refund"}
    response = client.post(url(scene, "decide"), decision_data(card, "edited") | edit, headers=JSON)
    assert response.status_code == 422
    assert list(response.json()["by_pointer"]) == ["/input/text"]
    assert Draft.objects.exists()


def test_an_edit_is_saved_from_its_form(scene: Scene, client: Client) -> None:
    scene.add_waiting(1)
    card = claim(client, scene)["cards"][0]
    edit = {"/input/text": "Line one\r\nline two", "/output/label": "billing"}
    assert (
        client.post(url(scene, "decide"), decision_data(card, "edited") | edit, headers=JSON).status_code
        == 200
    )
    record = Record.objects.get()
    assert record.current_input == {"text": "Line one\nline two"}
    assert (record.status, record.label) == (RecordStatus.EDITED, "billing")


# --- the draft -----------------------------------------------------------------------------------------------


def test_typing_keeps_a_draft_and_shows_the_word_diff(scene: Scene, client: Client) -> None:
    (record,) = scene.add_waiting(1)
    card = claim(client, scene)["cards"][0]
    text = record.input["text"].replace("renewed", "charged")
    data = decision_data(card) | {"/input/text": text, "/output/label": "refund"}
    answer = client.post(url(scene, "draft"), data, headers=JSON).json()
    assert "<del>renewed </del><ins>charged </ins>" in answer["diff"]
    assert Draft.objects.get().values["input"]["text"] == text
    assert "charged" in claim(client, scene)["cards"][0]["html"]


def test_typing_back_to_the_original_drops_the_draft(scene: Scene, client: Client) -> None:
    (record,) = scene.add_waiting(1)
    card = claim(client, scene)["cards"][0]
    for text in ("changed", record.input["text"]):
        data = decision_data(card) | {"/input/text": text, "/output/label": "refund"}
        client.post(url(scene, "draft"), data, headers=JSON)
    assert not Draft.objects.exists()


def test_keystrokes_that_arrive_after_the_decision_leave_no_draft(scene: Scene, client: Client) -> None:
    scene.add_waiting(1)
    card = claim(client, scene)["cards"][0]
    client.post(url(scene, "decide"), decision_data(card), headers=JSON)
    late = decision_data(card) | {"/input/text": "late", "/output/label": "refund"}
    assert client.post(url(scene, "draft"), late, headers=JSON).status_code == 200
    assert not Draft.objects.exists()


def test_asking_the_checks_without_end_is_limited(scene: Scene, client: Client) -> None:
    """The draft and the diff go on; only the checks, which know protected data, stop answering for a while."""
    scene.add_waiting(1)
    card = claim(client, scene)["cards"][0]
    data = decision_data(card) | {"/input/text": "guess", "/output/label": "refund"}
    assert client.post(url(scene, "draft"), data, headers=JSON).json()["paused_seconds"] == 0
    EditAllowance.objects.update(used=LIMITS[Purpose.TYPING])
    answer = client.post(url(scene, "draft"), data, headers=JSON).json()
    assert 0 < answer["paused_seconds"] <= 300
    assert "<ins>guess</ins>" in answer["diff"]


def test_saving_edits_without_end_is_limited_too(scene: Scene, client: Client) -> None:
    scene.add_waiting(1)
    card = claim(client, scene)["cards"][0]
    data = decision_data(card, "edited") | {"/input/text": "guess", "/output/label": "refund"}
    EditAllowance.objects.create(
        user=scene.reviewer,
        purpose=Purpose.SAVING,
        used=LIMITS[Purpose.SAVING],
        window_started_at=Record.objects.get().created_at,
    )
    response = client.post(url(scene, "decide"), data, headers=JSON)
    assert response.status_code == 422
    assert "save again in" in str(response.json()["by_pointer"])
    assert Draft.objects.exists()


# --- undo, leases, keys ----------------------------------------------------------------------------------------


def test_undo_brings_the_card_back(scene: Scene, client: Client) -> None:
    scene.add_waiting(1)
    card = claim(client, scene)["cards"][0]
    decided = client.post(url(scene, "decide"), decision_data(card), headers=JSON).json()
    answer = client.post(url(scene, "undo"), {"decision": decided["decision"]}, headers=JSON).json()
    assert "Ticket 1" in answer["cards"][0]["html"]
    assert answer["progress"]["decided"] == 0


def test_undo_of_somebody_elses_decision_is_403(scene: Scene, client: Client) -> None:
    scene.add_waiting(1)
    decision = scene.decide(scene.claim_one(scene.another_reviewer()))
    assert client.post(url(scene, "undo"), {"decision": decision.uuid}, headers=JSON).status_code == 403


def test_leases_are_renewed_and_released(scene: Scene, client: Client) -> None:
    scene.add_waiting(2)
    cards = claim(client, scene, want=2)["cards"]
    held = {"task": [card["task"] for card in cards], "fence": [card["fence"] for card in cards]}
    assert client.post(url(scene, "renew"), held, headers=JSON).json()["lost"] == []
    assert (
        client.post(url(scene, "release"), held | {"in_view": held["task"][0]}, headers=JSON).status_code
        == 204
    )
    assert ReviewTask.objects.filter(lease_holder=None).get().pk == task_id_of(held["task"][1])


def test_a_task_without_its_fence_is_400(scene: Scene, client: Client) -> None:
    assert client.post(url(scene, "renew"), {"task": [1, 2], "fence": [1]}, headers=JSON).status_code == 400


def test_single_keys_are_kept_per_person(scene: Scene, client: Client) -> None:
    client.post(url(scene, "keys"), {}, headers=JSON)
    assert not User.objects.get(pk=scene.reviewer.pk).single_keys
    client.post(url(scene, "keys"), {"single_keys": "on"}, headers=JSON)
    assert User.objects.get(pk=scene.reviewer.pk).single_keys


# --- flags -----------------------------------------------------------------------------------------------------


def test_a_lead_reads_the_question_and_takes_the_record(scene: Scene) -> None:
    scene.add_waiting(1)
    record = scene.decide(scene.claim_one(), Action.FLAGGED, note="Refund or billing?").record
    lead = signed_in(factories.make_member(scene.project, Role.LEAD))
    assert "Refund or billing?" in lead.get(url(scene, "flag-list")).content.decode()
    response = lead.post(url(scene, "flag-answer", record.pk), {"take": "on"}, follow=True)
    assert "Refund or billing?" in response.content.decode()
    assert response.context["card"].record == record


def test_a_lead_sends_the_record_back(scene: Scene) -> None:
    scene.add_waiting(1)
    record = scene.decide(scene.claim_one(), Action.FLAGGED).record
    lead = signed_in(factories.make_member(scene.project, Role.LEAD))
    response = lead.post(url(scene, "flag-answer", record.pk), follow=True)
    assert "Nothing is flagged" in response.content.decode()
    assert scene.claim_one().record_id == record.pk


# --- cost ------------------------------------------------------------------------------------------------------


def statements(call: Callable[[], Any]) -> int:
    """How many statements ``call`` sends, the database's clock aside: SQLite has none to ask."""
    with CaptureQueriesContext(connection) as captured:
        call()
    return sum("clock_timestamp" not in query["sql"] for query in captured.captured_queries)


@pytest.mark.parametrize("waiting", [10, 200])
def test_the_queries_of_a_page_and_a_decision_do_not_grow_with_the_queue(
    scene: Scene, client: Client, waiting: int
) -> None:
    scene.add_waiting(waiting)
    cards = claim(client, scene, want=4)["cards"]
    data = decision_data(cards[0], want=1, have=[card["task"] for card in cards[1:]])
    assert statements(lambda: client.get(url(scene, "room"))) == 15
    assert statements(lambda: client.post(url(scene, "decide"), data, headers=JSON)) == 25


def test_cards_cost_the_same_reads_however_many(scene: Scene, client: Client) -> None:
    scene.add_waiting(8)
    have = [card["task"] for card in claim(client, scene, want=1)["cards"]]
    one = statements(
        lambda: have.extend(card["task"] for card in claim(client, scene, want=1, have=have)["cards"])
    )
    assert statements(lambda: claim(client, scene, want=4, have=have)) == one
