"""Migration operations that put append-only and write-once rules into the database itself.

They hold against raw SQL as well as against the ORM, on PostgreSQL and on SQLite.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState


class Guard(Operation):
    """Refuses ``event`` (``INSERT``, ``UPDATE`` or ``DELETE``) on ``table`` while ``when`` holds.

    ``when`` is an SQL condition over ``OLD`` and ``NEW`` (those that the event has), in the SQL that both engines
    share. ``message`` is what the database answers.
    """

    reduces_to_sql = True
    reversible = True
    elidable = False

    def __init__(self, *, name: str, table: str, event: str, when: str = "", message: str) -> None:
        self.name, self.table, self.event, self.when, self.message = name, table, event, when, message

    def deconstruct(self) -> tuple[str, Sequence[Any], dict[str, Any]]:
        values = {key: getattr(self, key) for key in ("name", "table", "event", "when", "message")}
        return (self.__class__.__qualname__, [], values)

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        pass

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        if not self._belongs_here(app_label, schema_editor):
            return
        for statement in self._statements(schema_editor.connection.vendor):
            # No parameters: psycopg then leaves the body of the function alone.
            schema_editor.execute(statement, params=None)

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        if not self._belongs_here(app_label, schema_editor):
            return
        if schema_editor.connection.vendor == "postgresql":
            schema_editor.execute(f"DROP TRIGGER {self.name} ON {self.table}", params=None)
            schema_editor.execute(f"DROP FUNCTION {self.name}()", params=None)
        else:
            schema_editor.execute(f"DROP TRIGGER {self.name}", params=None)

    def describe(self) -> str:
        return f"Refuse {self.event} on {self.table}: {self.message}"

    def _belongs_here(self, app_label: str, schema_editor: BaseDatabaseSchemaEditor) -> bool:
        from django.db import router  # noqa: PLC0415  the app registry is not ready when migrations are imported

        return router.allow_migrate(schema_editor.connection.alias, app_label)

    def _statements(self, vendor: str) -> list[str]:
        message = self.message.replace("'", "''")
        if vendor == "postgresql":
            condition = f"WHEN ({self.when})" if self.when and "SELECT" not in self.when else ""
            body = f"RAISE EXCEPTION '{message}' USING ERRCODE = 'integrity_constraint_violation';"
            if self.when and not condition:
                # PostgreSQL's WHEN takes no subquery, a function does.
                body = (
                    f"IF {self.when} THEN {body} END IF; RETURN {'OLD' if self.event == 'DELETE' else 'NEW'};"
                )
            return [
                f"CREATE FUNCTION {self.name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} END $$",
                f"CREATE TRIGGER {self.name} BEFORE {self.event} ON {self.table} "
                f"FOR EACH ROW {condition} EXECUTE FUNCTION {self.name}()",
            ]
        condition = f"WHEN {self.when}" if self.when else ""
        return [
            f"CREATE TRIGGER {self.name} BEFORE {self.event} ON {self.table} "
            f"FOR EACH ROW {condition} BEGIN SELECT RAISE(ABORT, '{message}'); END"
        ]


class AfterRemake(Operation):
    """Puts ``guard`` back where SQLite has lost it: to change a column or a constraint it makes the table anew, and
    triggers do not come along. Belongs behind every such operation on a guarded table; PostgreSQL needs none."""

    reduces_to_sql = True
    reversible = True
    elidable = False

    def __init__(self, guard: Guard) -> None:
        self.guard = guard

    def deconstruct(self) -> tuple[str, Sequence[Any], dict[str, Any]]:
        return (self.__class__.__qualname__, [self.guard], {})

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        pass

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        if schema_editor.connection.vendor != "postgresql":
            schema_editor.execute(f"DROP TRIGGER IF EXISTS {self.guard.name}", params=None)
            self.guard.database_forwards(app_label, schema_editor, from_state, to_state)

    database_backwards = database_forwards

    def describe(self) -> str:
        return f"{self.guard.describe()} (again, on SQLite)"


def append_only(table: str) -> list[Guard]:
    """Rows of ``table`` are written once and stay."""
    message = f"{table} is append-only"
    return [
        Guard(name=f"{table}_no_update", table=table, event="UPDATE", message=message),
        Guard(name=f"{table}_no_delete", table=table, event="DELETE", message=message),
    ]


def write_once(table: str, columns: Sequence[str]) -> list[Guard]:
    """These columns keep the value they were inserted with; the row itself may live on."""
    return [WriteOnce(name=f"{table}_write_once", table=table, columns=list(columns))]


class WriteOnce(Guard):
    """A Guard over columns. NULL-safe comparison is spelt differently by the two engines.

    ``once`` (SQL over ``OLD``) lets them be written until it holds.
    """

    def __init__(
        self, *, name: str, table: str, columns: Sequence[str], once: str = "", message: str = ""
    ) -> None:
        super().__init__(
            name=name,
            table=table,
            event="UPDATE",
            message=message or f"{table}: {', '.join(columns)} are written once",
        )
        self.columns, self.once = list(columns), once

    def deconstruct(self) -> tuple[str, Sequence[Any], dict[str, Any]]:
        values = {key: getattr(self, key) for key in ("name", "table", "columns", "once", "message")}
        return (self.__class__.__qualname__, [], values)

    def _statements(self, vendor: str) -> list[str]:
        operator = "IS DISTINCT FROM" if vendor == "postgresql" else "IS NOT"
        changed = " OR ".join(f"OLD.{column} {operator} NEW.{column}" for column in self.columns)
        self.when = f"{self.once} AND ({changed})" if self.once else changed
        return super()._statements(vendor)


def immutable_when(table: str, condition: str, message: str, *, suffix: str = "frozen") -> list[Guard]:
    """Rows for which ``condition`` (SQL over ``OLD``) holds can be neither changed nor deleted."""
    return [
        Guard(name=f"{table}_{suffix}_u", table=table, event="UPDATE", when=condition, message=message),
        Guard(name=f"{table}_{suffix}_d", table=table, event="DELETE", when=condition, message=message),
    ]
