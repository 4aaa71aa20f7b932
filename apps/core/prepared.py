"""Statements that are put together once and run many times, with other values each time.

The ORM spends more time on writing a statement than the database on running it. Where that counts, in the few of the
path that every decision takes, a queryset is written once with a ``Slot`` for each value that comes later::

    OPEN = Prepared(lambda: Task.objects.open().filter(lot=Slot("lot")).values_list("pk", "priority"))
    OPEN.rows(lot=3)

So there is one definition of what, say, an open task is, whoever asks. What is left out is what the ORM does around
the statement: no signals, no cascades. Conditions may not depend on the values that come later.

PostgreSQL is given each statement once a connection and plans it once (PREPARE), unless ``prepare_threshold`` is None
in the options of the database. What is no slot stands in the statement itself: a plan for any status could not use
the index of the open ones.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar, cast

from django.db import DEFAULT_DB_ALIAS, connections, models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper
from django.db.models.expressions import Expression, F, Func
from django.db.models.sql import DeleteQuery, Query, UpdateQuery
from django.db.models.sql.compiler import SQLCompiler

M = TypeVar("M", bound=models.Model)
QuerySet = models.QuerySet[Any, Any]
Parameters = list[Any]
Converter = tuple[int, Sequence[Callable[..., Any]], Any]
"""Position of a column, what turns the driver's value into Python's, and the expression that it is the value of."""


class Slot(Expression):
    """Stands in a queryset for the value ``name`` of each call; a key unless ``field`` says otherwise."""

    def __init__(self, name: str, field: models.Field[Any, Any] | None = None) -> None:
        super().__init__(output_field=field or models.BigIntegerField())
        self.name = name

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> tuple[str, Any]:
        return "%s", [self]

    def filled(self, values: Mapping[str, Any], connection: BaseDatabaseWrapper) -> Any:
        return self.output_field.get_db_prep_value(values[self.name], connection)


class _Keys(Slot):
    """The slot of several keys."""

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> tuple[str, Any]:
        is_array = connection.vendor == "postgresql"
        return "(%s)" if is_array else "(SELECT value FROM json_each(%s))", [self]

    def filled(self, values: Mapping[str, Any], connection: BaseDatabaseWrapper) -> Any:
        keys = list(values[self.name])
        return keys if connection.vendor == "postgresql" else json.dumps(keys)


class Among(Func):
    """A condition: the key in ``column`` is one of those that come as ``name``."""

    template = "%(expressions)s"
    arg_joiner = " IN "

    def __init__(self, column: str, name: str) -> None:
        super().__init__(F(column), _Keys(name), output_field=models.BooleanField())

    def as_postgresql(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **context: Any
    ) -> tuple[str, Any]:
        return self.as_sql(compiler, connection, arg_joiner=" = ANY ", **context)


@dataclass(frozen=True)
class _Statement:
    """SQL of one kind of database; ``parameters`` are values and slots."""

    sql: str
    parameters: Sequence[Any]
    converters: Sequence[Converter] = ()

    def filled(self, values: Mapping[str, Any], connection: BaseDatabaseWrapper) -> Parameters:
        return [
            each.filled(values, connection) if isinstance(each, Slot) else each for each in self.parameters
        ]

    def converted(self, row: Sequence[Any], connection: BaseDatabaseWrapper) -> Sequence[Any]:
        if not self.converters:
            return row
        values = list(row)
        for place, functions, expression in self.converters:
            for convert in functions:
                values[place] = convert(values[place], expression, connection)
        return values


class _OncePerKind:
    """A query that is made into SQL when it is first needed, for each kind of database."""

    def __init__(self, build: Callable[[], Query]) -> None:
        self._build = build
        self._statements: dict[str, _Statement] = {}

    def _statement(self) -> tuple[_Statement, BaseDatabaseWrapper]:
        connection = connections[DEFAULT_DB_ALIAS]
        statement = self._statements.get(connection.vendor)
        if statement is None:
            statement = self._statements[connection.vendor] = _compiled(self._build(), connection)
        return statement, connection


class Prepared(_OncePerKind):
    """A query of ``values_list``."""

    def __init__(self, build: Callable[[], QuerySet]) -> None:
        super().__init__(lambda: build().query)

    def rows(self, **values: Any) -> list[Sequence[Any]]:
        """What the query finds; KeyError where a slot has no value."""
        statement, connection = self._statement()
        with _cursor(connection) as cursor:
            cursor.execute(statement.sql, statement.filled(values, connection))
            return [statement.converted(row, connection) for row in cursor.fetchall()]

    def row(self, **values: Any) -> Sequence[Any] | None:
        return next(iter(self.rows(**values)), None)

    def within(self, around: str, more: Sequence[Any], **values: Any) -> list[tuple[Any, ...]]:
        """The rows, as the driver gives them, of the larger statement ``around``.

        The query stands where it says ``{query}``; behind its parameters come ``more``.
        """
        statement, connection = self._statement()
        sql = around.replace("{query}", statement.sql)
        with _cursor(connection) as cursor:
            cursor.execute(sql, [*statement.filled(values, connection), *more])
            return list(cursor.fetchall())


class PreparedModels(Generic[M]):
    """A query of whole rows of ``build``'s model, with those that ``related`` names joined to them.

    ``related``: as for ``select_related``, each one after those on its way: ``("record", "record__gap")``.
    """

    def __init__(self, build: Callable[[], models.QuerySet[M]], *related: str) -> None:
        self._query = Prepared(lambda: build().values_list(*self._columns(build().model, related)))
        self._related = related
        self._parts: list[tuple[str, type[models.Model], list[str]]] = []

    def all(self, **values: Any) -> list[M]:
        return [self._made(row) for row in self._query.rows(**values)]

    def first(self, **values: Any) -> M | None:
        return next(iter(self.all(**values)), None)

    def _columns(self, model: type[models.Model], related: Sequence[str]) -> Iterator[str]:
        parts = [("", model, _names(model))]
        for path in related:
            way, _, name = path.rpartition("__")
            before = next(each for at, each, _ in parts if at == way)
            there = cast("type[models.Model]", before._meta.get_field(name).related_model)
            parts.append((path, there, _names(there)))
        # Whole from the start: two threads may come here at once, and write the same.
        self._parts = parts
        for path, _, names in parts:
            yield from (f"{path}__{name}" if path else name for name in names)

    def _made(self, row: Sequence[Any]) -> M:
        made: dict[str, Any] = {}
        start = 0
        for path, model, names in self._parts:
            values = row[start : start + len(names)]
            start += len(names)
            way, _, name = path.rpartition("__")
            # A row that is not there comes as nulls, its key too.
            is_there = values[names.index(model._meta.pk.attname)] is not None
            made[path] = model.from_db(DEFAULT_DB_ALIAS, names, values) if is_there else None
            if path and made[way] is not None:
                setattr(made[way], name, made[path])
        return cast("M", made[""])


class PreparedUpdate(_OncePerKind):
    """Sets ``changes`` in the rows of ``build``; their values may be slots."""

    def __init__(self, build: Callable[[], QuerySet], **changes: Any) -> None:
        super().__init__(lambda: _update(build(), changes))

    def run(self, **values: Any) -> int:
        """Returns how many rows there were."""
        return _ran(*self._statement(), values)


class PreparedDelete(_OncePerKind):
    """Deletes the rows of ``build``, of a table that nothing refers to."""

    def __init__(self, build: Callable[[], QuerySet]) -> None:
        super().__init__(lambda: build().query.chain(DeleteQuery))

    def run(self, **values: Any) -> int:
        return _ran(*self._statement(), values)


def _names(model: type[models.Model]) -> list[str]:
    return [field.attname for field in model._meta.concrete_fields]


def _update(queryset: QuerySet, changes: Mapping[str, Any]) -> Query:
    query: Any = queryset.query.chain(UpdateQuery)
    query.add_update_values(changes)
    return cast("Query", query)


def _ran(statement: _Statement, connection: BaseDatabaseWrapper, values: Mapping[str, Any]) -> int:
    with _cursor(connection) as cursor:
        cursor.execute(statement.sql, statement.filled(values, connection))
        return int(cursor.rowcount)


def _cursor(connection: BaseDatabaseWrapper) -> CursorWrapper:
    """On PostgreSQL one that sends values apart from the statement, which the driver then prepares."""
    # As ``connection.cursor`` does, whose cursor puts the values into the statement: the log of
    # statements needs that one.
    connection.close_if_health_check_failed()
    connection.ensure_connection()
    is_plain = connection.vendor != "postgresql" or connection.connection.prepare_threshold is None
    if is_plain or connection.queries_logged:
        return connection.cursor()
    from django.db.backends.postgresql import base  # noqa: PLC0415  needs the driver

    connection.validate_thread_sharing()
    return connection.make_cursor(cast("Any", base).ServerBindingCursor(connection.connection))


def _spelled_out(sql: str, parameters: Sequence[Any], connection: BaseDatabaseWrapper) -> _Statement:
    """The statement with its values in it, but for the slots. SQLite plans anew whatever stands there."""
    if connection.vendor != "postgresql":
        return _Statement(sql, parameters)
    from psycopg.sql import Literal  # noqa: PLC0415  needs the driver

    connection.ensure_connection()
    first, *rest = sql.split("%s")
    written = [
        "%s" if isinstance(each, Slot) else Literal(each).as_string(connection.connection).replace("%", "%%")
        for each in parameters
    ]
    spelled = first + "".join(value + text for value, text in zip(written, rest, strict=True))
    return _Statement(spelled, [each for each in parameters if isinstance(each, Slot)])


def _compiled(query: Query, connection: BaseDatabaseWrapper) -> _Statement:
    compiler = query.get_compiler(connection=connection)
    sql, parameters = compiler.as_sql()
    statement = _spelled_out(sql, parameters, connection)
    if isinstance(query, (DeleteQuery, UpdateQuery)):
        return statement
    columns = [column for column, *_ in compiler.select]
    converters = [
        (place, list(functions), expression)
        for place, (functions, expression) in compiler.get_converters(columns).items()
    ]
    return replace(statement, converters=converters)
