"""The guide's page and the gaps' pages."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import User
from apps.specs.models import Gap, GapStatus, LabelGuide, Project, Role
from tests import factories

pytestmark = pytest.mark.django_db(databases=["default", "leakage", "holdout"])


@pytest.fixture
def project() -> Project:
    return factories.make_project(name="Router")


@pytest.fixture
def lead(project: Project, client: Client) -> User:
    user = factories.make_member(project, Role.LEAD)
    client.force_login(user)
    return user


def gap_data(**values: Any) -> dict[str, Any]:
    gap = {
        "name": "Refund disputes",
        "target_labels": ["refund"],
        "why": "Recall 0.3 on dev.",
        "target_count": 20,
    }
    return gap | values


def queries_of(client: Client, path: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert client.get(path).status_code == 200
    return len(captured)


# --- Guide


def test_the_guide_shows_what_counts_what_does_not_and_real_examples(
    client: Client, lead: User, project: Project
) -> None:
    factories.make_guide(project, "refund", "billing")
    page = client.get("/p/router/guide/").content.decode()
    for text in (
        "Label guide v1",
        "writes about refund",
        "Anything plainly about refund",
        "A real ticket about refund",
    ):
        assert text in page
    assert "Something else → another label" in page


def test_a_project_without_a_guide_says_what_to_do(client: Client, lead: User) -> None:
    assert "No guide is published" in client.get("/p/router/guide/").content.decode()


def test_what_a_draft_lacks_stands_above_the_guide(client: Client, lead: User, project: Project) -> None:
    factories.make_guide(project, "refund", "billing")
    draft = factories.make_guide(project, "refund", "billing", published=False)
    draft.labels.filter(name="billing").update(definition="")
    page = client.get("/p/router/guide/").content.decode()
    assert "Draft v2 cannot be published yet" in page
    assert "billing: a definition" in page
    assert "Label guide v1" in page


def test_text_from_a_guide_file_is_shown_and_never_run(client: Client, lead: User, project: Project) -> None:
    guide = factories.make_guide(project, "refund", "billing", published=False)
    guide.labels.update(definition="<img src=x onerror=alert(1)>")
    LabelGuide.objects.update(status="published")
    page = client.get("/p/router/guide/").content.decode()
    assert "<img src=x" not in page
    assert "&lt;img src=x onerror=alert(1)&gt;" in page


def test_a_new_draft_is_a_copy_to_be_edited_in_the_admin(
    client: Client, lead: User, project: Project
) -> None:
    factories.make_guide(project, "refund", "billing")
    response = client.post("/p/router/guide/draft/")
    draft = LabelGuide.objects.get(version=2)
    assert response.headers["Location"] == f"/admin/specs/labelguide/{draft.pk}/change/"
    assert client.get(response.headers["Location"]).status_code == 200
    assert client.post("/p/router/guide/draft/").status_code == 409


def test_the_page_asks_as_often_for_forty_labels_as_for_two(
    client: Client, lead: User, project: Project
) -> None:
    factories.make_guide(project, "refund", "billing")
    few = queries_of(client, "/p/router/guide/")
    factories.make_guide(project, *(f"label {number}" for number in range(40)))
    assert queries_of(client, "/p/router/guide/") == few


# --- Gaps


def test_a_lead_names_a_gap_and_lands_on_it(client: Client, lead: User, project: Project) -> None:
    factories.make_guide(project, "refund", "billing")
    data = gap_data(axes="tone: angry, polite\n\nlength: one word", realism=["typos"])
    response = client.post("/p/router/gaps/new/", data)
    gap = Gap.objects.get()
    assert response.headers["Location"] == "/p/router/gaps/refund-disputes/"
    assert (gap.axes, gap.realism) == ({"tone": ["angry", "polite"], "length": ["one word"]}, ["typos"])
    assert (gap.status, gap.slice_hash) == (GapStatus.DRAFT, "")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"target_labels": ["spam"]}, "spam is not one of the available choices"),
        ({"target_labels": []}, "This field is required"),
        ({"why": ""}, "This field is required"),
        ({"target_count": 0}, "greater than or equal to 1"),
        ({"axes": "tone angry"}, "Line 1: write “name: value, value”."),
        ({"axes": "tone: angry\n: x"}, "Line 2: write “name: value, value”."),
        ({"axes": "tone: angry\ntone: polite"}, "Line 2: the axis “tone” is there already."),
    ],
)
def test_what_is_wrong_with_a_gap_is_said_beside_what_was_typed(
    client: Client, lead: User, project: Project, change: dict[str, Any], said: str
) -> None:
    factories.make_guide(project, "refund", "billing")
    response = client.post("/p/router/gaps/new/", gap_data(**change))
    page = response.content.decode()
    assert response.status_code == 422
    assert said in page
    assert 'value="Refund disputes"' in page
    assert not Gap.objects.exists()


def test_a_name_is_taken_once(client: Client, lead: User, project: Project) -> None:
    factories.make_guide(project, "refund", "billing")
    client.post("/p/router/gaps/new/", gap_data())
    response = client.post("/p/router/gaps/new/", gap_data())
    assert (response.status_code, Gap.objects.count()) == (422, 1)


def test_a_gap_is_opened_and_closed_and_never_twice(client: Client, lead: User, project: Project) -> None:
    factories.make_guide(project, "refund", "billing")
    client.post("/p/router/gaps/new/", gap_data())
    assert [client.post("/p/router/gaps/refund-disputes/open/").status_code for _ in range(2)] == [302, 409]
    assert Gap.objects.get().opened_by == lead
    assert [client.post("/p/router/gaps/refund-disputes/close/").status_code for _ in range(2)] == [302, 409]


def test_why_a_gap_cannot_be_opened_is_said(client: Client, lead: User, project: Project) -> None:
    factories.make_gap(project, status="draft", slice_hash="", slice_predicate={})
    response = client.post("/p/router/gaps/refund-gap/open/")
    assert response.status_code == 422
    assert "label guide: publish one first" in response.content.decode()


def test_a_gap_of_another_project_is_not_there(client: Client, lead: User, project: Project) -> None:
    factories.make_gap(factories.make_project(), status="draft", slice_hash="", slice_predicate={})
    for what in ("open", "close"):
        assert client.post(f"/p/router/gaps/refund-gap/{what}/").status_code == 404


@pytest.mark.parametrize(
    "path", ["gaps/new/", "guide/draft/", "gaps/refund-gap/open/", "gaps/refund-gap/close/"]
)
def test_looking_changes_nothing(client: Client, lead: User, project: Project, path: str) -> None:
    factories.make_gap(project, status="draft", slice_hash="", slice_predicate={})
    assert client.get(f"/p/router/{path}").status_code == 405


def test_a_reviewer_reads_and_is_offered_no_form(client: Client, project: Project) -> None:
    factories.make_guide(project, "refund", "billing")
    factories.make_gap(project)
    client.force_login(factories.make_member(project, Role.REVIEWER))
    for path in ("guide/", "gaps/"):
        page = client.get(f"/p/router/{path}").content.decode()
        assert 'action="/p/router/' not in page


def test_the_list_asks_as_often_for_thirty_gaps_as_for_one(
    client: Client, lead: User, project: Project
) -> None:
    factories.make_gap(project)
    few = queries_of(client, "/p/router/gaps/")
    for number in range(30):
        factories.make_gap(project, name=f"gap {number}")
    assert queries_of(client, "/p/router/gaps/") == few
