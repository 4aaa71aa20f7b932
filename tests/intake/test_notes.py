"""Rows of other tools and dialects come in with a note of what was read otherwise: in the preview and on the record."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from apps.core.uploads import Upload
from apps.holdout.imports import commit_holdout_import, stage_holdout_import
from apps.intake import services
from apps.intake.models import ImportRole
from apps.records.models import Record
from apps.specs.models import Project, Role
from tests import factories

pytestmark = pytest.mark.django_db(databases=["default", "leakage", "holdout"])

DICT = {"name": "ride", "parameters": {"type": "dict", "properties": {"to": {"type": "string"}}}}
PLAIN = {"name": "ride", "parameters": {"type": "object", "properties": {"to": {"type": "string"}}}}
CALL = {"name": "ride", "arguments": {"to": "Main St"}}
ROWS: list[dict[str, Any]] = [
    {
        "id": "1",
        "question": [[{"role": "user", "content": "Take me to Main St, quickly please"}]],
        "function": [DICT],
        "ground_truth": [{"ride": {"to": ["Main St", "Main Street"]}}],
    },
    {"id": "2", "question": "Drive me home to the harbour now", "function": [PLAIN], "ground_truth": CALL},
]
MAPPING = ["input.text=question", "input.tools=function", "output.call=ground_truth"]
DIALECT = "definition of a tool: type “dict” read as “object”"
CONVERSATION = "a conversation read as what the person says last"


def upload(rows: list[dict[str, Any]] = ROWS) -> Upload:
    return Upload("calls.jsonl", "\n".join(map(json.dumps, rows)).encode())


@pytest.fixture
def project() -> Project:
    return factories.make_project(task_type="tool_call")


def test_the_preview_and_the_record_say_what_was_read_otherwise(project: Project, client: Client) -> None:
    import_ = services.stage_import(
        project=project, role=ImportRole.TRAIN, upload=upload(), actor=None, mapping=MAPPING
    )
    notes = {each["note"]: each["rows"] for each in import_.report["notes"]}
    assert notes[DIALECT] == notes[CONVERSATION] == 1
    assert len(notes) == 3

    client.force_login(factories.make_member(project, Role.LEAD))
    address = reverse("intake:import-detail", args=[project.slug, import_.uuid])
    assert "Read otherwise than written" in client.get(address).content.decode()
    services.commit_import(import_=import_, actor=None)
    assert DIALECT in client.get(address).content.decode()

    wild, plain = Record.objects.order_by("pk")
    assert CONVERSATION in wild.events.get().reason
    assert plain.events.get().reason == "import of calls.jsonl"
    # The definition itself stays as somebody wrote it.
    assert wild.input["tools"] == [DICT]


def test_rows_in_the_shape_of_the_task_have_no_note(project: Project) -> None:
    import_ = services.stage_import(
        project=project, role=ImportRole.TRAIN, upload=upload(ROWS[1:]), actor=None, mapping=MAPPING
    )
    assert import_.report["notes"] == []


def test_candidates_carry_their_note_too() -> None:
    project = factories.make_project(task_type="redaction", standing="sandbox")
    gap = factories.make_gap(project)
    line = {
        "input": {"text": "write to me@example.org today"},
        "output": {"spans": [[9, 23, "e-mail"]]},
        "generator_provider": "x",
        "generator_model": "x-1",
        "generator_model_family": "x",
        "prompt_version": "p v1",
    }
    import_ = services.stage_import(
        project=project,
        role=ImportRole.CANDIDATES,
        upload=upload([line]),
        gap=gap,
        actor=None,
        origin="a tool",
    )
    services.commit_import(import_=import_, actor=None)
    assert "spans of another tool read as start, end and kind" in Record.objects.get().events.get().reason


def test_the_holdout_keeps_the_notes_of_its_import_and_none_of_the_texts(project: Project) -> None:
    import_ = stage_holdout_import(project=project, upload=upload(), mapping=[*MAPPING, "id=id"], actor=None)
    commit_holdout_import(project=project, import_=import_, actor=None)
    import_.refresh_from_db()
    assert {each["note"] for each in import_.report["notes"]} >= {DIALECT, CONVERSATION}
    assert import_.report["preview"] == []
