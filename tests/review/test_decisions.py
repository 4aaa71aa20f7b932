"""One task, one decision: idempotent by key, held under a fence, kept in an append-only ledger."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.db import DatabaseError, connection, transaction

from apps.core.errors import RefusedError, StaleStateError
from apps.records.models import Record, RecordEvent
from apps.records.services import canonical_hash, move_records
from apps.records.states import RecordStatus
from apps.review.drafts import save_draft
from apps.review.models import Action, Decision, Draft, LotDelta, ReviewTask, TaskStatus
from apps.review.payloads import EditRefusedError
from tests.review.scene import Scene, expire_lease

pytestmark = pytest.mark.django_db(databases=["default", "leakage"])

EDIT = {"input": {"text": "You renewed me and I did not want that"}, "output": {"label": "billing"}}


def test_accepting_closes_the_task_and_moves_the_record_with_one_event(scene: Scene) -> None:
    scene.add_waiting(1)
    decision = scene.decide(scene.claim_one(), milliseconds=4200)
    record, task = Record.objects.get(), ReviewTask.objects.get()
    assert (task.status, task.lease_holder, task.lease_until) == (TaskStatus.DONE, None, None)
    assert (record.status, record.reviewer, record.review_method) == ("accepted", scene.reviewer, "person")
    assert (record.decision_uuid, record.reviewed_at) == (decision.uuid, decision.decided_at)
    assert (decision.milliseconds, decision.guide_version, decision.fence) == (4200, 1, 1)
    event = record.events.order_by("-seq")[0]
    assert (event.status_from, event.status_to, event.actor) == (
        "awaiting_review",
        "accepted",
        scene.reviewer,
    )


def test_a_rejection_keeps_reasons_and_note(scene: Scene) -> None:
    scene.add_waiting(1)
    decision = scene.decide(
        scene.claim_one(), Action.REJECTED, reasons=["too_clean", "other"], note="reads like an advert"
    )
    assert (decision.reasons, decision.note) == (["too_clean", "other"], "reads like an advert")
    assert Record.objects.get().status == RecordStatus.REJECTED


@pytest.mark.parametrize(
    ("action", "values", "says"),
    [
        (Action.REJECTED, {"reasons": []}, "at least one reason"),
        (Action.REJECTED, {"reasons": ["because"]}, "because"),
        (Action.REJECTED, {"reasons": ["other"]}, "needs a note"),
        (Action.ACCEPTED, {"reasons": ["too_clean"]}, "Only a rejection"),
        (Action.FLAGGED, {"note": "  "}, "needs a note"),
        (Action.EDITED, {}, "edited record"),
        (Action.ACCEPTED, {"note": "x" * 2001}, "2001 characters"),
    ],
)
def test_a_decision_without_the_words_it_needs_is_refused(
    scene: Scene, action: Action, values: dict[str, object], says: str
) -> None:
    scene.add_waiting(1)
    with pytest.raises(RefusedError, match=says):
        scene.decide(scene.claim_one(), action, **values)
    assert not Decision.objects.exists()


def test_a_project_may_ask_for_a_note(scene: Scene) -> None:
    scene.add_waiting(1)
    scene.project.note_required = ["accepted"]
    scene.project.save()
    task = scene.claim_one()
    with pytest.raises(RefusedError, match="asks for a note"):
        scene.decide(task, note=" ")
    assert scene.decide(task, note="as in the guide").note == "as in the guide"


def test_a_flag_is_a_question_and_names_no_reviewer(scene: Scene) -> None:
    scene.add_waiting(1)
    decision = scene.decide(scene.claim_one(), Action.FLAGGED)
    record = Record.objects.get()
    assert (record.status, record.reviewer, record.review_method) == ("flagged", None, "")
    assert record.decision_uuid == decision.uuid


def test_an_edit_stands_beside_the_original_and_moves_what_follows_from_it(scene: Scene) -> None:
    scene.add_waiting(1)
    decision = scene.decide(scene.claim_one(), Action.EDITED, payload=EDIT)
    record = Record.objects.get()
    assert record.status == RecordStatus.EDITED
    assert (record.current_input, record.current_output) == (EDIT["input"], EDIT["output"])
    assert record.input["text"].startswith("Ticket 1")
    assert (record.label, record.canonical_hash) == ("billing", canonical_hash(EDIT["input"]["text"]))
    assert (decision.edited_input, decision.edited_output) == (EDIT["input"], EDIT["output"])
    assert not Draft.objects.exists()


def test_an_edit_that_changes_nothing_accepts(scene: Scene) -> None:
    (record,) = scene.add_waiting(1)
    payload = {"input": record.input, "output": record.output}
    decision = scene.decide(scene.claim_one(), Action.EDITED, payload=payload)
    assert (decision.action, decision.edited_input) == (Action.ACCEPTED, None)


@pytest.mark.parametrize(
    ("payload", "pointer"),
    [
        ({"input": {"text": "Still fine"}, "output": {"label": "no such label"}}, "/output/label"),
        ({"input": {"text": ""}, "output": {"label": "refund"}}, "/input/text"),
        ({"input": {}, "output": {"label": "refund"}}, "/input"),
    ],
)
def test_an_edit_that_may_not_stand_names_the_place_and_keeps_the_draft(
    scene: Scene, payload: dict[str, dict[str, str]], pointer: str
) -> None:
    scene.add_waiting(1)
    with pytest.raises(EditRefusedError) as refused:
        scene.decide(scene.claim_one(), Action.EDITED, payload=payload)
    assert list(refused.value.by_pointer) == [pointer]
    assert Record.objects.get().status == RecordStatus.AWAITING_REVIEW
    assert Draft.objects.get().values == payload


@pytest.mark.parametrize("text", ["a\x00b", "half a pair \ud800"])
def test_an_edit_that_no_database_could_store_is_refused(scene: Scene, text: str) -> None:
    scene.add_waiting(1)
    payload = {"input": {"text": text}, "output": {"label": "refund"}}
    with pytest.raises(EditRefusedError) as refused:
        scene.decide(scene.claim_one(), Action.EDITED, payload=payload)
    assert list(refused.value.by_pointer) == ["/input/text"]


def test_an_edit_that_a_check_blocks_is_refused(scene: Scene) -> None:
    scene.add_waiting(2)
    first, second = scene.claim(count=2)
    copied = {"input": second.record.input, "output": {"label": "refund"}}
    with pytest.raises(EditRefusedError) as refused:
        scene.decide(first, Action.EDITED, payload=copied)
    assert refused.value.problems


def test_the_same_key_twice_is_one_decision(scene: Scene) -> None:
    scene.add_waiting(1)
    task, key = scene.claim_one(), uuid4()
    first = scene.decide(task, key=key)
    again = scene.decide(task, key=key)
    assert again.pk == first.pk
    assert Decision.objects.count() == 1
    assert RecordEvent.objects.filter(status_to="accepted").count() == 1


def test_a_key_of_another_decision_is_stale(scene: Scene) -> None:
    scene.add_waiting(2)
    first, second = scene.claim(count=2)
    key = uuid4()
    scene.decide(first, key=key)
    with pytest.raises(StaleStateError, match="another decision"):
        scene.decide(second, key=key)


def test_a_second_decision_on_one_task_is_stale(scene: Scene) -> None:
    scene.add_waiting(1)
    task = scene.claim_one()
    scene.decide(task)
    with pytest.raises(StaleStateError, match="decided already"):
        scene.decide(task, Action.REJECTED)
    assert Decision.objects.get().action == Action.ACCEPTED


def test_an_expired_lease_decides_nothing_and_keeps_the_draft(scene: Scene) -> None:
    scene.add_waiting(1)
    task = scene.claim_one()
    save_draft(task=task, user=scene.reviewer, values=EDIT)
    expire_lease(task)
    with pytest.raises(StaleStateError, match="ran out"):
        scene.decide(task, Action.EDITED, payload=EDIT)
    assert Draft.objects.get().values == EDIT
    assert Record.objects.get().status == RecordStatus.AWAITING_REVIEW


def test_who_lost_the_lease_does_not_touch_the_winner(scene: Scene) -> None:
    scene.add_waiting(1)
    task = scene.claim_one()
    expire_lease(task)
    winner = scene.claim_one(scene.another_reviewer())
    with pytest.raises(StaleStateError, match="not in your hands"):
        scene.decide(task)
    scene.decide(winner)
    assert Decision.objects.get().reviewer == winner.lease_holder


def test_a_fence_from_before_decides_nothing(scene: Scene) -> None:
    scene.add_waiting(1)
    task = scene.claim_one()
    with pytest.raises(StaleStateError, match="handed out again"):
        scene.decide(task, fence=task.fence - 1)


def test_a_record_that_moved_meanwhile_rolls_the_whole_decision_back(scene: Scene) -> None:
    (record,) = scene.add_waiting(1)
    task = scene.claim_one()
    record.refresh_from_db()
    move_records(records=[record], to=RecordStatus.FAILED_CHECKS, actor=None)
    with pytest.raises(StaleStateError):
        scene.decide(task)
    assert ReviewTask.objects.get().status == TaskStatus.OPEN
    assert not Decision.objects.exists()
    assert not LotDelta.objects.filter(accepted__gt=0).exists()


@pytest.mark.parametrize("table", ["review_decision", "review_undo", "records_recordevent"])
@pytest.mark.parametrize("statement", ["UPDATE {table} SET id = id", "DELETE FROM {table}"])
def test_the_ledger_refuses_change_by_plain_sql(scene: Scene, table: str, statement: str) -> None:
    from apps.review.undo import undo  # noqa: PLC0415  only this test takes anything back

    scene.add_waiting(1)
    undo(decision_uuid=scene.decide(scene.claim_one()).uuid, actor=scene.reviewer)
    with (
        pytest.raises(DatabaseError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement.format(table=table))
