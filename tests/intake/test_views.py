"""The import pages: upload, look, commit; and who may."""

from __future__ import annotations

import json
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connections
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.accounts.models import User
from apps.core.uploads import Upload
from apps.intake import services
from apps.intake.models import Import, ImportRole
from apps.leakage.services import add_fingerprints, ensure_corpus
from apps.records.models import Record
from apps.specs.models import Project, Role, Standing
from tests import factories

pytestmark = pytest.mark.django_db(databases=["default", "leakage", "holdout"])

ROWS = b"text,category\nwhere is my refund,refund\n,refund\nreset my password,account\n"


@pytest.fixture
def project() -> Project:
    return factories.make_project()


@pytest.fixture
def lead(project: Project, client: Client) -> User:
    user = factories.make_member(project, Role.LEAD)
    client.force_login(user)
    return user


def url(name: str, project: Project, *args: object) -> str:
    return reverse(f"intake:{name}", args=[project.slug, *args])


def upload(content: bytes = ROWS, name: str = "tickets.csv") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content)


def staged(project: Project, content: bytes = ROWS) -> Import:
    return services.stage_import(
        project=project, role=ImportRole.TRAIN, upload=Upload("tickets.csv", content), actor=None
    )


@pytest.mark.usefixtures("lead")
def test_an_upload_leads_to_its_preview_and_writes_no_record(project: Project, client: Client) -> None:
    response = client.post(url("import-stage", project), {"file": upload(), "role": "train"}, follow=True)
    page = response.content.decode()
    assert "2 rows can come in as train" in page
    assert "where is my refund" in page
    assert "&#x27;text&#x27; is empty." in page
    assert not Record.objects.exists()


def test_a_commit_imports_and_the_preview_is_gone(project: Project, client: Client, lead: User) -> None:
    import_ = staged(project)
    response = client.post(url("import-commit", project, import_.uuid), follow=True)
    page = response.content.decode()
    assert "Imported 2 rows of tickets.csv." in page
    assert "where is my refund" not in page
    assert Record.objects.count() == 2
    assert Record.objects.first().events.get().actor == lead  # type: ignore[union-attr]


@pytest.mark.usefixtures("lead")
def test_committing_twice_is_409_and_says_so(project: Project, client: Client) -> None:
    import_ = staged(project)
    client.post(url("import-commit", project, import_.uuid))
    response = client.post(url("import-commit", project, import_.uuid))
    assert response.status_code == 409
    assert "imported or discarded already" in response.content.decode()
    assert Record.objects.count() == 2


@pytest.mark.usefixtures("lead")
def test_near_rows_are_dropped_when_the_lead_ticks_the_box(project: Project, client: Client) -> None:
    corpus = ensure_corpus(corpus_uuid=uuid4(), project_uuid=project.uuid, name="holdout")
    add_fingerprints(corpus_uuid=corpus.uuid, items=[(uuid4(), "Card lost. What should I do now?")])
    import_ = staged(
        project, b"text,category\nPhone gone. What should I do now?,x\nquite different words,x\n"
    )
    assert (
        "nearly like a holdout row"
        in client.get(url("import-detail", project, import_.uuid)).content.decode()
    )
    client.post(url("import-commit", project, import_.uuid), {"drop_near": "on"})
    assert [record.input["text"] for record in Record.objects.all()] == ["quite different words"]


@pytest.mark.usefixtures("lead")
@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"role": "train"}, "This field is required"),
        ({"file": upload(b"PK\x03\x04", "t.xlsx"), "role": "train"}, "Upload plain CSV or JSONL"),
        ({"file": upload(b"", "t.csv"), "role": "train"}, "empty"),
        ({"file": upload(), "role": "nonsense"}, "not one of the available choices"),
        ({"file": upload(), "role": "candidates"}, "Say which gap"),
    ],
)
def test_a_bad_upload_is_422_with_the_reason(
    project: Project, client: Client, data: dict[str, object], message: str
) -> None:
    response = client.post(url("import-stage", project), data)
    assert response.status_code == 422
    assert message in response.content.decode()
    assert not Import.objects.exists()


@pytest.mark.usefixtures("lead")
def test_candidates_for_a_project_that_is_not_ready_are_422_naming_what_is_missing(
    project: Project, client: Client
) -> None:
    gap = factories.make_gap(project)
    data = {"file": upload(b"{}", "c.jsonl"), "role": "candidates", "gap": gap.pk}
    response = client.post(url("import-stage", project), data)
    assert response.status_code == 422
    assert "a frozen holdout" in response.content.decode()


@pytest.mark.usefixtures("lead")
def test_candidates_of_a_sandbox_come_in_by_page(client: Client) -> None:
    project = factories.make_project(standing=Standing.SANDBOX)
    client.force_login(factories.make_member(project, Role.LEAD))
    line = {
        "input": {"text": "give it back"},
        "output": {"label": "refund"},
        "generator_provider": "elsewhere",
        "generator_model": "m",
        "generator_model_family": "f",
        "prompt_version": "p v1",
    }
    data = {
        "file": upload(json.dumps(line).encode(), "c.jsonl"),
        "role": "candidates",
        "gap": factories.make_gap(project).pk,
        "origin": "a colleague",
    }
    client.post(url("import-stage", project), data)
    client.post(url("import-commit", project, Import.objects.get().uuid))
    assert Record.objects.get().generator_provider == "elsewhere"
    assert Import.objects.get().origin == "a colleague"


@pytest.mark.usefixtures("lead")
def test_columns_can_be_mapped_on_the_page_without_javascript(project: Project, client: Client) -> None:
    import_ = staged(project, b"utterance_en,bucket,channel\nwhere is it,shipping,mail\n")
    assert "Say which column" in client.get(url("import-detail", project, import_.uuid)).content.decode()
    data = {"column_0": "input.text", "column_1": "output.label", "column_2": "tags.channel"}
    response = client.post(url("import-map", project, import_.uuid), data, follow=True)
    assert "1 row can come in as train" in response.content.decode()
    client.post(url("import-commit", project, import_.uuid))
    assert Record.objects.get().axes == {"channel": "mail"}


@pytest.mark.usefixtures("lead")
def test_htmx_gets_the_changed_part_alone(project: Project, client: Client) -> None:
    import_ = staged(project)
    data = {"column_0": "input.text", "column_1": "output.label"}
    response = client.post(url("import-map", project, import_.uuid), data, headers={"HX-Request": "true"})
    page = response.content.decode()
    assert response.status_code == 200
    assert "<html" not in page
    assert 'id="look"' in page


@pytest.mark.usefixtures("lead")
@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"column_0": "input.text"}, "Nothing is mapped to the output"),
        ({"column_0": "input.text", "column_1": "input.text"}, "input.text is mapped twice"),
        ({"column_0": "input.text", "column_1": "nonsense"}, "not one of the available choices"),
    ],
)
def test_a_mapping_that_cannot_be_used_is_422_and_keeps_the_old_one(
    project: Project, client: Client, data: dict[str, str], message: str
) -> None:
    import_ = staged(project)
    response = client.post(url("import-map", project, import_.uuid), data)
    assert response.status_code == 422
    assert message in response.content.decode()
    import_.refresh_from_db()
    assert import_.mapping == {"input.text": "text", "output.label": "category"}


@pytest.mark.usefixtures("lead")
def test_a_discarded_file_is_gone(project: Project, client: Client) -> None:
    import_ = staged(project)
    response = client.post(url("import-discard", project, import_.uuid), follow=True)
    assert "was discarded" in response.content.decode()
    assert client.get(url("import-detail", project, import_.uuid)).status_code == 404


@pytest.mark.usefixtures("lead")
def test_every_refused_row_is_in_the_csv_and_none_starts_a_formula(project: Project, client: Client) -> None:
    content = b"text,category\n" + b",x\n" * 300
    import_ = staged(project, content)
    Import.objects.update(refused=[*import_.refused, {"line": 999, "reason": "=1+1"}])
    lines = client.get(url("import-refused", project, import_.uuid)).content.decode().splitlines()
    assert len(lines) == 302
    assert lines[1] == "2,'text' is empty."
    assert lines[-1] == "999,'=1+1"


@pytest.mark.usefixtures("lead")
def test_text_of_a_row_is_shown_as_text(project: Project, client: Client) -> None:
    import_ = staged(project, b'text,category\n"<img src=x onerror=alert(1)> hello",x\n')
    page = client.get(url("import-detail", project, import_.uuid)).content.decode()
    assert "<img src=x" not in page
    assert "&lt;img src=x" in page


def test_the_pages_cost_the_same_queries_however_many_rows(
    project: Project, client: Client, lead: User
) -> None:
    counts = []
    for size in (10, 1000):
        import_ = staged(
            project, b"text,category\n" + b"".join(b"t %d %d,x\n" % (size, n) for n in range(size))
        )
        with CaptureQueriesContext(connections["default"]) as captured:
            client.get(url("import-detail", project, import_.uuid))
        counts.append(len(captured))
    assert counts[0] == counts[1] <= 8


def test_another_projects_import_is_404(project: Project, client: Client, lead: User) -> None:
    foreign = staged(factories.make_project())
    for name in ("import-detail", "import-refused"):
        assert client.get(url(name, project, foreign.uuid)).status_code == 404
    for name in ("import-map", "import-commit", "import-discard"):
        assert client.post(url(name, project, foreign.uuid)).status_code == 404
    assert Import.objects.get().committed_at is None


@pytest.mark.parametrize("role", [Role.REVIEWER, Role.MANAGER])
def test_only_a_lead_may_import(project: Project, client: Client, role: Role) -> None:
    client.force_login(factories.make_member(project, role))
    import_ = staged(project)
    assert client.get(url("import-new", project)).status_code == 403
    assert client.get(url("import-detail", project, import_.uuid)).status_code == 403
    assert client.post(url("import-commit", project, import_.uuid)).status_code == 403


def test_the_guide_is_published_from_its_page_and_its_examples_become_seeds(
    project: Project, client: Client
) -> None:
    client.force_login(factories.make_member(project, Role.ADMIN))
    assert client.post(url("guide-publish", project)).status_code == 404
    factories.make_guide(project, published=False)
    client.post(url("guide-publish", project))
    assert project.published_guide() is not None
    assert Record.objects.seeds().count() == 3
