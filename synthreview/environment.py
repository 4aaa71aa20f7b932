"""Reading the environment: every secret may come as NAME or as NAME_FILE."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Any

import dj_database_url
from django.core.exceptions import ImproperlyConfigured

POSTGRES_OPTIONS: dict[str, Any] = {
    # The statements of every decision are prepared when a connection sends them for the second time.
    "prepare_threshold": 1,
}
SQLITE_OPTIONS: dict[str, Any] = {
    # Readers never block the writer; a writer takes its lock at BEGIN, so that "read, then write" cannot
    # fail half-way with "database is locked".
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,
    # The near-duplicate index writes to a thousand places at once. A log of 128 MB rather than 4 takes many of those
    # to one page before the page is copied back.
    "init_command": (
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-32000; PRAGMA wal_autocheckpoint=32000;"
    ),
}


def text(name: str, default: str = "") -> str:
    """The value of NAME, or the content of the file that NAME_FILE names."""
    file = os.environ.get(f"{name}_FILE")
    if not file:
        return os.environ.get(name, default)
    if os.environ.get(name):
        raise ImproperlyConfigured(f"Set {name} or {name}_FILE, not both.")
    try:
        return Path(file).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ImproperlyConfigured(f"{name}_FILE: cannot read {file}: {error.strerror}.") from error


def words(name: str) -> list[str]:
    return [word.strip() for word in text(name).split(",") if word.strip()]


def generated_once(path: Path) -> str:
    """A random secret kept in ``path`` (mode 600), made on first use; safe when two processes start at once."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_urlsafe(64))
    try:
        # A link fails if the name exists: whoever is first wins, everybody reads the winner.
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    return path.read_text(encoding="utf-8").strip()


def database(url: str, *, prepares: bool = True) -> dict[str, Any]:
    """Django's settings of the database at ``url``, with what we ask of each kind.

    ``prepares``: not behind a pooler that gives each transaction another connection and knows no prepared statements.
    """
    config: dict[str, Any] = dict(dj_database_url.parse(url, conn_max_age=60, conn_health_checks=True))
    if config["ENGINE"].endswith("sqlite3"):
        config["OPTIONS"] = SQLITE_OPTIONS | config.get("OPTIONS", {})
        Path(config["NAME"]).parent.mkdir(parents=True, exist_ok=True)
    else:
        config["OPTIONS"] = (POSTGRES_OPTIONS if prepares else {}) | config.get("OPTIONS", {})
    return config
