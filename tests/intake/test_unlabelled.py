"""Real inputs without labels: what comes in, and what is refused with its line."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import pytest
from django.core.management import call_command

from apps.core.uploads import Upload
from apps.intake.unlabelled import import_unlabelled
from apps.leakage.services import add_fingerprints, ensure_corpus
from apps.records.models import UnlabelledInput, Use
from apps.specs.models import Project
from tests import factories

pytestmark = pytest.mark.django_db(databases=["default", "leakage"])


@pytest.fixture
def project() -> Project:
    return factories.make_project(name="Router")


def test_new_texts_come_in_and_the_others_are_named(project: Project) -> None:
    corpus = ensure_corpus(project_uuid=project.uuid, corpus_uuid=uuid4(), name="holdout")
    add_fingerprints(corpus_uuid=corpus.uuid, items=[(uuid4(), "my card was charged for the renewal again")])
    factories.make_real(project, "the invoice is wrong", "billing", use=Use.SEED)
    lines = [
        "text",
        "where is my parcel",
        "My card was charged for the renewal AGAIN",
        "the invoice is wrong",
        "where is my  parcel",
        '"  "',
    ]
    report = import_unlabelled(project=project, upload=Upload("mail.csv", "\n".join(lines).encode()))
    assert report.imported == 1
    assert [reason.split(":")[0] for reason in sorted(report.refused)] == [
        "line 3",
        "line 4",
        "line 5",
        "line 6",
    ]
    assert UnlabelledInput.objects.get().input == {"text": "where is my parcel"}


def test_the_command_says_what_it_did(
    project: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "mail.csv"
    file.write_text("body\nhello where is it\nhello where is it\n")
    call_command("import_unlabelled", "Router", str(file), map=["input.text=body"])
    said = capsys.readouterr()
    assert said.out == "1 unlabelled inputs are in; 1 rows were refused.\n"
    assert "line 3" in said.err
