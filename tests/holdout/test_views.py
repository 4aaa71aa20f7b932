"""The holdout page shows counts and the rule; a lead sees the file until it is committed, and nobody afterwards."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connections
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.holdout import services
from apps.holdout.imports import stage_holdout_import
from apps.holdout.models import HoldoutImport, HoldoutRecord, HoldoutSet
from apps.holdout.rules import FreezeTerms
from apps.specs.models import HoldoutSeal, Project, Role
from tests import factories
from tests.holdout.rows import ROWS, csv_of, import_holdout

pytestmark = pytest.mark.django_db(databases=["default", "leakage", "holdout"])

FREEZE = {
    "rare": ["refund"],
    "common": ["billing"],
    "delta": "0.02",
    "alpha": "0.05",
    "looks": "5",
    "understood": "on",
}


def url(name: str, project: Project, *args: object) -> str:
    return reverse(f"holdout:{name}", args=[project.slug, *args])


def sign_in(client: Client, project: Project, *roles: Role) -> None:
    client.force_login(factories.make_member(project, *roles))


def page_of(client: Client, project: Project) -> str:
    return client.get(url("holdout-detail", project)).content.decode()


def freeze(project: Project) -> HoldoutSet:
    terms = FreezeTerms(rare=["refund"], common=["billing"])
    return services.continue_freeze(holdout=services.begin_freeze(project=project, terms=terms, actor=None))


def test_an_empty_project_is_told_to_import_first(project: Project, client: Client) -> None:
    sign_in(client, project, Role.LEAD)
    page = page_of(client, project)
    assert "Import the holdout" in page
    assert "Freeze" not in page


def test_upload_preview_commit(project: Project, client: Client) -> None:
    sign_in(client, project, Role.LEAD)
    file = SimpleUploadedFile("holdout.csv", csv_of(*ROWS, ("", "refund")).content)
    look = client.post(url("import-stage", project), {"file": file}, follow=True).content.decode()
    assert "4 rows can come into the holdout" in look
    assert ROWS[0][0] in look
    assert not HoldoutRecord.objects.exists()
    done = client.post(
        url("import-commit", project, HoldoutImport.objects.get().uuid), follow=True
    ).content.decode()
    assert "4 rows came into the holdout" in done
    assert ROWS[0][0] not in done
    assert ROWS[0][0] not in page_of(client, project)


def test_columns_are_mapped_by_htmx_with_the_changed_part_alone(project: Project, client: Client) -> None:
    sign_in(client, project, Role.LEAD)
    import_ = stage_holdout_import(project=project, upload=csv_of(*ROWS, header="ticket,kind"), actor=None)
    data = {"column_0": "input.text", "column_1": "output.label"}
    answer = client.post(url("import-map", project, import_.uuid), data, headers={"HX-Request": "true"})
    assert "4 rows can come into the holdout" in answer.content.decode()
    assert "<html" not in answer.content.decode()
    assert client.post(url("import-map", project, import_.uuid), {"column_0": "id"}).status_code == 422
    plain = client.post(url("import-map", project, import_.uuid), data)
    assert (plain.status_code, plain.headers["Location"]) == (
        302,
        url("import-detail", project, import_.uuid),
    )


def test_a_bad_file_is_422_with_the_remedy(project: Project, client: Client) -> None:
    sign_in(client, project, Role.LEAD)
    file = SimpleUploadedFile("holdout.json", b'[{"text": "a"}]')
    answer = client.post(url("import-stage", project), {"file": file})
    assert answer.status_code == 422
    assert "one object per line" in answer.content.decode()


def test_refused_rows_download_as_csv_and_a_discarded_file_is_gone(project: Project, client: Client) -> None:
    sign_in(client, project, Role.LEAD)
    import_ = stage_holdout_import(project=project, upload=csv_of(("", "refund")), actor=None)
    lines = client.get(url("import-refused", project, import_.uuid)).content.decode().splitlines()
    assert lines == ["line,reason", "2,'text' is empty."]
    client.post(url("import-discard", project, import_.uuid))
    assert not HoldoutImport.objects.exists()


@pytest.mark.parametrize("role", [Role.LEAD, Role.MANAGER])
def test_freezing_by_page_shows_the_hash_and_no_form_any_more(
    collecting: Project, client: Client, role: Role
) -> None:
    sign_in(client, collecting, role)
    assert "This is final" in page_of(client, collecting)
    page = client.post(url("holdout-freeze", collecting), FREEZE, follow=True).content.decode()
    assert HoldoutSeal.objects.get().content_hash in page
    assert "0.05 over 5 looks: 0.01 for each" in page
    assert "Fewer than 30 rows have a rare label" in page
    assert "<form class" not in page


def test_freezing_needs_the_word_that_it_is_final(collecting: Project, client: Client) -> None:
    sign_in(client, collecting, Role.LEAD)
    data = {name: value for name, value in FREEZE.items() if name != "understood"}
    answer = client.post(url("holdout-freeze", collecting), data)
    assert answer.status_code == 422
    assert HoldoutSet.objects.get().status == "collecting"


def test_terms_that_contradict_are_422_naming_the_label(collecting: Project, client: Client) -> None:
    sign_in(client, collecting, Role.LEAD)
    answer = client.post(url("holdout-freeze", collecting), FREEZE | {"common": ["refund"]})
    assert answer.status_code == 422
    assert "cannot be rare and common" in answer.content.decode()


def test_production_shares_are_taken_from_the_form(collecting: Project, client: Client) -> None:
    sign_in(client, collecting, Role.LEAD)
    shares = {"share_rare": "0.01", "share_common": "0.9", "share_other": "0.09"}
    client.post(url("holdout-freeze", collecting), FREEZE | shares)
    assert HoldoutSet.objects.get().production_shares == {"rare": 0.01, "common": 0.9, "other": 0.09}


def test_the_boxes_are_prefilled_from_the_guide(client: Client) -> None:
    project = factories.make_project()
    factories.make_guide(project, "refund", "billing", commonness={"refund": "rare", "billing": "common"})
    import_holdout(project, ("give it back", "refund"), ("change my address", "billing"))
    sign_in(client, project, Role.MANAGER)
    form = client.get(url("holdout-detail", project)).context["freeze_form"]
    assert (form["rare"].initial, form["common"].initial) == (["refund"], ["billing"])


def test_an_overlap_is_named_and_can_be_taken_out_by_a_lead(collecting: Project, client: Client) -> None:
    record = factories.make_real(collecting, ROWS[0][0], "refund")
    sign_in(client, collecting, Role.LEAD)
    answer = client.post(url("holdout-freeze", collecting), FREEZE)
    assert answer.status_code == 422
    assert f"train row #{record.pk}" in answer.content.decode()
    page = client.post(url("overlaps-drop", collecting), follow=True).content.decode()
    assert "1 rows were taken out" in page
    assert f"#{record.pk}" not in page
    client.post(url("holdout-freeze", collecting), FREEZE)
    assert HoldoutSet.objects.get().row_count == 3


def test_freezing_twice_is_409(collecting: Project, client: Client) -> None:
    freeze(collecting)
    sign_in(client, collecting, Role.LEAD)
    assert client.post(url("holdout-freeze", collecting), FREEZE).status_code == 409


@pytest.mark.parametrize("is_frozen", [False, True])
def test_no_page_shows_a_text_of_the_holdout(collecting: Project, client: Client, is_frozen: bool) -> None:  # noqa: FBT001
    if is_frozen:
        freeze(collecting)
    sign_in(client, collecting, *Role)
    import_ = HoldoutImport.objects.get()
    pages = [
        page_of(client, collecting),
        client.get(url("import-detail", collecting, import_.uuid)).content.decode(),
        client.get(url("import-refused", collecting, import_.uuid)).content.decode(),
    ]
    assert not [text for text, _ in ROWS for page in pages if text in page]


def test_a_manager_sees_counts_but_not_the_file(collecting: Project, client: Client) -> None:
    sign_in(client, collecting, Role.MANAGER)
    import_ = HoldoutImport.objects.get()
    page = page_of(client, collecting)
    assert "holdout.csv" in page
    assert str(import_.uuid) not in page
    assert client.get(url("import-detail", collecting, import_.uuid)).status_code == 403
    assert client.post(url("import-stage", collecting)).status_code == 403
    assert client.post(url("overlaps-drop", collecting)).status_code == 403


def test_a_reviewer_is_refused_everywhere(collecting: Project, client: Client) -> None:
    sign_in(client, collecting, Role.REVIEWER)
    import_ = HoldoutImport.objects.get()
    assert client.get(url("holdout-detail", collecting)).status_code == 403
    assert client.get(url("import-detail", collecting, import_.uuid)).status_code == 403
    for name in ("holdout-freeze", "overlaps-drop", "import-stage"):
        assert client.post(url(name, collecting)).status_code == 403


def test_another_projects_holdout_is_404(collecting: Project, client: Client) -> None:
    own = factories.make_project()
    sign_in(client, own, *Role)
    import_ = HoldoutImport.objects.get()
    assert client.get(url("holdout-detail", collecting)).status_code == 404
    assert client.get(url("import-detail", collecting, import_.uuid)).status_code == 404
    assert client.get(url("import-detail", own, import_.uuid)).status_code == 404
    assert client.post(url("import-commit", own, import_.uuid)).status_code == 404


def test_the_page_costs_the_same_queries_however_many_rows(project: Project, client: Client) -> None:
    sign_in(client, project, Role.LEAD)
    counts = []
    for size in (5, 500):
        other = factories.make_project()
        factories.make_guide(other, "refund", "billing")
        factories.make_real(other, "a train row", "refund")
        import_holdout(other, *((f"ticket {number} says {number}", "refund") for number in range(size)))
        client.force_login(factories.make_member(other, Role.LEAD))
        with (
            CaptureQueriesContext(connections["default"]) as in_default,
            CaptureQueriesContext(connections["holdout"]) as in_holdout,
        ):
            client.get(url("holdout-detail", other))
        counts.append((len(in_default), len(in_holdout)))
    assert counts[0] == counts[1]
    assert counts[0][1] <= 4
