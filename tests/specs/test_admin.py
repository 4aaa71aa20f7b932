"""The admin of leads: drafts are edited, versions are published by the services, what is published is read-only."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts.models import User
from apps.records.models import Record
from apps.specs.models import Gap, Label, LabelExample, LabelGuide, Membership, Project, Role, Spec
from tests import factories

pytestmark = pytest.mark.django_db(databases=["default", "leakage", "holdout"])


@pytest.fixture
def project() -> Project:
    return factories.make_project(name="Router")


@pytest.fixture
def lead(project: Project, client: Client) -> User:
    user = factories.make_member(project, Role.LEAD, Role.ADMIN)
    client.force_login(user)
    return user


def page(model: type[Any], what: str, *args: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{what}", args=args)


def run_action(client: Client, row: Any, action: str) -> list[str]:
    """Runs an action of the list on one row; returns what the page then says."""
    response = client.post(
        page(type(row), "changelist"), {"action": action, "_selected_action": [row.pk]}, follow=True
    )
    return [str(message) for message in response.context["messages"]]


def spec_data(project: Project, **values: Any) -> dict[str, Any]:
    return {
        "project": project.pk,
        "task": "Route it.",
        "output_schema": "{}",
        "source_fields": "[]",
        "min_chars": 3,
        "max_chars": 400,
        "forbidden_tokens": "[]",
        "checks": "{}",
        "teacher_bar": 0.8,
        "pilot_size": 150,
    } | values


def guide_data(project: Project) -> dict[str, Any]:
    return {"project": project.pk, "labels-TOTAL_FORMS": 0, "labels-INITIAL_FORMS": 0}


def is_editable(client: Client, row: Any) -> bool:
    """Whether the page of ``row`` offers anything to save or delete."""
    content = client.get(page(type(row), "change", row.pk)).content.decode()
    return 'name="_save"' in content or "deletelink" in content


# --- Published versions


def test_a_draft_is_edited_and_a_published_version_only_read(
    client: Client, lead: User, project: Project
) -> None:
    published, draft = factories.make_spec(project), factories.make_spec(project, published=False)
    assert (is_editable(client, published), is_editable(client, draft)) == (False, True)
    for what in ("change", "delete"):
        assert client.post(page(Spec, what, published.pk), spec_data(project, post="yes")).status_code == 403
    assert Spec.objects.get(pk=published.pk).task == "Route the ticket."


def test_the_labels_of_a_published_guide_are_only_read(client: Client, lead: User, project: Project) -> None:
    factories.make_guide(project, "a", "b")
    guide = factories.make_guide(project, "c", "d", published=False)
    assert (is_editable(client, LabelGuide.objects.get(version=1)), is_editable(client, guide)) == (
        False,
        True,
    )
    assert (
        is_editable(client, Label.objects.get(name="a")),
        is_editable(client, Label.objects.get(name="c")),
    ) == (
        False,
        True,
    )


def test_an_open_gap_is_only_read(client: Client, lead: User, project: Project) -> None:
    opened = factories.make_gap(project)
    draft = factories.make_gap(project, name="draft", status="draft", slice_hash="", slice_predicate={})
    assert (is_editable(client, opened), is_editable(client, draft)) == (False, True)


# --- Publishing and opening


def test_publishing_a_spec_goes_through_the_service(client: Client, lead: User, project: Project) -> None:
    spec = factories.make_spec(project, published=False)
    assert run_action(client, spec, "publish") == [
        "Router spec v1 is published; it never changes from now on."
    ]
    spec.refresh_from_db()
    assert (spec.status, spec.published_by) == ("published", lead)
    assert "published already" in run_action(client, spec, "publish")[0]


def test_publishing_a_guide_makes_its_examples_seeds(client: Client, lead: User, project: Project) -> None:
    guide = factories.make_guide(project, "a", "b", published=False)
    run_action(client, guide, "publish")
    guide.refresh_from_db()
    assert (guide.status, guide.published_by, Record.objects.seeds().count()) == ("published", lead, 2)


def test_what_a_guide_lacks_is_said_on_the_page(client: Client, lead: User, project: Project) -> None:
    guide = factories.make_guide(project, "a", "b", published=False)
    LabelExample.objects.filter(label__name="b").delete()
    assert run_action(client, guide, "publish") == [
        "Router label guide v1 cannot be published. Missing: b: a real example"
    ]
    guide.refresh_from_db()
    assert guide.status == "draft"


def test_opening_a_gap_locks_its_slice(client: Client, lead: User, project: Project) -> None:
    factories.make_guide(project, "refund", "billing")
    gap = factories.make_gap(project, status="draft", slice_hash="", slice_predicate={})
    assert run_action(client, gap, "open") == ["The gap refund gap is open and its slice is locked."]
    gap.refresh_from_db()
    assert (gap.status, gap.slice_predicate, gap.opened_by) == ("open", {"label_in": ["refund"]}, lead)


def test_an_action_reaches_no_row_of_others(client: Client, lead: User) -> None:
    spec = factories.make_spec(factories.make_project(), published=False)
    run_action(client, spec, "publish")
    spec.refresh_from_db()
    assert spec.status == "draft"


# --- Making and changing


def test_versions_are_counted_for_the_lead(client: Client, lead: User, project: Project) -> None:
    factories.make_spec(project)
    factories.make_guide(project)
    assert client.post(page(Spec, "add"), spec_data(project)).status_code == 302
    assert client.post(page(LabelGuide, "add"), guide_data(project)).status_code == 302
    assert Spec.objects.get(status="draft").version == LabelGuide.objects.get(status="draft").version == 2


@pytest.mark.parametrize("model", [Spec, LabelGuide])
def test_a_second_draft_is_refused_on_the_form(
    model: type[Any], client: Client, lead: User, project: Project
) -> None:
    factories.make_spec(project, published=False)
    factories.make_guide(project, published=False)
    response = client.post(page(model, "add"), spec_data(project) | guide_data(project))
    assert response.status_code == 200
    assert "has a draft already" in response.content.decode()


def test_a_draft_stays_in_its_project(client: Client, lead: User, project: Project) -> None:
    other = factories.make_project()
    Membership.objects.create(project=other, user=lead, roles=["lead"])
    draft = factories.make_spec(project, published=False)
    client.post(page(Spec, "change", draft.pk), spec_data(other, task="Changed."))
    draft.refresh_from_db()
    assert (draft.task, draft.project) == ("Changed.", project)


def test_length_bounds_the_wrong_way_round_are_refused_on_the_form(
    client: Client, lead: User, project: Project
) -> None:
    response = client.post(page(Spec, "add"), spec_data(project, min_chars=500))
    assert response.status_code == 200
    assert not Spec.objects.exists()


def test_a_new_label_goes_into_a_draft_only(client: Client, lead: User, project: Project) -> None:
    published = factories.make_guide(project, "a", "b")
    draft = factories.make_guide(project, "c", "d", published=False)
    data = {
        "name": "late",
        "position": 9,
        "counts": "[]",
        "does_not_count": "[]",
        "examples-TOTAL_FORMS": 0,
        "examples-INITIAL_FORMS": 0,
    }
    statuses = [
        client.post(page(Label, "add"), data | {"guide": guide.pk}).status_code
        for guide in (published, draft)
    ]
    assert statuses == [200, 302]
    assert Label.objects.get(name="late").guide == draft


def test_a_gap_made_here_gets_its_address(client: Client, lead: User, project: Project) -> None:
    data = {"project": project.pk, "name": "Refund disputes", "target_labels": '["refund"]', "target_count": 5,
            "axes": "{}", "realism": "[]"}  # fmt: skip
    assert client.post(page(Gap, "add"), data).status_code == 302
    assert Gap.objects.get().slug == "refund-disputes"


def test_a_draft_of_a_guide_is_deleted_whole(client: Client, lead: User, project: Project) -> None:
    guide = factories.make_guide(project, "a", "b", published=False)
    assert client.post(page(LabelGuide, "delete", guide.pk), {"post": "yes"}).status_code == 302
    assert not LabelExample.objects.exists()


# --- Members


def test_an_admin_adds_a_member_and_a_lead_may_enter(client: Client, lead: User, project: Project) -> None:
    newcomer = factories.make_user()
    data = {"user": newcomer.pk, "project": project.pk, "roles": ["lead", "reviewer"]}
    assert client.get(page(Membership, "add")).status_code == 200
    assert client.post(page(Membership, "add"), data).status_code == 302
    newcomer.refresh_from_db()
    assert (newcomer.memberships.get().roles, newcomer.is_staff) == (["lead", "reviewer"], True)


@pytest.mark.parametrize("roles", [[], ["owner"]])
def test_a_membership_without_a_proper_role_is_refused_on_the_form(
    roles: list[str], client: Client, lead: User, project: Project
) -> None:
    data = {"user": factories.make_user().pk, "project": project.pk, "roles": roles}
    assert client.post(page(Membership, "add"), data).status_code == 200
    assert Membership.objects.count() == 1


def test_a_membership_keeps_its_person_and_project(client: Client, lead: User, project: Project) -> None:
    reviewer, other = factories.make_member(project, Role.REVIEWER), factories.make_user()
    membership = Membership.objects.get(user=reviewer)
    data = {"user": other.pk, "project": project.pk, "roles": ["manager"]}
    client.post(page(Membership, "change", membership.pk), data)
    membership.refresh_from_db()
    assert (membership.user, membership.roles) == (reviewer, ["manager"])
    assert not other.memberships.exists()


def test_a_person_is_a_member_once(client: Client, lead: User, project: Project) -> None:
    data = {"user": lead.pk, "project": project.pk, "roles": ["reviewer"]}
    assert client.post(page(Membership, "add"), data).status_code == 200
    assert Membership.objects.get().roles == ["lead", "admin"]


def test_projects_are_neither_made_nor_deleted_here(client: Client, lead: User, project: Project) -> None:
    assert client.get(page(Project, "add")).status_code == 403
    assert client.post(page(Project, "delete", project.pk), {"post": "yes"}).status_code == 403
    assert client.get(page(Project, "change", project.pk)).status_code == 200
