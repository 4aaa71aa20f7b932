"""Many rows in one go are the same rows as one by one, under the same constraints and triggers."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, transaction
from django.forms.models import model_to_dict

from apps.core.bulk import insert_rows, update_rows
from apps.records.models import Record
from apps.specs.models import Project
from apps.submissions.models import QuarantinedLine, Submission, SubmissionRequest
from tests import factories
from tests.submissions.scene import make_connection, make_submission

pytestmark = pytest.mark.django_db

ODD_TEXTS = (
    "",
    r"\N",
    "tab\tline\nreturn\r",
    r"a \ b \\ c \t",
    "“quoted” 'single' \"double\"",
    "{a,b}",
    "NULL",
    "one\u2028two\u0085",
    "\N{THUMBS UP SIGN}\N{EMOJI MODIFIER FITZPATRICK TYPE-5}",
    "100% %s",
)


@pytest.fixture
def project() -> Project:
    return factories.make_project()


def copies_of(record: Record, texts: tuple[str, ...]) -> list[Record]:
    """Unsaved records like ``record``, one with each text in several columns."""
    values = {
        field.attname: getattr(record, field.attname)
        for field in Record._meta.concrete_fields
        if field.name not in {"id", "uuid"}
    }
    return [
        Record(**values | {"input": {"text": text, "nested": [text, None, 1.5]}, "label": text})
        for text in texts
    ]


@pytest.fixture
def record(project: Project) -> Record:
    return factories.make_candidate(factories.make_gap(project), "a text")


@pytest.fixture
def submission() -> Submission:
    return make_submission(connection=make_connection("rules"), requests=3)


def stored(record: Record) -> dict[str, Any]:
    return model_to_dict(Record.objects.get(pk=record.pk))


def test_rows_come_in_as_the_orm_would_write_them(record: Record) -> None:
    by_orm, at_once = copies_of(record, ODD_TEXTS), copies_of(record, ODD_TEXTS)
    for row in by_orm:
        row.save()
    insert_rows(at_once)
    for one, other in zip(by_orm, at_once, strict=True):
        assert stored(one) | {"id": 0} == stored(other) | {"id": 0}
        assert Record.objects.get(pk=other.pk).uuid == other.uuid
    assert [Record.objects.get(pk=row.pk).input["text"] for row in at_once] == list(ODD_TEXTS)


def test_keys_are_new_and_the_next_row_gets_the_one_after(record: Record) -> None:
    rows = copies_of(record, ("a", "b", "c"))
    insert_rows(rows)
    after = copies_of(record, ("d",))[0]
    after.save()
    keys = [record.pk, *(row.pk for row in rows), after.pk]
    assert keys == sorted(set(keys))
    assert not any(row._state.adding for row in rows)


def test_no_rows_are_no_work(django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        insert_rows([])
        update_rows([], ["outcome"])


def test_a_row_that_breaks_a_constraint_keeps_all_of_them_out(record: Record) -> None:
    rows = copies_of(record, ("a", "b"))
    rows[1].status = "nonsense"
    with pytest.raises(IntegrityError), transaction.atomic():
        insert_rows(rows)
    assert Record.objects.get() == record


def test_each_row_gets_its_own_values_and_keeps_the_rest(submission: Submission) -> None:
    first, second, third = submission.requests.order_by("id")
    first.message, second.message, third.message = ODD_TEXTS[3], ODD_TEXTS[2], "not written"
    first.outcome, second.outcome = "failed", "answered"
    first.reason = "not written"
    update_rows([second, first], ["outcome", "message"])
    after = list(submission.requests.order_by("id").values_list("outcome", "message", "reason"))
    assert after == [("failed", ODD_TEXTS[3], ""), ("answered", ODD_TEXTS[2], ""), ("pending", "", "")]


def test_a_row_that_is_no_longer_what_it_was_is_left_alone(submission: Submission) -> None:
    first, second, third = submission.requests.order_by("id")
    submission.requests.filter(pk=second.pk).update(outcome="failed")
    for row in (first, second, third):
        row.message = "new"
    was = {"outcome": ["pending", "pending", "pending"], "message": ["", "", "not this"]}
    assert update_rows([first, second, third], ["message"], was=was) == 1
    assert list(submission.requests.order_by("id").values_list("message", flat=True)) == ["new", "", ""]


def test_an_update_that_a_trigger_refuses_changes_nothing(record: Record) -> None:
    record.prompt_version = "another"
    with pytest.raises(DatabaseError, match="written once"), transaction.atomic():
        update_rows([record], ["prompt_version"])
    assert Record.objects.get().prompt_version == "p v1"


@pytest.mark.postgres
def test_what_is_too_long_is_refused_and_not_cut(submission: Submission) -> None:
    request = submission.requests.first()
    assert isinstance(request, SubmissionRequest)
    request.reason = "x" * 41
    with pytest.raises(DatabaseError), transaction.atomic():
        update_rows([request], ["reason"])
    line = QuarantinedLine(submission=submission, offset=0, sha256="0" * 64, reason="x" * 41, message="")
    with pytest.raises(DatabaseError), transaction.atomic():
        insert_rows([line])
    assert request.pk is not None
    assert SubmissionRequest.objects.get(pk=request.pk).reason == ""
