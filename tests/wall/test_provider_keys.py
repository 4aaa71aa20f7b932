"""A canary key is used by a real SDK and then looked for everywhere (threat 41): rows, files, logs, pages, tasks."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.db import models
from django.test import Client
from django.urls import reverse

from apps.core.errors import DomainError
from apps.generation.planning import plan_run
from apps.generation.services import start_run
from apps.operations.serving import _environment
from apps.operations.work import work_once
from apps.providers.keys import MissingKeyError, check_key_name, read_key, without_keys
from apps.specs.models import Role
from apps.submissions.models import Submission
from tests import factories
from tests.generation.scene import time_passes
from tests.providers.matrix import make_run, worker_environment
from tests.providers.rigs import KEY, RIGS, Rig
from tests.providers.standins.base import Behaviour

pytestmark = pytest.mark.django_db(databases=["default", "leakage", "holdout"])
NETWORK = [name for name in RIGS if name != "vertex"]


@pytest.fixture(params=NETWORK)
def rig(request: pytest.FixtureRequest) -> Iterator[Rig]:
    with RIGS[request.param]() as rig, worker_environment(rig):
        yield rig


def every_row() -> Iterator[str]:
    """All text of the database, row by row."""
    for model in apps.get_models():
        if model._meta.app_label in {"holdout", "leakage"}:
            continue
        rows: models.QuerySet[Any] = model._default_manager.all()
        for row in rows.values():
            yield f"{model._meta.label}: {row}"


def every_file() -> Iterator[tuple[str, bytes]]:
    for path in Path(settings.FILES_DIR).rglob("*"):
        if path.is_file():
            yield str(path), path.read_bytes()


def hits(text: str = "") -> list[str]:
    found = [row[:200] for row in every_row() if KEY in row]
    found += [name for name, content in every_file() if KEY.encode() in content]
    return found + ([text[:200]] if KEY in text else [])


def test_a_quoted_key_is_nowhere_afterwards(
    rig: Rig, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    """The hardest case: the server quotes the key in its refusal, and says it again in a dropped answer's place."""
    caplog.set_level(logging.DEBUG)
    body = {"message": f"bad key {KEY}", "error": {"message": f"bad key {KEY}", "code": 401}}
    headers = {"x-amzn-errortype": "AccessDeniedException"}
    run = start_run(run=make_run(rig), actor=None)
    plan_run(run.pk)
    rig.server.behaviour = Behaviour(refuse=(401, body, headers), every_time=True)
    for _ in range(4):
        time_passes()
        work_once("validation")
        work_once("generation")
    assert any("bad key" in row for row in every_row()), "the refusal itself must be there to be read"
    client.force_login(factories.make_member(run.project, Role.LEAD, Role.ADMIN))
    page = client.get(reverse("reports:run-detail", args=[run.project.slug, run.pk])).content.decode()
    admin = client.get(reverse("admin:submissions_connection_changelist")).content.decode()
    ours = "\n".join(record.getMessage() for record in caplog.records if record.name.startswith("apps."))
    assert hits(page + admin + ours) == []
    assert Submission.objects.filter(run_uuid=run.uuid).exists()


def test_the_search_would_find_it() -> None:
    """The negative control."""
    factories.make_project(name=f"named after {KEY}")
    assert len(hits(f"a page with {KEY}")) == 2


def test_the_server_did_get_the_key(rig: Rig) -> None:
    """Or nothing above would mean anything. (AWS signs with its key and sends the id alone.)"""
    run = start_run(run=make_run(rig), actor=None)
    plan_run(run.pk)
    work_once("validation")
    work_once("generation")
    assert any(KEY in value for call in rig.server.calls for value in call.headers.values())


def test_only_the_generation_process_is_given_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEAM_OPENAI_API_KEY", KEY)
    monkeypatch.setenv("VERTEX_CREDENTIALS_FILE", "/somewhere")
    for process in ("web", "validation", "evaluation"):
        given = _environment(process, 8000)
        assert KEY not in given.values()
        assert "VERTEX_CREDENTIALS_FILE" not in given
    assert _environment("generation", 8000)["TEAM_OPENAI_API_KEY"] == KEY


@pytest.mark.parametrize(
    "name", ["SECRET_KEY", "LEAKAGE_KEY", "DATABASE_URL", "PATH", "a_API_KEY", "X_API_KEY\n"]
)
def test_a_name_that_could_point_at_a_secret_of_ours_is_refused(name: str) -> None:
    with pytest.raises(DomainError, match="cannot name a provider key"):
        check_key_name(name)


def test_a_missing_key_is_named_and_a_file_is_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(MissingKeyError, match="NOBODYS_API_KEY or NOBODYS_API_KEY_FILE"):
        read_key("NOBODYS_API_KEY")
    file = tmp_path / "key"
    file.write_text(f"{KEY}-of-a-file\n")
    monkeypatch.setenv("NOBODYS_API_KEY_FILE", str(file))
    assert read_key("NOBODYS_API_KEY") == f"{KEY}-of-a-file"
    assert without_keys(f"Incorrect key {KEY}-of-a-file!") == "Incorrect key [key]!"
