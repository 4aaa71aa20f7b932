"""Many rows in one go: COPY and one UPDATE on PostgreSQL, executemany on SQLite.

Constraints, triggers and column types hold as they do for any statement. What is left out is what the ORM does for
each single row: nothing is filled in before it is saved and no related object is looked at, so every column of an
instance is written as it stands.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any

from django.db import connections, models, router, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

# Their values go to the database as they are; all others through the field.
PLAIN = (models.CharField, models.TextField, models.IntegerField, models.ForeignKey)


def insert_rows(rows: Sequence[models.Model]) -> None:
    """Inserts ``rows``, all of one model and none of them with a key; gives each its key."""
    if not rows:
        return
    model = type(rows[0])
    connection = connections[router.db_for_write(model)]
    with transaction.atomic(using=connection.alias, savepoint=False):
        for row, key in zip(rows, _new_keys(model, len(rows), connection), strict=True):
            row.pk = key
        fields = list(model._meta.concrete_fields)
        values = _values(rows, fields, connection)
        if connection.vendor == "postgresql":
            _copy(model, fields, values, connection)
        else:
            _insert_each(model, fields, values, connection)
    for row in rows:
        row._state.adding, row._state.db = False, connection.alias


def update_rows(rows: Sequence[models.Model], names: Sequence[str]) -> None:
    """Writes the columns ``names`` of ``rows``, all of one model, each to its own row."""
    if not rows:
        return
    model = type(rows[0])
    connection = connections[router.db_for_write(model)]
    fields = [model._meta.get_field(name) for name in ("pk", *names)]
