"""Checkpoints of the ledger show what its chains cannot: records that are gone, and chains that were computed anew."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from apps.records import chain
from apps.records.models import Record, RecordEvent
from apps.review import checkpoints
from apps.review.checkpoint_models import CheckpointPart, LedgerCheckpoint
from apps.review.checkpoint_proof import verify_checkpoints
from apps.review.checkpoints import make_checkpoint, merkle_root
from apps.review.ledger import Fault, Tally, verify
from apps.review.models import Decision, ReviewTask
from apps.review.tasks import SWEEPS
from apps.review.undo import undo
from tests.review.scene import Scene
from tests.review.test_ledger import tamper

pytestmark = pytest.mark.django_db(databases=["default", "leakage"])


@pytest.fixture
def ledger(scene: Scene) -> Scene:
    """Five records, three of them decided, under checkpoint 1."""
    scene.add_waiting(5)
    for _ in range(3):
        scene.decide(scene.claim_one())
    make_checkpoint(project=scene.project)
    return scene


def faults(scene: Scene, **values: Any) -> list[Fault]:
    return list(verify_checkpoints(project=scene.project, **values))


def unseen_by_chains(scene: Scene) -> bool:
    return not list(verify(project=scene.project, tally=Tally()))


def remove_wholly(record: Record) -> None:
    """With everything that names it, as whoever owns the database can."""
    for table in ("records_recordevent", "review_decision", "review_reviewtask"):
        tamper(f"DELETE FROM {table} WHERE record_id = %s", record.pk, rows=None)
    tamper("DELETE FROM records_record WHERE id = %s", record.pk)


def test_an_honest_ledger_that_goes_on_has_no_fault(ledger: Scene) -> None:
    decision = ledger.decide(ledger.claim_one())
    make_checkpoint(project=ledger.project)
    undo(decision_uuid=decision.uuid, actor=ledger.reviewer)
    ledger.add_waiting(2, start=50)
    assert faults(ledger) == []
    first, second = ledger.project.ledger_checkpoints.order_by("number")
    assert (first.records, first.decisions, second.decisions) == (5, 3, 4)
    assert second.previous == first.signature
    assert first.root != second.root


def test_a_record_that_was_removed_with_all_about_it_is_named(ledger: Scene) -> None:
    record = Record.objects.filter(status="accepted").order_by("pk")[1]
    remove_wholly(record)
    assert unseen_by_chains(ledger)
    gone, counted = sorted(faults(ledger), key=lambda fault: fault.table)
    assert gone == Fault("records_record", record.pk, "is gone; checkpoint 1 counted 3 events of it")
    assert counted.what == "counted 3 decisions, 2 of them are left"


def test_it_is_named_although_a_later_checkpoint_knows_nothing_of_it(ledger: Scene) -> None:
    record = Record.objects.order_by("pk")[0]
    remove_wholly(record)
    make_checkpoint(project=ledger.project)
    assert Fault("records_record", record.pk, "is gone; checkpoint 1 counted 3 events of it") in faults(
        ledger
    )


def test_a_decision_cut_off_with_its_event_is_named(ledger: Scene) -> None:
    """The record as if it had never been decided: its chain holds, and is shorter than it was."""
    record = Record.objects.filter(status="accepted").order_by("pk")[0]
    before = record.events.get(seq=2)
    tamper("DELETE FROM records_recordevent WHERE record_id = %s AND seq = 3", record.pk)
    tamper("DELETE FROM review_decision WHERE record_id = %s", record.pk)
    ReviewTask.objects.filter(record=record).update(status="open")
    changes = {"event_seq": 2, "event_hash": before.hash, "status": "awaiting_review"}
    Record.objects.filter(pk=record.pk).update(**changes, decision_uuid=None, review_method="", reviewer=None)
    assert unseen_by_chains(ledger)
    assert Fault("records_record", record.pk, "has 2 events, checkpoint 1 counted 3") in faults(ledger)


def test_a_chain_that_was_computed_anew_is_named(ledger: Scene) -> None:
    """Whoever may write every row can say that a record was rejected, and hash that again."""
    record = Record.objects.filter(status="accepted").order_by("pk")[0]
    event = RecordEvent.objects.get(record=record, seq=3)
    event.reason = "nobody said so"
    forged = chain.link(
        previous_hash=event.previous_hash,
        record_uuid=record.uuid,
        seq=3,
        status_from=event.status_from,
        status_to=event.status_to,
        reason=event.reason,
        actor=event.actor,
        payload_digest=event.payload_digest,
        happened_at=event.happened_at,
    )
    tamper(
        "UPDATE records_recordevent SET reason = %s, hash = %s WHERE id = %s", event.reason, forged, event.pk
    )
    Record.objects.filter(pk=record.pk).update(event_hash=forged)
    assert unseen_by_chains(ledger)
    assert faults(ledger) == [
        Fault("records_record", record.pk, "its event 3 is not the one that checkpoint 1 counted")
    ]


@pytest.mark.parametrize(
    ("table", "changes", "value", "what"),
    [
        ("review_ledgercheckpoint", "decisions = %s", 2, "was changed after it was signed"),
        ("review_ledgercheckpoint", "root = %s", "0" * 64, "was changed after it was signed"),
        ("review_checkpointpart", "root = %s", "0" * 64, "its parts do not come to its root"),
        ("review_checkpointpart", "heads = %s", "[]", "the heads of its records do not come to its root"),
    ],
)
def test_a_checkpoint_that_was_changed_is_named(
    ledger: Scene, table: str, changes: str, value: object, what: str
) -> None:
    tamper(f"UPDATE {table} SET {changes}", value)
    assert what in [fault.what for fault in faults(ledger)]


def test_a_checkpoint_that_was_taken_out_is_missed_and_the_last_one_where_it_was_kept(ledger: Scene) -> None:
    first = LedgerCheckpoint.objects.get()
    last = make_checkpoint(project=ledger.project)
    kept = {last.number: last.signature}
    assert faults(ledger, kept=kept) == []
    tamper("DELETE FROM review_ledgercheckpoint WHERE id = %s", last.pk)
    assert faults(ledger) == []
    assert faults(ledger, kept=kept) == [
        Fault("review_ledgercheckpoint", 0, "checkpoint 2, which was kept elsewhere, is gone")
    ]
    assert "is not the checkpoint 1" in faults(ledger, kept={1: "ab"})[0].what
    # Numbers go on where they stood, so another one in its place is another signature.
    assert make_checkpoint(project=ledger.project).signature != last.signature
    tamper("DELETE FROM review_checkpointpart WHERE checkpoint_id = %s", first.pk)
    tamper("DELETE FROM review_ledgercheckpoint WHERE id = %s", first.pk)
    assert faults(ledger)[0].what == "one is missing before number 2"


def test_a_signature_is_of_the_key_of_its_day(ledger: Scene, settings: Any) -> None:
    old, settings.SECRET_KEY = settings.SECRET_KEY, "a new key"
    assert [fault.what for fault in faults(ledger)] == ["was changed after it was signed"]
    assert faults(ledger, old_keys=[old]) == []


def test_only_parts_that_changed_are_written_again(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoints, "WIDTH", 2)
    monkeypatch.setattr("apps.review.checkpoint_proof.WIDTH", 2)
    records = scene.add_waiting(6)
    make_checkpoint(project=scene.project)
    before = CheckpointPart.objects.count()
    scene.decide(scene.claim_one())
    last = make_checkpoint(project=scene.project)
    (part,) = last.parts.all()
    assert part.part == records[0].pk // 2
    assert (last.records, CheckpointPart.objects.count()) == (6, before + 1)
    assert faults(scene) == []


def test_once_a_day_the_worker_makes_one(ledger: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    (sweep,) = [each for each in SWEEPS if each.name == "review.make_checkpoint"]
    assert list(sweep.due()) == []
    with monkeypatch.context() as a_day_later:
        a_day_later.setattr(checkpoints, "EVERY", timedelta(0))
        assert list(sweep.due()) == [ledger.project.pk]
        sweep.task(ledger.project.pk)
    sweep.task(ledger.project.pk)
    assert LedgerCheckpoint.objects.count() == 2
    assert list(sweep.due()) == []
    assert faults(ledger) == []


def test_a_merkle_root_is_of_every_leaf_and_of_their_order() -> None:
    leaves = ["a", "b", "c", "d", "e"]
    roots = {merkle_root(leaves[:count]) for count in range(6)}
    assert len(roots | {merkle_root([*leaves[:3], "x", "e"]), merkle_root(leaves[::-1])}) == 8


def test_the_commands_make_one_and_compare_it(ledger: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("checkpoint_ledger", ledger.project.name)
    kept = capsys.readouterr().out.strip().rpartition("Keep ")[2]
    assert kept.startswith("2:")
    call_command("verify_chain", ledger.project.name, "--kept", kept)
    assert "2 checkpoints" in capsys.readouterr().out
    with pytest.raises(CommandError, match="1 rows are not as they were written"):
        call_command("verify_chain", ledger.project.name, "--kept", "9:ab")
    with pytest.raises(CommandError, match="PROJECT"):
        call_command("verify_chain", "--kept", kept)
    record = Record.objects.filter(status="accepted").order_by("pk")[0]
    assert Decision.objects.filter(record=record).exists()
    remove_wholly(record)
    with pytest.raises(CommandError, match="not as they were written"):
        call_command("verify_chain")
    assert f"records_record {record.pk}: is gone" in capsys.readouterr().out
