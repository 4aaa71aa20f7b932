"""Records are made with their first event and moved by compare-and-swap, one event a move."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, connection, transaction

from apps.core.errors import IllegalMoveError, StaleStateError
from apps.records import chain
from apps.records.models import Record, RecordEvent, ReviewMethod
from apps.records.services import move_records
from apps.records.states import RecordStatus
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def record() -> Record:
    return factories.make_candidate(
        factories.make_gap(factories.make_project()), "I want the renewal money back"
    )


def test_a_new_candidate_is_generated_and_due_with_one_event(record: Record) -> None:
    event = record.events.get()
    assert (record.status, event.seq, event.status_from, event.status_to) == ("generated", 1, "", "generated")
    assert record.due_at is not None
    assert record.label == "refund"


def test_a_move_writes_one_chained_event(record: Record) -> None:
    move_records(records=[record], to=RecordStatus.AWAITING_REVIEW, actor=None, reason="checks passed")
    first, second = record.events.order_by("seq")
    assert second.previous_hash == first.hash
    assert second.hash == record.event_hash == Record.objects.get().event_hash
    assert second.hash == chain.link(
        previous_hash=first.hash,
        record_uuid=record.uuid,
        seq=2,
        status_from="generated",
        status_to="awaiting_review",
        reason="checks passed",
        actor=None,
        payload_digest=second.payload_digest,
        happened_at=RecordEvent.objects.get(seq=2).happened_at,
    )


def test_a_move_from_a_stale_read_changes_nothing(record: Record) -> None:
    stale = Record.objects.get(pk=record.pk)
    move_records(records=[record], to=RecordStatus.AWAITING_REVIEW, actor=None)
    with pytest.raises(StaleStateError):
        move_records(records=[stale], to=RecordStatus.FAILED_CHECKS, actor=None)
    assert Record.objects.get().status == RecordStatus.AWAITING_REVIEW
    assert RecordEvent.objects.count() == 2


def test_one_stale_record_keeps_the_others_where_they_were(record: Record) -> None:
    assert record.gap is not None
    other = factories.make_candidate(record.gap, "another one")
    stale = Record.objects.get(pk=record.pk)
    move_records(records=[record], to=RecordStatus.AWAITING_REVIEW, actor=None)
    with pytest.raises(StaleStateError, match=f"#{stale.pk} is no longer generated"):
        move_records(records=[other, stale], to=RecordStatus.NOT_CHECKED, actor=None)
    assert (other.status, other.event_seq) == (RecordStatus.GENERATED, 1)
    assert Record.objects.get(pk=other.pk).status == RecordStatus.GENERATED


def test_a_move_that_the_machine_does_not_have_is_refused(record: Record) -> None:
    with pytest.raises(IllegalMoveError, match="generated cannot become rejected"):
        move_records(records=[record], to=RecordStatus.REJECTED, actor=None)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE records_recordevent SET reason = 'x'",
        "DELETE FROM records_recordevent",
        "UPDATE records_record SET prompt_version = 'another'",
        "UPDATE records_record SET input = '{}'",
    ],
)
def test_history_and_provenance_cannot_be_rewritten_by_sql(record: Record, statement: str) -> None:
    with pytest.raises(DatabaseError, match=r"append-only|written once"), transaction.atomic():
        connection.cursor().execute(statement)
    assert Record.objects.get().prompt_version == "p v1"


def test_an_accepted_record_must_say_who_and_how(record: Record) -> None:
    move_records(records=[record], to=RecordStatus.AWAITING_REVIEW, actor=None)
    with pytest.raises(DatabaseError), transaction.atomic():
        move_records(
            records=[record],
            to=RecordStatus.ACCEPTED,
            actor=None,
            review_method=ReviewMethod.PERSON,
            reviewer=None,
        )
