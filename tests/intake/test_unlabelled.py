"""Real inputs without labels: what comes in, and what is refused with its line."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from apps.core.uploads import Upload
from apps.intake.unlabelled import import_unlabelled
from apps.leakage.services import add_fingerprints, ensure_corpus
from apps.records.models import UnlabelledInput, Use
from apps.specs.models import Project, Role
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


@pytest.fixture
def lead(client: Client, project: Project) -> Client:
    client.force_login(factories.make_member(project, Role.LEAD))
    return client


def upload(text: str, mapping: str = "input.text=body") -> dict[str, object]:
    return {"file": SimpleUploadedFile("mail.csv", text.encode()), "mapping": mapping}


def test_the_page_imports_and_names_what_it_refused(lead: Client, project: Project) -> None:
    url = reverse("intake:unlabelled-new", args=[project.slug])
    assert url in lead.get(reverse("intake:import-new", args=[project.slug])).content.decode()
    response = lead.post(url, upload("body\nhello where is it\nhello where is it\n"))
    page = response.content.decode()
    assert "1 input came in." in page
    assert "line 3: the same text is there already" in page
    assert UnlabelledInput.objects.get().source == "mail.csv"
    assert 'Wait for a label</dt><dd class="num">1<' in page


def test_a_file_that_cannot_be_read_is_refused_on_the_form(lead: Client, project: Project) -> None:
    response = lead.post(
        reverse("intake:unlabelled-new", args=[project.slug]), upload("body\nhello\n", "no mapping at all")
    )
    assert response.status_code == 422
    assert not UnlabelledInput.objects.exists()
