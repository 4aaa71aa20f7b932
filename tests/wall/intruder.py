"""What a process can find out about protected rows when it tries. Run inside the process under test.

Prints one JSON object; the tests look through it. Nothing here is nice: it reads every setting, every variable
and every row that it can get at.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.db import connections
from django.db.models import Model

from apps.leakage.services import screen_texts
from apps.specs.models import Project
from synthreview import settings as settings_module


def attempt(action: Callable[[], Any]) -> str:
    """``read: …`` when it worked, else the error's name and words."""
    try:
        return f"read: {action()!r}"
    except Exception as error:  # noqa: BLE001  any refusal counts, and its words are looked at
        return f"{type(error).__name__}: {error}"


def rows_by_orm() -> dict[str, str]:
    """Reading every model of the two walled apps the way our own code would."""

    def read(model: type[Model]) -> Any:
        return list(model._default_manager.values())

    models = [*apps.get_app_config("holdout").get_models(), *apps.get_app_config("leakage").get_models()]
    return {model._meta.label: attempt(partial(read, model)) for model in models}


def everything_in_sight() -> str:
    """Settings, environment, arguments, and every row of every table of the default database."""
    seen: list[Any] = [
        {name: getattr(settings, name) for name in dir(settings)},
        vars(settings_module),
        dict(os.environ),
        sys.argv,
    ]
    with connections["default"].cursor() as cursor:
        for table in connections["default"].introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')
            seen.append([[str(value) for value in row] for row in cursor.fetchall()])
    return repr(seen)


def by_sql(statements: list[str]) -> dict[str, str]:
    """Statements over the process's own connection."""

    def execute(statement: str) -> Any:
        with connections["default"].cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall()

    return {statement: attempt(partial(execute, statement)) for statement in statements}


def by_address(addresses: list[str]) -> dict[str, str]:
    """Connecting elsewhere with what this process knows. PostgreSQL only."""
    import psycopg  # noqa: PLC0415  there is none on an embedded installation

    def connect(address: str) -> Any:
        with psycopg.connect(address, connect_timeout=10) as connection:
            return connection.execute("SELECT count(*) FROM pg_class").fetchall()

    return {address: attempt(partial(connect, address)) for address in addresses}


def main() -> None:
    tasks = json.loads(os.environ.pop("INTRUDER", "{}"))
    call_command("work", queues=tasks["queue"], once=True)
    project = Project.objects.get()
    report = {
        "databases": sorted(settings.DATABASES),
        "orm": rows_by_orm(),
        "screening": attempt(lambda: screen_texts(project_uuid=project.uuid, texts=[tasks["guess"]])),
        "in_sight": everything_in_sight(),
        "sql": by_sql(tasks.get("statements", [])),
        "connections": by_address(tasks["addresses"]) if tasks.get("addresses") else {},
    }
    print(json.dumps(report))  # noqa: T201
