"""The ledger tells when somebody wrote into it past the application, and names the row."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import ProgrammingError, connection, transaction

from apps.operations.migrating import revoke_changes
from apps.records.models import Record, RecordEvent
from apps.review.ledger import Fault, Tally, verify
from apps.review.models import Action, Decision, ReviewTask, Undo
from apps.review.undo import undo
from tests.review.scene import Scene

pytestmark = pytest.mark.django_db(databases=["default", "leakage"])

GUARDED = (
    "records_record",
    "records_recordevent",
    "review_decision",
    "review_undo",
    "review_ledgercheckpoint",
    "review_checkpointpart",
)


@pytest.fixture
def decided(scene: Scene) -> Scene:
    """Records accepted, edited, rejected, flagged, and one whose decision was taken back and made again."""
    scene.add_waiting(5)
    edit = {"input": {"text": "They charged me for a year I never wanted"}, "output": {"label": "billing"}}
    scene.decide(scene.claim_one())
    scene.decide(scene.claim_one(), Action.EDITED, payload=edit)
    scene.decide(scene.claim_one(), Action.REJECTED, note="reads like an advert")
    scene.decide(scene.claim_one(), Action.FLAGGED)
    task = undo(decision_uuid=scene.decide(scene.claim_one()).uuid, actor=scene.reviewer)
    scene.decide(task)
    return scene


def faults(scene: Scene, **values: Any) -> list[Fault]:
    return list(verify(project=scene.project, tally=Tally(), **values))


def tamper(statement: str, *values: Any, rows: int | None = 1) -> None:
    """SQL past the guards, as whoever owns the database can write it; it has to reach ``rows`` (None: any number)."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # A table cannot be altered while a deferred constraint has yet to look at it.
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            for table in GUARDED:
                cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        else:
            cursor.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
            for (name,) in cursor.fetchall():
                cursor.execute(f'DROP TRIGGER "{name}"')
        cursor.execute(statement, values)
        assert rows in (None, cursor.rowcount)


def test_an_honest_ledger_has_no_fault(decided: Scene) -> None:
    tally = Tally()
    assert list(verify(project=None, tally=tally)) == []
    assert (tally.records, tally.decisions, tally.unsealed) == (5, 6, 0)
    assert tally.events == RecordEvent.objects.count()


@pytest.mark.parametrize(
    ("column", "value"),
    [("reason", "because"), ("status_to", "rejected"), ("actor_id", None), ("payload_digest", "0" * 64)],
)
def test_a_changed_event_is_named(decided: Scene, column: str, value: object) -> None:
    event = RecordEvent.objects.exclude(actor=None).order_by("pk")[0]
    tamper(f"UPDATE records_recordevent SET {column} = %s WHERE id = %s", value, event.pk)
    assert faults(decided)[0] == Fault("records_recordevent", event.pk, "was changed after it was written")


def test_an_event_that_was_taken_out_is_missed(decided: Scene) -> None:
    event = RecordEvent.objects.filter(seq=2).order_by("pk")[0]
    tamper("DELETE FROM records_recordevent WHERE id = %s", event.pk)
    (fault,) = faults(decided)
    assert fault.what == "an event is missing before number 3"
    assert RecordEvent.objects.get(pk=fault.pk).record_id == event.record_id


def test_a_tail_that_was_cut_is_missed(decided: Scene) -> None:
    last = RecordEvent.objects.order_by("-seq", "-pk")[0]
    tamper("DELETE FROM records_recordevent WHERE id = %s", last.pk)
    assert Fault(
        "records_record", last.record_id, f"has {last.seq - 1} events, not the {last.seq} it counts"
    ) in (faults(decided))


def test_a_text_that_was_changed_past_its_events_shows(decided: Scene) -> None:
    record = Record.objects.filter(status="accepted").order_by("pk")[0]
    tamper("UPDATE records_record SET input = %s WHERE id = %s", json.dumps({"text": "other"}), record.pk)
    assert faults(decided) == [
        Fault("records_record", record.pk, "says something else than at its last event")
    ]


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("note", "fine by me"),
        ("reasons", '["unclear"]'),
        ("milliseconds", 1),
        ("method", "validator"),
        ("decided_at", "2020-01-01 00:00:00+00:00"),
        ("guide_version", 7),
    ],
)
def test_a_changed_decision_is_named(decided: Scene, column: str, value: object) -> None:
    decision = Decision.objects.get(action=Action.REJECTED)
    tamper(f"UPDATE review_decision SET {column} = %s WHERE id = %s", value, decision.pk)
    assert faults(decided) == [Fault("review_decision", decision.pk, "was changed after it was made")]


def test_a_decision_that_was_taken_out_is_missed(decided: Scene) -> None:
    decision = Decision.objects.get(action=Action.REJECTED)
    tamper("DELETE FROM review_decision WHERE id = %s", decision.pk)
    assert faults(decided) == [
        Fault("records_record", decision.record_id, f"its decision {decision.uuid} is gone"),
        Fault("review_reviewtask", decision.task_id, "is done, but its decision is gone"),
    ]


def test_an_undo_that_was_taken_out_is_missed(decided: Scene) -> None:
    undone = Undo.objects.get()
    tamper("DELETE FROM review_undo WHERE id = %s", undone.pk)
    record = undone.decision.record_id
    assert faults(decided) == [Fault("records_record", record, "1 decisions were undone, 0 undos are left")]


def test_a_key_that_was_changed_is_tried_when_it_is_given(decided: Scene, settings: Any) -> None:
    old, settings.SECRET_KEY = settings.SECRET_KEY, "a new key"
    assert faults(decided)
    assert faults(decided, old_keys=[old]) == []


def test_the_command_names_the_row_and_fails(decided: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("verify_chain", decided.project.name)
    assert capsys.readouterr().out.startswith("Nothing was changed: 5 records, ")
    decision = Decision.objects.get(action=Action.REJECTED)
    tamper("UPDATE review_decision SET note = 'x' WHERE id = %s", decision.pk)
    with pytest.raises(CommandError, match=r"1 rows are not as they were written"):
        call_command("verify_chain", "--json")
    assert json.loads(capsys.readouterr().out)["faults"] == [
        {"table": "review_decision", "pk": decision.pk, "what": "was changed after it was made"}
    ]


@pytest.mark.postgres
def test_the_role_of_the_application_has_no_right_to_change_the_ledger(decided: Scene) -> None:
    tables = revoke_changes("default")
    assert {"records_recordevent", "review_decision", "review_undo"} <= set(tables)
    for table in tables:
        for statement in (f"DELETE FROM {table}", f"TRUNCATE {table}"):
            with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
                connection.cursor().execute(statement)
    # What refers to the rows goes on: an undo locks its decision.
    task = undo(decision_uuid=Decision.objects.get(action=Action.EDITED).uuid, actor=decided.reviewer)
    decided.decide(ReviewTask.objects.get(pk=task.pk))
