"""docker-compose.yml gives each process the addresses of its row in the wall's table, and no others."""

from __future__ import annotations

import copy
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import dj_database_url
import pytest
import yaml

from apps.operations.sweeps import SERVED_BY
from synthreview import wall

ROOT = Path(__file__).resolve().parents[2]
Compose = dict[str, Any]

# Service → the process it runs.
PROCESSES = {
    "prepare": "shell",
    "web": "web",
    "worker-generation": "generation",
    "worker-validation": "validation",
    "worker-evaluation": "evaluation",
    "beat": "beat",
}
SERVERS = {"postgres", "redis"}
SECRETS = "/run/secrets/"


@pytest.fixture
def compose() -> Compose:
    document: Compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    return document


def problems_of(compose: Compose) -> list[str]:
    """Every way in which a service is given other addresses, keys or secrets than its process may have."""
    problems = []
    for name, service in compose["services"].items():
        if name in SERVERS:
            continue
        process = PROCESSES[name]
        environment, granted = service["environment"], set(service.get("secrets", []))
        if environment.get("SYNTHREVIEW_PROCESS") != process:
            problems.append(f"{name} does not run as {process}")
        for alias, variable in wall.ADDRESS_VARIABLES.items():
            may, has = alias in wall.ALLOWED[process], f"{variable}_FILE" in environment
            if may != has:
                problems.append(f"{name} {'lacks' if may else 'has'} the address of {alias}")
        if ("LEAKAGE_KEY_FILE" in environment) != ("leakage" in wall.ALLOWED[process]):
            problems.append(f"{name}: LEAKAGE_KEY_FILE and the leakage database go together")
        named = {
            value.removeprefix(SECRETS) for value in environment.values() if str(value).startswith(SECRETS)
        }
        problems += [
            f"{name} is granted {secret}, which its environment does not name" for secret in granted - named
        ]
        problems += [f"{name} names {secret}, which it is not granted" for secret in named - granted]
        problems += [
            f"{name} has {variable} in plain text"
            for variable in (*wall.ADDRESS_VARIABLES.values(), "SECRET_KEY", "LEAKAGE_KEY")
            if variable in environment
        ]
        problems += [
            f"{name} takes {key}" for key in ("env_file", "privileged", "volumes_from") if key in service
        ]
        problems += [
            f"{name} mounts {volume}"
            for volume in service.get("volumes", [])
            if not volume.startswith("files:")
        ]
    return problems


def test_every_process_gets_its_row_and_nothing_else(compose: Compose) -> None:
    assert problems_of(compose) == []


def test_the_services_are_those_of_the_wall(compose: Compose) -> None:
    assert set(compose["services"]) == SERVERS | set(PROCESSES)
    assert set(PROCESSES.values()) == set(wall.ALLOWED)


@pytest.mark.parametrize(
    ("service", "environment", "secret", "said"),
    [
        (
            "worker-generation",
            {"HOLDOUT_DATABASE_URL_FILE": "/run/secrets/holdout_database_url"},
            "holdout_database_url",
            "worker-generation has the address of holdout",
        ),
        (
            "worker-generation",
            {"LEAKAGE_KEY_FILE": "/run/secrets/leakage_key"},
            "leakage_key",
            "worker-generation: LEAKAGE_KEY_FILE and the leakage database go together",
        ),
        (
            "worker-validation",
            {"HOLDOUT_DATABASE_URL_FILE": "/run/secrets/holdout_database_url"},
            "holdout_database_url",
            "worker-validation has the address of holdout",
        ),
        (
            "beat",
            {"LEAKAGE_DATABASE_URL_FILE": "/run/secrets/leakage_database_url"},
            "leakage_database_url",
            "beat has the address of leakage",
        ),
        (
            "beat",
            {},
            "holdout_database_url",
            "beat is granted holdout_database_url, which its environment does not name",
        ),
        ("web", {"SECRET_KEY": "x"}, None, "web has SECRET_KEY in plain text"),
    ],
)
def test_a_breach_of_the_wall_is_found(
    compose: Compose, service: str, environment: dict[str, str], secret: str | None, said: str
) -> None:
    breached = copy.deepcopy(compose)
    breached["services"][service]["environment"].update(environment)
    if secret:
        breached["services"][service]["secrets"].append(secret)
    assert said in problems_of(breached)


def start_settings(environment: dict[str, Any], folder: Path) -> subprocess.CompletedProcess[str]:
    """Loads the settings with what a service is given; says its process and the databases that it then has."""
    given = {"SYNTHREVIEW_VAR": str(folder / "var")}
    for name, value in environment.items():
        if str(value).startswith(SECRETS):
            secret = folder / value.removeprefix(SECRETS)
            secret.write_text(
                "postgresql://role:password@postgres/name" if "url" in secret.name else "k" * 64
            )
            given[name] = str(secret)
        else:
            given[name] = re.sub(r"\$\{[A-Z_]+:-(.*?)\}", r"\1", str(value))
    script = "import json; from django.conf import settings as s; print(json.dumps([s.PROCESS, sorted(s.DATABASES)]))"
    return subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "DJANGO_SETTINGS_MODULE": "synthreview.settings"} | given,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("service", PROCESSES)
def test_the_settings_start_with_what_the_service_is_given(
    compose: Compose, service: str, tmp_path: Path
) -> None:
    """The settings themselves judge the environment: an address too many or too few stops the process."""
    said = start_settings(compose["services"][service]["environment"], tmp_path)
    assert said.returncode == 0, said.stderr
    process = PROCESSES[service]
    assert json.loads(said.stdout) == [process, sorted(wall.ALLOWED[process])]


@pytest.mark.parametrize("missing", ["SECRET_KEY_FILE", "LEAKAGE_KEY_FILE", "HOLDOUT_DATABASE_URL_FILE"])
def test_a_process_of_a_team_makes_no_key_and_no_database_up(
    compose: Compose, missing: str, tmp_path: Path
) -> None:
    environment = dict(compose["services"]["web"]["environment"])
    del environment[missing]
    said = start_settings(environment, tmp_path)
    assert said.returncode != 0
    assert missing.removesuffix("_FILE") in said.stderr
    assert not (tmp_path / "var").exists()


def test_every_queue_has_a_worker_of_its_own(compose: Compose) -> None:
    served = {
        PROCESSES[name]: service["command"][service["command"].index("--queues") + 1]
        for name, service in compose["services"].items()
        if "--queues" in service.get("command", [])
    }
    assert served == {process: ",".join(queues) for process, queues in SERVED_BY.items()}


def test_only_web_is_reached_from_outside_and_only_generation_gets_out(compose: Compose) -> None:
    services = compose["services"]
    assert [name for name, service in services.items() if "ports" in service] == ["web"]
    assert compose["networks"]["inside"]["internal"] is True
    on = {name: set(service["networks"]) for name, service in services.items()}
    assert {name for name, networks in on.items() if networks & {"outward"}} == {
        "worker-generation",
        *SERVERS,
    }
    assert {name for name, networks in on.items() if networks & {"front"}} == {"web"}
    # A generation worker that is taken over finds the database and the broker, and no web server to ask.
    assert not on["worker-generation"] & on["web"]


def test_no_process_runs_with_more_than_it_needs(compose: Compose) -> None:
    for name in PROCESSES:
        service = compose["services"][name]
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name


def test_the_servers_are_what_the_documentation_promises(compose: Compose) -> None:
    assert compose["services"]["postgres"]["image"].startswith("postgres:17")
    command = " ".join(compose["services"]["redis"]["command"])
    assert "--appendonly yes" in command
    assert "--maxmemory-policy noeviction" in command


def test_files_are_shared_by_those_who_read_or_write_them(compose: Compose) -> None:
    sharing = {
        name
        for name, service in compose["services"].items()
        if "files:/srv/synthreview/files" in service.get("volumes", [])
    }
    assert sharing == set(PROCESSES) - {"beat"}


def test_every_secret_is_a_file_that_is_granted_to_somebody(compose: Compose) -> None:
    granted = {secret for service in compose["services"].values() for secret in service.get("secrets", [])}
    assert granted == set(compose["secrets"])
    assert all(set(secret) == {"file"} for secret in compose["secrets"].values())


def test_the_image_runs_unprivileged_and_holds_nothing_it_was_not_given() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()
    last_user = re.findall(r"^USER (\S+)", dockerfile, flags=re.MULTILINE)[-1]
    assert last_user == "synthreview"
    assert "--require-hashes" in dockerfile
    assert "STATIC_COLLECTED=1" in dockerfile
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert ignored[1] == "*"
    taken = {line.removeprefix("!") for line in ignored if line.startswith("!")}
    assert {path.split("/")[0] for path in taken} & {"deploy", "var", ".git", ".env", "tests"} == set()


def test_the_secrets_that_compose_names_are_made_once(compose: Compose, tmp_path: Path) -> None:
    script = tmp_path / "deploy" / "make-secrets.sh"
    script.parent.mkdir()
    shutil.copy(ROOT / "deploy" / "make-secrets.sh", script)
    folder = tmp_path / "deploy" / "secrets"
    contents = []
    for _ in range(2):
        subprocess.run([script], check=True, capture_output=True)
        contents.append(
            {path.name: path.read_text() for path in folder.iterdir() if path.name != ".gitignore"}
        )
    assert contents[0] == contents[1]
    assert set(contents[0]) == set(compose["secrets"])
    assert {f"./deploy/secrets/{name}" for name in contents[0]} == {
        secret["file"] for secret in compose["secrets"].values()
    }
    assert len(set(contents[0].values())) == len(contents[0])
    assert folder.stat().st_mode & 0o777 == 0o700


def test_each_address_has_a_role_a_password_and_a_database_of_its_own(tmp_path: Path) -> None:
    shutil.copy(ROOT / "deploy" / "make-secrets.sh", tmp_path)
    subprocess.run([tmp_path / "make-secrets.sh"], check=True, capture_output=True)
    parsed = [
        dj_database_url.parse((tmp_path / "secrets" / name).read_text())
        for name in ("database_url", "leakage_database_url", "holdout_database_url")
    ]
    for part in ("USER", "PASSWORD", "NAME"):
        assert len({str(address.get(part)) for address in parsed}) == 3, part
    assert {address.get("HOST") for address in parsed} == {"postgres"}
