"""Migrating the three databases takes a core many seconds: one pytest worker does it, the others start from copies."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from apps.operations.migrating import migrate_database

FOLDER = Path(os.environ["SYNTHREVIEW_VAR"]) / "templates"
"""The run's own, and the same for all its workers."""


@contextmanager
def one_at_a_time() -> Iterator[None]:
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (FOLDER / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def are_kept() -> bool:
    return _done().exists()


def keep() -> None:
    """The databases of this worker, migrated and empty, become what the others copy."""
    for alias in settings.DATABASES:
        connection = connections[alias]
        if connection.vendor == "sqlite":
            connection.cursor().execute("VACUUM INTO %s", [str(_file(alias))])
        else:
            # The server copies no database while somebody is connected to it.
            connection.close()
            _copy_on_server(connection, connection.settings_dict["NAME"], _name(alias))
    _done().touch()


def migrate() -> None:
    """Makes the test databases of this worker as ``prepare`` does; Django then finds nothing left to do."""
    for alias in settings.DATABASES:
        connection = connections[alias]
        before = connection.settings_dict["NAME"]
        creation: Any = connection.creation
        connection.settings_dict["NAME"] = creation._create_test_db(
            verbosity=0, autoclobber=True, keepdb=True
        )
        migrate_database(alias)
        connection.close()
        connection.settings_dict["NAME"] = before


def copy() -> None:
    """Puts copies where Django is about to look for the test databases of this worker."""
    for alias in settings.DATABASES:
        creation: Any = connections[alias].creation
        name = creation._get_test_db_name()
        if connections[alias].vendor == "sqlite":
            shutil.copyfile(_file(alias), name)
        else:
            _copy_on_server(connections[alias], _name(alias), name)


def _copy_on_server(connection: BaseDatabaseWrapper, source: str, target: str) -> None:
    quote = connection.ops.quote_name
    with connection._nodb_cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {quote(target)} TEMPLATE {quote(source)}")


def _done() -> Path:
    return FOLDER / "done"


def _file(alias: str) -> Path:
    return FOLDER / f"{alias}.sqlite3"


def _name(alias: str) -> str:
    """PostgreSQL keeps its templates with the cluster, which may see more than one run."""
    return f"template_{FOLDER.parent.name}_{alias}"
