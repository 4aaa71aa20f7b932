"""A row of any table, whatever its columns: enough for a trigger to fire on it. Keys may dangle until the rollback."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

from django.db import models, router

WHEN = datetime(2026, 1, 1, tzinfo=UTC)
VALUES: list[tuple[type[models.Field[Any, Any]], Any]] = [
    (models.UUIDField, uuid.UUID(int=1)),
    (models.DateTimeField, WHEN),
    (models.JSONField, {"a": 1}),
    (models.BooleanField, False),
    (models.FloatField, 0.5),
    (models.IntegerField, 1),
    (models.CharField, "x"),
    (models.TextField, "x"),
]


def insert_row(model: type[models.Model], **given: Any) -> int:
    """Inserts a row of ``model`` with a value of the right kind in every column; returns its key.

    Foreign keys point at 1, which need not exist: call it inside a transaction that is rolled back.
    """
    values = {
        field.attname: given.get(field.attname, _value(field))
        for field in model._meta.local_concrete_fields
        if not field.primary_key
    }
    row = model(**values)
    row.save(using=router.db_for_write(model), force_insert=True)
    assert row.pk is not None
    return int(row.pk)


def _value(field: models.Field[Any, Any]) -> Any:
    if field.is_relation:
        return None if field.null else 1
    if field.choices:
        return next(iter(field.flatchoices))[0]
    if field.null:
        return None
    return next(value for kind, value in VALUES if isinstance(field, kind))
