"""Shared fixtures. The databases come from the environment: none means SQLite under a temporary var/."""

from __future__ import annotations

import os
import tempfile
from typing import Any

# For the processes that tests start: they never touch the var/ of a developer either.
os.environ.setdefault("SYNTHREVIEW_VAR", tempfile.mkdtemp(prefix="synthreview-tests-"))
os.environ.setdefault("SECRET_KEY", "only for tests")
# Near places are found by keyed hashes, with a recall below one: under one key it is always the same places.
os.environ.setdefault("LEAKAGE_KEY", "only for tests, thirty-two bytes.")

import pytest
from django.conf import settings as django_settings
from django.db import connection
from django.db.backends.sqlite3.base import DatabaseWrapper as SQLiteWrapper
from hypothesis import settings as hypothesis_settings
from pytest_django import DjangoDbBlocker

from tests import databases

# Speed is shown by benchmarks; a busy machine must not fail a property. Derandomised: a red run stays red.
hypothesis_settings.register_profile("suite", deadline=None, derandomize=True)
hypothesis_settings.load_profile("suite")


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    tmp_path_factory: pytest.TempPathFactory, django_db_modify_db_settings_parallel_suffix: None
) -> None:
    """SQLite tests run on files, as in earnest: threads and a live server have connections of their own.

    On PostgreSQL each pytest worker has databases of its own, by the suffix.
    """
    folder = tmp_path_factory.mktemp("databases")
    for alias, values in django_settings.DATABASES.items():
        # A live server's threads keep no connection: the test database could not be dropped under them.
        values["CONN_MAX_AGE"] = 0
        if values["ENGINE"].endswith("sqlite3"):
            # What was committed survives every death but a power cut.
            options = values["OPTIONS"]
            values["OPTIONS"] = options | {
                "init_command": options["init_command"] + " PRAGMA synchronous=OFF;"
            }
            values.setdefault("TEST", {})["NAME"] = str(folder / f"{alias}.sqlite3")


@pytest.fixture(scope="session")
def django_db_keepdb(request: pytest.FixtureRequest) -> bool:
    """SQLite's files lie in a directory of this run: there is nothing older to keep, and nothing to drop."""
    return bool(request.config.getvalue("reuse_db")) or connection.vendor == "sqlite"


@pytest.fixture(scope="session")
def django_db_setup(
    request: pytest.FixtureRequest,
    django_db_modify_db_settings: None,
    django_db_blocker: DjangoDbBlocker,
) -> None:
    """One pytest worker migrates and the others copy what it made."""
    if not request.getfixturevalue("django_db_keepdb"):
        request.getfixturevalue("django_db_setup")
        return
    with databases.one_at_a_time(), django_db_blocker.unblock():
        if is_copy := databases.are_kept():
            databases.copy()
        else:
            databases.migrate()
        request.getfixturevalue("django_db_setup")
        if not is_copy:
            databases.keep()


@pytest.fixture(scope="session", autouse=True)
def _flush_past_guards() -> None:
    """Lets a transactional test clean up on SQLite, where emptying a table is a DELETE that triggers refuse.

    They are dropped and put back in the transaction that flushes. (PostgreSQL truncates, past row triggers.)
    """
    operations = SQLiteWrapper.ops_class
    plain_flush = operations.sql_flush

    def sql_flush(self: Any, *args: Any, **options: Any) -> list[str]:
        with self.connection.cursor() as cursor:
            cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
            triggers = cursor.fetchall()
        drops = [f"DROP TRIGGER {name}" for name, _ in triggers]
        return [*drops, *plain_flush(self, *args, **options), *(sql for _, sql in triggers)]

    operations.sql_flush = sql_flush  # type: ignore[method-assign]


@pytest.fixture(autouse=True)
def _files_of_their_own(settings: object, tmp_path: object) -> None:
    """Request files and releases of one test never meet those of another."""
    settings.FILES_DIR = tmp_path  # type: ignore[attr-defined]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    engine = os.environ.get("DATABASE_URL", "sqlite").split(":")[0]
    for item in items:
        if item.get_closest_marker("postgres") and not engine.startswith("postgres"):
            item.add_marker(pytest.mark.skip(reason="means something on PostgreSQL only"))
        if item.get_closest_marker("sqlite") and engine.startswith("postgres"):
            item.add_marker(pytest.mark.skip(reason="means something on SQLite only"))


@pytest.fixture
def engine(db: None) -> str:
    return connection.vendor
