"""Brings one of the three databases up to date."""

from __future__ import annotations

from django.apps import apps
from django.core.management import call_command
from django.db import connections


def migrate_database(alias: str) -> None:
    """Migrates what lives in the database ``alias``; doing it again changes nothing.

    A walled database holds the app of its own name alone. Django would go through the history of all the others too, to
    make none of their tables: four fifths of the time. Here they are only noted as done, which is what their migrations
    come to there.
    """
    is_walled = apps.is_installed(f"apps.{alias}")
    if is_walled:
        call_command("migrate", alias, database=alias, interactive=False, verbosity=0)
    call_command("migrate", database=alias, fake=is_walled, interactive=False, verbosity=0)


def revoke_changes(alias: str) -> list[str]:
    """Takes the right to change or empty append-only tables from the very role that owns them (PostgreSQL).

    Their triggers refuse an UPDATE or DELETE as well; they do not see a TRUNCATE, and a trigger can be switched off
    in the statement before. Returns the tables, those with a trigger ``TABLE_no_delete``. On SQLite nobody has
    rights, and nothing is done.
    """
    connection = connections[alias]
    if connection.vendor != "postgresql":
        return []
    quote = connection.ops.quote_name
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT t.relname FROM pg_trigger g JOIN pg_class t ON t.oid = g.tgrelid "
            "WHERE g.tgname = t.relname || '_no_delete' AND pg_get_userbyid(t.relowner) = CURRENT_USER "
            "ORDER BY t.relname"
        )
        tables = [name for (name,) in cursor.fetchall()]
        for table in tables:
            cursor.execute(f"REVOKE UPDATE, DELETE, TRUNCATE ON {quote(table)} FROM CURRENT_USER, PUBLIC")
            # A foreign key locks the row that it points to, and PostgreSQL asks for this right to do so.
            cursor.execute(f"GRANT UPDATE (id) ON {quote(table)} TO CURRENT_USER")
    return tables
