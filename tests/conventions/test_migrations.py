"""Migrations say everything the models say, under names that mean something, and their guards stand."""

from __future__ import annotations

import re
from io import StringIO
from pathlib import Path

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connections, router
from django.db.migrations.loader import MigrationLoader

from apps.core.triggers import Guard

ROOT = Path(__file__).resolve().parents[2]
DATABASES = ["default", "leakage", "holdout"]
LIST_TRIGGERS = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'trigger'",
    "postgresql": "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal",
}


@pytest.mark.django_db(databases=DATABASES)
def test_no_migration_is_missing() -> None:
    said = StringIO()
    try:
        call_command("makemigrations", check=True, dry_run=True, stdout=said)
    except SystemExit:
        pytest.fail(said.getvalue())


def test_migrations_are_named_for_what_they_do() -> None:
    names = [path.stem for path in ROOT.glob("apps/*/migrations/0*.py")]
    assert [
        name for name in names if not re.fullmatch(r"\d{4}_[a-z][a-z0-9_]+", name) or "_auto_" in name
    ] == []


def guards_by_database() -> dict[str, set[str]]:
    """Every trigger that a migration declares, by the database it belongs to."""
    declared: dict[str, set[str]] = {alias: set() for alias in DATABASES}
    for (app_label, _), migration in MigrationLoader(None).disk_migrations.items():
        for operation in migration.operations:
            if isinstance(operation, Guard):
                home = next(alias for alias in DATABASES if router.allow_migrate(alias, app_label))
                declared[home].add(operation.name)
    return declared


@pytest.mark.django_db(databases=DATABASES)
@pytest.mark.parametrize("alias", DATABASES)
def test_every_guard_that_a_migration_declares_stands_in_its_database(alias: str) -> None:
    # On SQLite a later migration that rebuilds a table drops its triggers silently.
    with connections[alias].cursor() as cursor:
        cursor.execute(LIST_TRIGGERS[connections[alias].vendor])
        standing = {name for (name,) in cursor.fetchall()}
    assert standing == guards_by_database()[alias]


@pytest.mark.django_db(databases=DATABASES)
@pytest.mark.parametrize("alias", DATABASES)
def test_a_table_stands_in_one_database_only(alias: str) -> None:
    ours = [model for model in apps.get_models() if model.__module__.startswith("apps.")]
    expected = {model._meta.db_table for model in ours if router.db_for_read(model) == alias}
    labels = tuple(f"{model._meta.app_label}_" for model in ours)
    tables = {table for table in connections[alias].introspection.table_names() if table.startswith(labels)}
    many_to_many = {field.m2m_db_table() for model in ours for field in model._meta.local_many_to_many}
    assert tables - many_to_many == expected
