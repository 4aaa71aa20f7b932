"""The process that talks to generators can read neither a holdout row nor a fingerprint, even when it tries."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest
from django.apps import apps

from synthreview import wall
from tests.wall.cluster import ROLES, postgres_cluster
from tests.wall.installation import CANARY, Installation

KEY = "a leakage key of thirty-two bytes and more"
SECRET_WORDS = CANARY.split()
MODELS_BEHIND_THE_WALL = 9


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """The embedded default: nothing is configured, everything lies under var/."""
    installation = Installation(tmp_path_factory.mktemp("embedded"))
    installation.fill()
    return installation


def protected_strings(installation: Installation) -> list[str]:
    """What must not be in sight: texts, paths to the two databases, the key."""
    var = installation.folder / "var"
    key = (var / "leakage" / "key").read_text().strip()
    return [*SECRET_WORDS, str(var / "holdout"), str(var / "leakage"), key]


@pytest.mark.sqlite
def test_embedded_generation_sees_no_row_no_path_and_no_key(embedded: Installation) -> None:
    report = embedded.intrude("generation", {})
    assert report["databases"] == ["default"]
    assert len(report["orm"]) == MODELS_BEHIND_THE_WALL
    assert {answer.split(":")[0] for answer in report["orm"].values()} == {"ConnectionDoesNotExist"}
    assert report["screening"].startswith("ConnectionDoesNotExist")
    assert [secret for secret in protected_strings(embedded) if secret in report["in_sight"]] == []


@pytest.mark.sqlite
def test_the_negative_control_the_same_intruder_finds_them_where_they_may_be(embedded: Installation) -> None:
    report = embedded.intrude("evaluation", {})
    assert report["databases"] == ["default", "holdout", "leakage"]
    assert CANARY in report["orm"]["holdout.HoldoutRecord"]
    assert "outcome='leak'" in report["screening"]
    assert {*protected_strings(embedded)} - {*SECRET_WORDS} == {
        secret for secret in protected_strings(embedded) if secret in report["in_sight"]
    }


@pytest.mark.sqlite
def test_embedded_validation_may_ask_for_leaks_but_reads_no_holdout_row(embedded: Installation) -> None:
    report = embedded.intrude("validation", {})
    assert "outcome='leak'" in report["screening"]
    assert report["orm"]["holdout.HoldoutRecord"].startswith("ConnectionDoesNotExist")
    assert str(embedded.folder / "var" / "holdout") not in report["in_sight"]
    assert [word for word in SECRET_WORDS if word in str(report)] == []


def forbidden() -> list[tuple[str, str]]:
    return [(process, name) for process in sorted(wall.ALLOWED) for name in wall.forbidden_variables(process)]


def test_the_generation_process_is_forbidden_every_spelling() -> None:
    assert set(wall.forbidden_variables("generation")) == {
        "HOLDOUT_DATABASE_URL",
        "HOLDOUT_DATABASE_URL_FILE",
        "LEAKAGE_DATABASE_URL",
        "LEAKAGE_DATABASE_URL_FILE",
        "LEAKAGE_KEY",
        "LEAKAGE_KEY_FILE",
    }


@pytest.mark.parametrize(("process", "variable"), forbidden())
def test_a_process_refuses_to_start_with_what_it_must_not_have(
    process: str, variable: str, tmp_path: Path
) -> None:
    done = Installation(tmp_path).run(process, "check", **{variable: "sqlite:////tmp/anything"})
    assert done.returncode != 0
    assert f"The {process} process must not be given {variable}" in done.stderr


# --- PostgreSQL: the roles enforce it, whatever the process knows.


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with postgres_cluster() as addresses:
        installation = Installation(tmp_path_factory.mktemp("team"), addresses | {"LEAKAGE_KEY": KEY})
        installation.fill()
        yield installation


def with_database(address: str, database: str) -> str:
    return urlunsplit(urlsplit(address)._replace(path=f"/{database}"))


def as_role(address: str, role: str) -> str:
    """The same password, another role."""
    parts = urlsplit(address)
    return urlunsplit(
        parts._replace(netloc=parts.netloc.replace(f"{parts.username}:", f"{role}:", 1), path=f"/{role}")
    )


@pytest.mark.postgres
def test_team_generation_sees_no_row_no_address_and_no_key(team: Installation) -> None:
    own = team.addresses["DATABASE_URL"]
    report = team.intrude("generation", {}, DATABASE_URL=own)
    assert report["databases"] == ["default"]
    assert {answer.split(":")[0] for answer in report["orm"].values()} == {"ConnectionDoesNotExist"}
    others = [team.addresses[name] for name in ("LEAKAGE_DATABASE_URL", "HOLDOUT_DATABASE_URL")]
    passwords = [str(urlsplit(address).password) for address in others]
    secrets = [*SECRET_WORDS, *ROLES.values(), KEY, *passwords]
    secrets.remove("synthreview")
    assert [secret for secret in secrets if secret in report["in_sight"]] == []


@pytest.mark.postgres
def test_its_role_is_refused_by_the_other_databases_however_it_connects(team: Installation) -> None:
    own = team.addresses["DATABASE_URL"]
    databases = [ROLES["LEAKAGE_DATABASE_URL"], ROLES["HOLDOUT_DATABASE_URL"], "postgres", "template1"]
    by_database = {database: with_database(own, database) for database in databases}
    by_role = {role: as_role(own, role) for role in databases[:2]}
    report = team.intrude(
        "generation", {"addresses": [own, *by_database.values(), *by_role.values()]}, DATABASE_URL=own
    )
    answers = report["connections"]
    assert answers[own].startswith("read: ")
    for database, address in by_database.items():
        assert f'permission denied for database "{database}"' in answers[address]
    for role, address in by_role.items():
        assert f'password authentication failed for user "{role}"' in answers[address]


@pytest.mark.postgres
def test_its_role_can_do_nothing_on_the_server_that_leads_around_the_wall(team: Installation) -> None:
    statements = [
        "SET ROLE synthreview_holdout",
        "COPY (SELECT 1) TO PROGRAM 'cat'",
        "SELECT pg_read_file('PG_VERSION')",
        "ALTER ROLE synthreview SUPERUSER",
        "CREATE ROLE another SUPERUSER LOGIN",
        "CREATE DATABASE another",
        "SELECT rolpassword FROM pg_authid",
    ]
    report = team.intrude(
        "generation", {"statements": statements}, DATABASE_URL=team.addresses["DATABASE_URL"]
    )
    refusals = {statement: answer for statement, answer in report["sql"].items() if "denied" not in answer}
    assert refusals == {}


@pytest.mark.postgres
def test_the_negative_control_each_role_reads_its_own_database(team: Installation) -> None:
    report = team.intrude(
        "evaluation", {"addresses": [team.addresses[name] for name in ROLES]}, **team.addresses
    )
    assert CANARY in report["orm"]["holdout.HoldoutRecord"]
    assert all(answer.startswith("read: ") for answer in report["connections"].values())


@pytest.mark.postgres
def test_a_team_process_without_the_addresses_of_its_row_does_not_start(team: Installation) -> None:
    own = {"DATABASE_URL": team.addresses["DATABASE_URL"]}
    done = team.run("evaluation", "check", **own)
    assert done.returncode != 0
    assert "the evaluation process needs HOLDOUT_DATABASE_URL" in done.stderr


def test_models_behind_the_wall_are_counted() -> None:
    """The number above is not older than the models."""
    behind = [model for model in apps.get_models() if model._meta.app_label in {"holdout", "leakage"}]
    assert len(behind) == MODELS_BEHIND_THE_WALL
