"""Asking a table for thousands of keys at once, past the ORM: it takes longer to write such a query than a database
to answer it (measured: three times as long)."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence

from django.db import IntegrityError, connections, models, router, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from apps.core.batches import batched

PARAMETERS = 5000
"""In one statement; SQLite's own limit is 32,766."""


def pairs_by_key(
    model: type[models.Model], key: str, value: str, keys: Collection[int]
) -> list[tuple[int, int]]:
    """(key, value) of every row of ``model`` whose integer column ``key`` is one of ``keys``."""
    connection, table = _table_of(model)
    sql = f"SELECT {key}, {value} FROM {table} WHERE {key}"  # noqa: S608  names of ours, no input
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(f"{sql} = ANY(%s::bigint[])", [_as_array(sorted(keys))])
        else:
            cursor.execute(f"{sql} IN (SELECT value FROM json_each(%s))", [json.dumps(sorted(keys))])  # noqa: S608
        found: list[tuple[int, int]] = cursor.fetchall()
    return found


def insert_pairs(
    model: type[models.Model], columns: tuple[str, str], pairs: Sequence[tuple[int, int]]
) -> None:
    """Inserts rows of two integers; those that are there already stay as they are."""
    connection, table = _table_of(model)
    into = f"{table} ({', '.join(columns)})"
    if connection.vendor == "postgresql":
        try:
            _copy(connection, into, pairs)
        except IntegrityError:
            _insert_missing(connection, into, pairs)
        return
    with connection.cursor() as cursor:
        cursor.executemany(f"INSERT OR IGNORE INTO {into} VALUES (%s, %s)", pairs)  # noqa: S608


def _copy(connection: BaseDatabaseWrapper, into: str, pairs: Sequence[tuple[int, int]]) -> None:
    """All or none. Nearly always none is there, and asking of each whether it is takes half as long again."""
    with (
        transaction.atomic(using=connection.alias),
        connection.cursor() as cursor,
        connection.wrap_database_errors,
        cursor.copy(f"COPY {into} FROM STDIN") as copy,
    ):
        copy.write("".join([f"{first}\t{second}\n" for first, second in pairs]))


def _insert_missing(connection: BaseDatabaseWrapper, into: str, pairs: Sequence[tuple[int, int]]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {into} SELECT * FROM unnest(%s::bigint[], %s::bigint[]) ON CONFLICT DO NOTHING",  # noqa: S608
            [_as_array(first for first, _ in pairs), _as_array(second for _, second in pairs)],
        )


def present(model: type[models.Model], column: str, values: Collection[bytes]) -> set[bytes]:
    """Those of ``values`` that stand in the binary ``column`` of some row of ``model``."""
    connection, table = _table_of(model)
    sql = f"SELECT DISTINCT {column} FROM {table} WHERE {column}"  # noqa: S608  names of ours, no input
    found: set[bytes] = set()
    with connection.cursor() as cursor:
        for chunk in batched(values, PARAMETERS):
            if connection.vendor == "postgresql":
                cursor.execute(
                    f"{sql} = ANY(%s::bytea[])", [_as_array(f'"\\\\x{value.hex()}"' for value in chunk)]
                )
            else:
                cursor.execute(f"{sql} IN ({', '.join(['%s'] * len(chunk))})", chunk)
            found.update(bytes(value) for (value,) in cursor.fetchall())
    return found


def _as_array(values: Iterable[object]) -> str:
    """PostgreSQL's own way of writing an array; the driver takes a fifth of the whole time to write one."""
    return f"{{{','.join(map(str, values))}}}"


def _table_of(model: type[models.Model]) -> tuple[BaseDatabaseWrapper, str]:
    connection = connections[router.db_for_read(model)]
    return connection, connection.ops.quote_name(model._meta.db_table)
