"""deploy/postgres/init.sh says what it lacks before it touches a server."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.wall.cluster import INIT

# Stands in for psql: what is tried here must be refused before the server is asked for the last database.
NO_SERVER = "#!/bin/sh\nexit 0\n"


@pytest.fixture
def programs(tmp_path: Path) -> str:
    psql = tmp_path / "psql"
    psql.write_text(NO_SERVER)
    psql.chmod(0o700)
    return f"{tmp_path}:{os.environ['PATH']}"


def init(programs: str, **addresses: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [INIT], env={"PATH": programs} | addresses, capture_output=True, text=True, check=False
    )


GOOD = {
    "DATABASE_URL": "postgresql://a:1@db/a",
    "LEAKAGE_DATABASE_URL": "postgresql://b:2@db/b",
    "HOLDOUT_DATABASE_URL": "postgresql://c:3@db/c",
}


def test_three_good_addresses_are_enough(programs: str) -> None:
    assert init(programs, **GOOD).returncode == 0


@pytest.mark.parametrize("missing", GOOD)
def test_a_missing_address_is_named(programs: str, missing: str) -> None:
    done = init(programs, **{name: value for name, value in GOOD.items() if name != missing})
    assert done.returncode != 0
    assert f"set {missing} or {missing}_FILE" in done.stderr


@pytest.mark.parametrize("bad", ["postgresql://db/c", "postgresql://c@db/c", "postgresql://c:3@db/"])
def test_an_address_without_role_password_or_database_is_refused(programs: str, bad: str) -> None:
    done = init(programs, **GOOD | {"HOLDOUT_DATABASE_URL": bad})
    assert done.returncode != 0
    assert "HOLDOUT_DATABASE_URL is not postgresql://ROLE:PASSWORD@HOST/DATABASE" in done.stderr


def test_two_addresses_of_one_role_are_refused(programs: str) -> None:
    done = init(programs, **GOOD | {"HOLDOUT_DATABASE_URL": "postgresql://a:1@db/c"})
    assert done.returncode != 0
    assert "names the role a, which another address has already" in done.stderr
