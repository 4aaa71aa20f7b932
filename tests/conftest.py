"""Shared fixtures. The databases come from the environment: none means SQLite under a temporary var/."""

from __future__ import annotations

import os
import tempfile

# Before Django reads its settings: tests never touch the var/ of a developer.
os.environ.setdefault("SYNTHREVIEW_VAR", tempfile.mkdtemp(prefix="synthreview-tests-"))
os.environ.setdefault("SECRET_KEY", "only for tests")

import pytest
from django.db import connection


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
