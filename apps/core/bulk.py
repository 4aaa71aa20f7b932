"""Rows without the ORM's work on every single one: COPY and one UPDATE on PostgreSQL, executemany on SQLite.

Constraints, triggers and column types hold as they do for any statement. What is left out is what the ORM does for
every single row: nothing is filled in before it is saved and no related object is looked at, so each column of an
instance is written as it stands.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from operator import attrgetter
from typing import Any

from django.db import connections, models, router, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

# Their values are what SQLite's driver takes; psycopg takes those of every type but JSON.
PLAIN = (models.CharField, models.TextField, models.IntegerField, models.ForeignKey)
_LENGTH = re.compile(r"\(\d+\)")


def insert_rows(rows: Sequence[models.Model]) -> None:
    """Inserts ``rows``, all of one model and without keys; each gets its key."""
    if not rows:
        return
    columns = _columns_of(type(rows[0]))
    if len(rows) == 1:
        rows[0].pk = _insert_one(columns, rows[0])
    else:
        with transaction.atomic(using=columns.connection.alias, savepoint=False):
            for row, key in zip(rows, _new_keys(columns, len(rows)), strict=True):
                row.pk = key
            _insert(columns, rows)
    for row in rows:
        row._state.adding, row._state.db = False, columns.connection.alias


def update_rows(
    rows: Sequence[models.Model], names: Sequence[str], *, was: Mapping[str, Sequence[Any]] | None = None
) -> int:
    """Writes the fields ``names`` of ``rows``, all of one model, each to its own row; returns how many there were.

    ``was``: field → the value that it must still have in each row, in order; a row where it has another one is left
    alone. Text and numbers only.
    """
    if not rows:
        return 0
    columns = _columns_of(type(rows[0]), names)
    with transaction.atomic(using=columns.connection.alias, savepoint=False):
        return _update(columns, rows, was or {})


@dataclass(frozen=True)
class _Columns:
    """Some columns of one table."""

    connection: BaseDatabaseWrapper
    table: str
    fields: Sequence[models.Field[Any, Any]]

    @property
    def is_postgres(self) -> bool:
        return self.connection.vendor == "postgresql"

    @property
    def names(self) -> list[str]:
        """As SQL spells them."""
        return [self.connection.ops.quote_name(str(field.column)) for field in self.fields]

    def values(self, rows: Sequence[models.Model]) -> Iterator[list[Any]]:
        """Those of each row, as the driver takes them."""
        read = attrgetter(*[field.attname for field in self.fields])
        writers = [
            (place, write) for place, field in enumerate(self.fields) if (write := self._writer(field))
        ]
        for row in rows:
            values = list(read(row))
            for place, write in writers:
                if values[place] is not None:
                    values[place] = write(values[place])
            yield values

    def _writer(self, field: models.Field[Any, Any]) -> Callable[[Any], Any] | None:
        """What turns a value of ``field`` into the driver's; None where they are the same."""
        if isinstance(field, models.JSONField):
            return (field.encoder or json.JSONEncoder)().encode
        if self.is_postgres or isinstance(field, PLAIN):
            return None

        # Most rows of one go share their times and the uuids of where they come from.
        @lru_cache(maxsize=64)
        def write(value: Any) -> Any:
            return field.get_db_prep_save(value, self.connection)

        return write


def _columns_of(model: type[models.Model], names: Sequence[str] | None = None) -> _Columns:
    """All of the table; or those of ``names``, and then the key."""
    meta = model._meta
    fields = {field.name: field for field in meta.concrete_fields}
    chosen = list(fields.values()) if names is None else [*(fields[name] for name in names), meta.pk]
    connection = connections[router.db_for_write(model)]
    return _Columns(connection, connection.ops.quote_name(meta.db_table), chosen)


def _new_keys(columns: _Columns, count: int) -> Sequence[int]:
    """Keys that nobody else gets; neither COPY nor executemany says which ones it gave."""
    model = columns.fields[0].model
    table, key = model._meta.db_table, model._meta.pk.column
    with columns.connection.cursor() as cursor:
        if columns.is_postgres:
            # OFFSET 0: the name of the sequence is looked up once.
            cursor.execute(
                "SELECT nextval(name) FROM (SELECT pg_get_serial_sequence(%s, %s)::regclass AS name OFFSET 0) AS "
                "sequence, generate_series(1, %s)",
                [table, key, count],
            )
            return [number for (number,) in cursor.fetchall()]
        # The transaction is IMMEDIATE, so nobody else writes; a larger key moves the sequence along.
        cursor.execute("SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = %s", [table])
        last: int = cursor.fetchone()[0]
    return range(last + 1, last + 1 + count)


def _insert_one(columns: _Columns, row: models.Model) -> Any:
    """Returns its key. For one row, asking for a key first and then copying is more talk than work."""
    meta = type(row)._meta
    given = replace(columns, fields=[field for field in columns.fields if field is not meta.pk])
    (values,) = given.values([row])
    places, key = ", ".join(["%s"] * len(values)), columns.connection.ops.quote_name(str(meta.pk.column))
    with columns.connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {columns.table} ({', '.join(given.names)}) VALUES ({places}) RETURNING {key}",  # noqa: S608
            values,
        )
        return cursor.fetchone()[0]


def _insert(columns: _Columns, rows: Sequence[models.Model]) -> None:
    into = f"{columns.table} ({', '.join(columns.names)})"
    with columns.connection.cursor() as cursor:
        if not columns.is_postgres:
            places = ", ".join(["%s"] * len(columns.fields))
            cursor.executemany(f"INSERT INTO {into} VALUES ({places})", list(columns.values(rows)))  # noqa: S608
            return
        with columns.connection.wrap_database_errors, cursor.copy(f"COPY {into} FROM STDIN") as copy:
            for values in columns.values(rows):
                copy.write_row(values)


def _update(columns: _Columns, rows: Sequence[models.Model], was: Mapping[str, Sequence[Any]]) -> int:
    """The last column is the key, and behind it comes what each row must still be."""
    *names, key = columns.names
    before = _columns_of(type(rows[0]), list(was))
    guards = before.names[:-1]
    values = [[*new, *old] for new, *old in zip(columns.values(rows), *was.values(), strict=True)]
    with columns.connection.cursor() as cursor:
        if not columns.is_postgres:
            changes = ", ".join(f"{name} = %s" for name in names)
            cursor.executemany(
                f"UPDATE {columns.table} SET {changes} WHERE "  # noqa: S608
                + " AND ".join(f"{name} = %s" for name in (key, *guards)),
                values,
            )
            return int(cursor.rowcount)
        changes = ", ".join(f"{name} = new.{name}" for name in names)
        fields = [*columns.fields, *before.fields[:-1]]
        arrays = ", ".join(f"%s::{_array_type(field, columns.connection)}" for field in fields)
        aliases = [*columns.names, *(f"was_{number}" for number in range(len(guards)))]
        unchanged = "".join(
            f" AND {columns.table}.{name} = new.was_{number}" for number, name in enumerate(guards)
        )
        cursor.execute(
            f"UPDATE {columns.table} SET {changes} FROM unnest({arrays}) AS new ({', '.join(aliases)}) "  # noqa: S608
            f"WHERE {columns.table}.{key} = new.{key}{unchanged}",
            [list(column) for column in zip(*values, strict=True)],
        )
        return int(cursor.rowcount)


def _array_type(field: models.Field[Any, Any], connection: BaseDatabaseWrapper) -> str:
    """Without the length: a cast to varchar(40) would cut what the column itself refuses."""
    return _LENGTH.sub("", field.rel_db_type(connection) or "text") + "[]"
