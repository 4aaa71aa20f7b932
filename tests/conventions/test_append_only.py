"""What is written once stays: UPDATE and DELETE by plain SQL are refused by the database, on either engine."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps
from django.db import DatabaseError, connections, models, router, transaction
from django.db.migrations.loader import MigrationLoader

from apps.core.triggers import Guard
from tests.conventions.rows import insert_row

DATABASES = ["default", "leakage", "holdout"]
pytestmark = pytest.mark.django_db(databases=DATABASES)

# Each table whose rows are never changed and never deleted, with a column to try it on.
APPEND_ONLY = {
    "records.RecordEvent": "reason",
    "review.Decision": "note",
    "review.Undo": "undone_at",
    "review.RecalledRecord": "status_before",
    "review.ProvenRecord": "checks",
    "review.AuditStop": "bad",
    "review.LedgerCheckpoint": "root",
    "review.CheckpointPart": "heads",
    "generation.PromptVersion": "template",
    "critic.JudgeVersion": "rubric",
    "datasets.ReleaseItem": "review_status",
    "evaluation.ModelUnderTest": "name",
    "evaluation.Look": "number",
    "evaluation.LaunchReview": "verdict",
}

# Each table whose rows can be changed until they reach a state: the state, and a column to try it on.
SETTLED: dict[str, tuple[dict[str, Any], str]] = {
    "specs.Spec": ({"status": "published"}, "task"),
    "specs.LabelGuide": ({"status": "published"}, "introduction"),
    "datasets.Release": ({"status": "ready", "content_hash": "0" * 64}, "manifest"),
    "holdout.HoldoutSet": ({"status": "frozen"}, "content_hash"),
}

# Each table with columns that keep the value they were inserted with: the columns, tried one by one.
WRITTEN_ONCE = {
    "records.Record": (
        {"status": "generated", "source_type": "synthetic", "use": "", "review_method": ""},
        ("input", "output", "prompt_version"),
    ),
    "specs.HoldoutSeal": ({}, ("content_hash", "delta", "alpha", "looks", "row_count")),
    "critic.Verdict": ({}, ("realism", "doubt", "payload_digest")),
    "specs.Gap": ({"slice_hash": "1" * 64}, ("slice_hash", "slice_predicate")),
}


@pytest.fixture(autouse=True)
def _rolled_back() -> Iterator[None]:
    """Rows with dangling keys never reach the end of the test's own transaction."""
    with transaction.atomic("default"), transaction.atomic("holdout"):
        yield
        transaction.set_rollback(rollback=True, using="default")
        transaction.set_rollback(rollback=True, using="holdout")


def assert_refused(model: type[models.Model], statement: str, *values: Any) -> None:
    alias = router.db_for_write(model)
    with (
        pytest.raises(DatabaseError, match=r"append-only|never change|written once|locked|never removed"),
        transaction.atomic(alias),
        connections[alias].cursor() as cursor,
    ):
        cursor.execute(statement, values)


def assert_frozen(model: type[models.Model], column: str, pk: int) -> None:
    table = model._meta.db_table
    assert_refused(model, f"UPDATE {table} SET {column} = {column} WHERE id = %s", pk)
    assert_refused(model, f"DELETE FROM {table} WHERE id = %s", pk)


def test_the_list_names_every_append_only_table() -> None:
    guarded: dict[str, set[str]] = {}
    for migration in MigrationLoader(None).disk_migrations.values():
        for operation in migration.operations:
            if isinstance(operation, Guard) and not operation.when and type(operation) is Guard:
                guarded.setdefault(operation.table, set()).add(operation.event)
    whole = {table for table, events in guarded.items() if events == {"UPDATE", "DELETE"}}
    assert whole == {apps.get_model(label)._meta.db_table for label in APPEND_ONLY}


@pytest.mark.parametrize("label", APPEND_ONLY)
def test_an_append_only_row_is_neither_changed_nor_deleted(label: str) -> None:
    model = apps.get_model(label)
    assert_frozen(model, APPEND_ONLY[label], insert_row(model))


@pytest.mark.parametrize("label", SETTLED)
def test_a_settled_row_is_neither_changed_nor_deleted(label: str) -> None:
    model = apps.get_model(label)
    values, column = SETTLED[label]
    assert_frozen(model, column, insert_row(model, **values))


@pytest.mark.parametrize("label", SETTLED)
def test_a_row_that_is_not_settled_yet_can_be_changed(label: str) -> None:
    model = apps.get_model(label)
    _, column = SETTLED[label]
    pk = insert_row(model, content_hash="") if label == "holdout.HoldoutSet" else insert_row(model)
    alias = router.db_for_write(model)
    with connections[alias].cursor() as cursor:
        cursor.execute(f"UPDATE {model._meta.db_table} SET {column} = {column} WHERE id = %s", [pk])
        assert cursor.rowcount == 1


def test_a_seal_is_never_removed() -> None:
    seal = apps.get_model("specs.HoldoutSeal")
    assert_refused(seal, "DELETE FROM specs_holdoutseal WHERE id = %s", insert_row(seal))


def test_a_frozen_holdout_can_be_retired_and_then_nothing_more() -> None:
    holdout = apps.get_model("holdout.HoldoutSet")
    pk = insert_row(holdout, status="frozen")
    with connections["holdout"].cursor() as cursor:
        cursor.execute("UPDATE holdout_holdoutset SET status = 'retired' WHERE id = %s", [pk])
        assert cursor.rowcount == 1
    assert_frozen(holdout, "last_error", pk)


@pytest.mark.parametrize("column", ["content_hash", "delta", "alpha", "looks", "commonness", "row_count"])
def test_retiring_a_holdout_changes_nothing_besides(column: str) -> None:
    holdout = apps.get_model("holdout.HoldoutSet")
    pk = insert_row(holdout, status="frozen", delta=0.02, alpha=0.05, looks=5)
    other = '{"b": 2}' if column == "commonness" else 7
    assert_refused(
        holdout, f"UPDATE holdout_holdoutset SET status = 'retired', {column} = %s WHERE id = %s", other, pk
    )


def test_no_row_gets_into_a_frozen_holdout() -> None:
    sets, rows = apps.get_model("holdout.HoldoutSet"), apps.get_model("holdout.HoldoutRecord")
    frozen = insert_row(sets, status="frozen", project_uuid=uuid.uuid4(), uuid=uuid.uuid4())
    collecting = insert_row(sets, status="collecting", project_uuid=uuid.uuid4(), uuid=uuid.uuid4())
    row = insert_row(rows, holdout_id=collecting)
    assert_refused(rows, "UPDATE holdout_holdoutrecord SET holdout_id = %s WHERE id = %s", frozen, row)
    with pytest.raises(DatabaseError, match="never changes"), transaction.atomic("holdout"):
        insert_row(rows, holdout_id=frozen, uuid=uuid.uuid4())


def test_a_registered_gap_is_not_deleted() -> None:
    gap = apps.get_model("specs.Gap")
    assert_refused(gap, "DELETE FROM specs_gap WHERE id = %s", insert_row(gap, slice_hash="1" * 64))


@pytest.mark.parametrize(
    ("label", "column"), [(label, name) for label, (_, names) in WRITTEN_ONCE.items() for name in names]
)
def test_a_column_written_once_keeps_its_value(label: str, column: str) -> None:
    model = apps.get_model(label)
    pk = insert_row(model, **WRITTEN_ONCE[label][0])
    field = model._meta.get_field(column)
    other: Any = "2" * 64
    if isinstance(field, models.JSONField):
        other = '{"b": 2}'
    elif isinstance(field, models.FloatField | models.IntegerField):
        other = 7
    assert_refused(model, f"UPDATE {model._meta.db_table} SET {column} = %s WHERE id = %s", other, pk)
