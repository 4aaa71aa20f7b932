"""The project home says the one next action; records are found by their provenance and show their whole life."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from apps.records.services import move_records
from apps.records.states import RecordStatus
from apps.reports.home import project_home
from apps.specs.models import Membership, Project, Role, Standing
from tests import factories

pytestmark = pytest.mark.django_db(databases=["default", "holdout", "leakage"])


def home_of(project: Project, *roles: Role) -> tuple[str, bool]:
    user = factories.make_member(project, *roles)
    home = project_home(project, Membership.objects.get(user=user))
    return home.action.title, home.is_for_me


def test_a_new_project_is_told_to_publish_its_guide() -> None:
    assert home_of(factories.make_project(), Role.LEAD) == ("Publish the label guide", True)


def test_then_to_bring_in_a_holdout() -> None:
    project = factories.make_project()
    factories.make_guide(project)
    assert home_of(project, Role.LEAD) == ("Bring in a real holdout", True)


def test_a_sandbox_needs_no_holdout() -> None:
    project = factories.make_project(standing=Standing.SANDBOX)
    factories.make_guide(project)
    assert home_of(project, Role.LEAD) == ("Name the gap", True)


def test_waiting_records_are_the_next_thing_for_a_reviewer_and_not_for_a_manager() -> None:
    project = factories.make_project(standing=Standing.SANDBOX)
    factories.make_guide(project)
    record = factories.make_candidate(factories.make_gap(project), "you renewed me without asking")
    move_records(records=[record], to=RecordStatus.AWAITING_REVIEW, actor=None)
    assert home_of(project, Role.REVIEWER) == ("Review 1 waiting record", True)
    assert home_of(project, Role.MANAGER) == ("Review 1 waiting record", False)


@pytest.mark.parametrize("size", [10, 300])
def test_the_home_asks_the_same_number_of_questions_at_any_size(
    client: Client, size: int, django_assert_num_queries: Any
) -> None:
    project = factories.make_project()
    factories.make_guide(project)
    gap = factories.make_gap(project)
    for number in range(size):
        factories.make_candidate(gap, f"number {number}")
    client.force_login(factories.make_member(project, Role.LEAD))
    with django_assert_num_queries(15, using="default"):
        assert client.get(reverse("reports:project-home", args=[project.slug])).status_code == 200


def test_records_are_found_by_provenance_and_by_words(client: Client) -> None:
    project = factories.make_project()
    gap = factories.make_gap(project)
    first = factories.make_candidate(gap, "the walrus renewed", prompt_version="p v1")
    second = factories.make_candidate(gap, "the plan renewed", prompt_version="p v2")
    client.force_login(factories.make_member(project, Role.REVIEWER))
    url = reverse("reports:record-list", args=[project.slug])

    def shown(**filters: str) -> set[int]:
        response = client.get(url, filters)
        assert response.status_code == 200
        return {row.record.pk for row in response.context["rows"]}

    assert shown() == {first.pk, second.pk}
    assert shown(prompt_version="p v2") == {second.pk}
    assert shown(q="walrus") == {first.pk}
    assert shown(q=f"#{second.pk}") == {second.pk}
    assert shown(status="accepted") == set()


@pytest.mark.parametrize(
    "query",
    ["reviewer__password__startswith=a", "status=__all__", "prompt_version__startswith=p", "_connector=OR"],
)
def test_a_filter_that_is_not_offered_finds_nothing_more(client: Client, query: str) -> None:
    project = factories.make_project()
    factories.make_candidate(factories.make_gap(project), "hello there")
    client.force_login(factories.make_member(project, Role.REVIEWER))
    response = client.get(f"{reverse('reports:record-list', args=[project.slug])}?{query}")
    if query.startswith("status="):
        assert response.status_code == 400
    else:
        assert len(response.context["rows"]) == 1


def test_a_record_page_shows_its_life(client: Client) -> None:
    project = factories.make_project()
    record = factories.make_candidate(factories.make_gap(project), "you renewed <img src=x onerror=alert(1)>")
    move_records(records=[record], to=RecordStatus.AWAITING_REVIEW, actor=None)
    client.force_login(factories.make_member(project, Role.REVIEWER))
    body = client.get(reverse("reports:record-detail", args=[project.slug, record.pk])).content.decode()
    assert "generator_provider" in body
    assert record.event_hash[:10] in body
    assert "<img src=x" not in body


def test_a_record_of_another_project_is_404(client: Client) -> None:
    project = factories.make_project()
    foreign = factories.make_candidate(factories.make_gap(factories.make_project()), "hello there")
    client.force_login(factories.make_member(project, Role.ADMIN, Role.LEAD))
    assert client.get(reverse("reports:record-detail", args=[project.slug, foreign.pk])).status_code == 404


def test_the_projects_page_shows_mine_only(client: Client) -> None:
    mine, other = factories.make_project(name="Mine"), factories.make_project(name="Theirs")
    client.force_login(factories.make_member(mine, Role.REVIEWER))
    body = client.get(reverse("home")).content.decode()
    assert mine.name in body
    assert other.name not in body
