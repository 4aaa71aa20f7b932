"""A member sees the rows of their own projects in the admin and nothing of anybody else's."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group
from django.db.models import ForeignKey, Model
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps.accounts.models import User
from apps.review.models import Action, Decision, Lot, ReviewTask
from apps.specs.models import Gap, Label, LabelGuide, Membership, Project, Role, Spec
from apps.specs.project_admin import ProjectAdmin
from apps.submissions.models import Budget, Connection, ModelFamily, Price
from tests import factories

pytestmark = pytest.mark.django_db(databases=["default", "leakage", "holdout"])

# Of the whole installation, not of a project: only superusers may see these.
OF_THE_INSTALLATION: tuple[type[Model], ...] = (User, Group)
# Shared by all projects: for whoever administrates one.
FOR_ADMINISTRATORS: tuple[type[Model], ...] = (Connection, ModelFamily, Price)


def make_lot(project: Project) -> Lot:
    return Lot.objects.create(project=project, gap=factories.make_gap(project))


def make_decision(project: Project) -> Decision:
    lot = make_lot(project)
    record = factories.make_candidate(lot.gap, "i want the renewal money back")
    task = ReviewTask.objects.create(project=project, record=record, lot=lot)
    return Decision.objects.create(
        uuid=uuid.uuid4(),
        project=project,
        task=task,
        record=record,
        reviewer=factories.make_user(),
        action=Action.ACCEPTED,
        fence=1,
        decided_at=timezone.now(),
    )


# How to make a row of each model, changeable where any is, in a project.
MAKERS: dict[type[Model], Callable[[Project], Model]] = {
    Project: lambda project: project,
    Membership: lambda project: Membership.objects.create(
        project=project, user=factories.make_user(), roles=["reviewer"]
    ),
    Spec: lambda project: factories.make_spec(project, published=False),
    Gap: lambda project: factories.make_gap(project, status="draft", slice_hash="", slice_predicate={}),
    Budget: lambda project: Budget.objects.create(project=project, total_cap=10),
    Lot: make_lot,
    Decision: make_decision,
    LabelGuide: lambda project: factories.make_guide(project, published=False),
    Label: lambda project: Label.objects.get(
        guide=factories.make_guide(project, published=False), name="refund"
    ),
}

PROJECT_ADMINS = {
    model: page for model, page in admin.site._registry.items() if isinstance(page, ProjectAdmin)
}
each_model = pytest.mark.parametrize("model", PROJECT_ADMINS, ids=lambda model: model._meta.label)


@dataclass
class Scene:
    """Two projects with a row of the model each, and somebody with every role in the first."""

    client: Client
    person: User
    mine: Model
    theirs: Model


@pytest.fixture
def scene(model: type[Model], client: Client) -> Scene:
    ours, others = factories.make_project(name="Ours"), factories.make_project(name="Secret of others")
    person = factories.make_member(ours, *Role)
    client.force_login(person)
    return Scene(client, person, MAKERS[model](ours), MAKERS[model](others))


def page(model: type[Model], what: str, *args: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{what}", args=args)


def test_every_admin_is_scoped_to_projects_or_for_superusers() -> None:
    others = set(admin.site._registry) - set(PROJECT_ADMINS)
    assert others <= {*OF_THE_INSTALLATION, *FOR_ADMINISTRATORS}
    assert set(PROJECT_ADMINS) <= set(MAKERS)


@pytest.mark.parametrize("model", OF_THE_INSTALLATION, ids=lambda model: model._meta.label)
def test_a_lead_cannot_see_what_belongs_to_the_installation(model: type[Model], client: Client) -> None:
    client.force_login(factories.make_member(factories.make_project(), *Role))
    assert client.get(page(model, "changelist")).status_code in {403, 404}


@pytest.mark.parametrize("model", FOR_ADMINISTRATORS, ids=lambda model: model._meta.label)
def test_what_all_projects_share_is_for_administrators_alone(model: type[Model], client: Client) -> None:
    project = factories.make_project()
    roles = [role for role in Role if role != Role.ADMIN]
    client.force_login(factories.make_member(project, *roles))
    assert client.get(page(model, "changelist")).status_code in {403, 404}
    client.force_login(factories.make_member(project, Role.ADMIN))
    assert client.get(page(model, "changelist")).status_code == 200
    asked = client.get(page(model, "changelist"), {"entered_by__password__startswith": "p"})
    assert asked.status_code in {302, 400}


@each_model
def test_the_list_shows_own_rows_only_and_does_not_even_name_other_projects(
    model: type[Model], scene: Scene
) -> None:
    response = scene.client.get(page(model, "changelist"))
    assert response.status_code == 200
    assert set(response.context["cl"].queryset) >= {scene.mine}
    assert scene.theirs not in response.context["cl"].queryset
    assert "Secret of others" not in response.content.decode()


@each_model
@pytest.mark.parametrize("what", ["change", "delete", "history"])
def test_a_row_of_others_looks_like_one_that_does_not_exist(
    model: type[Model], what: str, scene: Scene
) -> None:
    for method in (scene.client.get, scene.client.post):
        response = method(page(model, what, scene.theirs.pk))
        assert response.status_code in {302, 403, 404}
        assert "Secret of others" not in response.content.decode()
    assert model._default_manager.filter(pk=scene.theirs.pk).exists()


@each_model
def test_own_rows_open(model: type[Model], scene: Scene) -> None:
    response = scene.client.get(page(model, "change", scene.mine.pk))
    assert response.status_code == 200
    assert "Secret of others" not in response.content.decode()


@each_model
def test_choices_of_rows_are_of_own_projects(model: type[Model], scene: Scene) -> None:
    others = Project.objects.get(name="Secret of others")
    for address in (page(model, "change", scene.mine.pk), page(model, "add")):
        response = scene.client.get(address)
        if response.status_code == 403:
            continue
        form = response.context["adminform"].form
        for field in model._meta.fields:
            if (
                not isinstance(field, ForeignKey)
                or field.name not in form.fields
                or field.related_model is User
            ):
                continue
            offered = {
                PROJECT_ADMINS[field.related_model].project_of(row)
                for row in form.fields[field.name].queryset
            }
            assert others not in offered, field.name


@each_model
def test_a_row_cannot_be_made_in_a_project_of_others(model: type[Model], scene: Scene) -> None:
    """Posting an id that the form does not offer."""
    before = model._default_manager.count()
    others = Project.objects.get(name="Secret of others")
    data = {
        "project": others.pk,
        "guide": getattr(scene.theirs, "guide_id", 1),
        "name": "planted",
        "task": "planted",
    }
    response = scene.client.post(page(model, "add"), data)
    assert response.status_code in {200, 403}
    assert model._default_manager.count() == before


@each_model
@pytest.mark.parametrize("what", ["changelist", "add"])
def test_a_reviewer_finds_nothing_here(model: type[Model], what: str, client: Client) -> None:
    reviewer = factories.make_member(factories.make_project(), Role.REVIEWER, Role.MANAGER)
    # As somebody who was a lead in another project once.
    User.objects.filter(pk=reviewer.pk).update(is_staff=True)
    client.force_login(reviewer)
    assert client.get(page(model, what)).status_code == 403


@pytest.mark.parametrize("model", [Project, Membership], ids=lambda model: model._meta.label)
def test_members_are_the_business_of_admins_alone(model: type[Model], client: Client) -> None:
    client.force_login(factories.make_member(factories.make_project(), Role.LEAD))
    assert client.get(page(model, "changelist")).status_code == 403


@each_model
@pytest.mark.parametrize(
    "query",
    [
        "published_by__password__startswith=p",
        "project__memberships__user__password__startswith=p",
        "_connector=OR",
    ],
)
def test_the_list_cannot_be_asked_about_other_tables(model: type[Model], query: str, scene: Scene) -> None:
    response = scene.client.get(f"{page(model, 'changelist')}?{query}")
    # Refused outright, or sent back to the list without the question.
    assert response.status_code == 400 or response.headers["Location"].endswith("?e=1")
