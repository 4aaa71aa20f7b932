"""Publishing specs and guides: what is missing is said precisely, and what is published never changes."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import pytest
from django.db import DatabaseError, transaction

from apps.core.errors import DomainError, RefusedError, StaleStateError
from apps.intake.examples import publish_guide as publish_with_examples
from apps.leakage.services import add_fingerprints, ensure_corpus
from apps.records.models import Record, Use
from apps.specs import services
from apps.specs.guide_files import parse_guide
from apps.specs.models import Label, LabelExample, LabelGuide, Membership, Project, Role, Spec, VersionStatus
from tests import factories

pytestmark = pytest.mark.django_db(databases=["default", "leakage", "holdout"])


@pytest.fixture
def project() -> Project:
    return factories.make_project(name="Router")


def problems_of(guide: LabelGuide) -> list[str]:
    with pytest.raises(RefusedError) as refusal:
        services.publish_guide(guide=guide, actor=None)
    return refusal.value.problems


# --- Projects and members


def test_a_project_gets_an_address_and_its_maker_as_admin_and_lead() -> None:
    maker = factories.make_user()
    project = services.create_project(name="Ticket Router", task_type="classification", actor=maker)
    assert project.slug == "ticket-router"
    assert Membership.objects.get(user=maker).roles == ["admin", "lead"]


@pytest.mark.parametrize("name", ["Router", "router", "ROUTER!"])
def test_a_name_or_address_that_is_taken_is_refused(project: Project, name: str) -> None:
    with pytest.raises(DomainError, match="already"):
        services.create_project(name=name, task_type="classification", actor=None)


@pytest.mark.parametrize(
    ("name", "task_type"), [("…", "classification"), ("Fine", "no such task"), ("a" * 121, "classification")]
)
def test_a_project_needs_a_usable_name_and_a_known_task(name: str, task_type: str) -> None:
    with pytest.raises(DomainError):
        services.create_project(name=name, task_type=task_type, actor=None)
    assert not Project.objects.exists()


def test_roles_are_replaced_whole_and_leads_may_enter_the_admin(project: Project) -> None:
    user = factories.make_user()
    services.set_member(project=project, user=user, roles=[Role.REVIEWER], actor=None)
    user.refresh_from_db()
    assert not user.is_staff
    services.set_member(project=project, user=user, roles=[Role.LEAD, Role.LEAD], actor=None)
    user.refresh_from_db()
    assert (user.is_staff, Membership.objects.get().roles) == (True, ["lead"])


@pytest.mark.parametrize("roles", [[], ["owner"], ["lead", "owner"]])
def test_a_role_that_does_not_exist_is_refused(project: Project, roles: list[str]) -> None:
    with pytest.raises(DomainError, match="Roles are"):
        services.set_member(project=project, user=factories.make_user(), roles=roles, actor=None)
    assert not Membership.objects.exists()


# --- Specs


def test_a_spec_without_a_task_is_refused(project: Project) -> None:
    spec = services.draft_spec(project=project, actor=None, task="  ")
    with pytest.raises(RefusedError) as refusal:
        services.publish_spec(spec=spec, actor=None)
    assert refusal.value.problems == ["task: say what the model has to do"]
    assert not project.published_spec()


def test_the_next_draft_of_a_spec_starts_from_the_published_one(project: Project) -> None:
    actor = factories.make_user()
    first = services.draft_spec(project=project, actor=None, task="Route it.", max_chars=500)
    services.publish_spec(spec=first, actor=actor)
    second = services.draft_spec(project=project, actor=None, min_chars=9)
    assert (second.version, second.task, second.min_chars, second.max_chars) == (2, "Route it.", 9, 500)
    assert services.draft_spec(project=project, actor=None) == second
    assert (first.published_by, project.published_spec()) == (actor, first)


def test_publishing_twice_is_refused_as_stale(project: Project) -> None:
    spec = services.draft_spec(project=project, actor=None, task="Route it.")
    stale = Spec.objects.get()
    services.publish_spec(spec=spec, actor=None)
    with pytest.raises(StaleStateError, match="published already"):
        services.publish_spec(spec=stale, actor=None)


# --- Guides


def test_a_guide_needs_two_labels_to_choose_from(project: Project) -> None:
    guide = services.draft_guide(
        project=project, draft=parse_guide("labels: [a, {name: b, rejected: true}]"), actor=None
    )
    assert problems_of(guide) == ["a guide needs at least two allowed labels"]


def test_what_a_guide_lacks_is_named_label_by_label(project: Project) -> None:
    guide = factories.make_guide(project, "whole", "bare", "half", published=False)
    Label.objects.filter(name="bare").update(definition=" ", commonness="")
    LabelExample.objects.exclude(label__name="whole").delete()
    assert problems_of(guide) == [
        "bare: a definition and a commonness (common, other or rare) and a real example",
        "half: a real example",
    ]
    guide.refresh_from_db()
    assert guide.status == VersionStatus.DRAFT


def test_a_rejected_label_needs_a_definition_only(project: Project) -> None:
    guide = factories.make_guide(project, "a", "b", "spam", published=False)
    LabelExample.objects.filter(label__name="spam").delete()
    Label.objects.filter(name="spam").update(is_rejected=True, commonness="")
    services.publish_guide(guide=guide, actor=None)
    assert guide.status == VersionStatus.PUBLISHED


def test_a_blank_example_is_no_example(project: Project) -> None:
    guide = factories.make_guide(project, "a", "b", published=False)
    LabelExample.objects.filter(label__name="b").update(text="   ")
    assert problems_of(guide) == ["b: a real example"]


def test_a_project_has_one_draft_of_its_guide(project: Project) -> None:
    services.draft_guide(project=project, draft=parse_guide("labels: [a, b]"), actor=None)
    with pytest.raises(StaleStateError, match="has a draft"):
        services.draft_guide(project=project, draft=None, actor=None)


def test_the_next_draft_of_a_guide_is_a_copy_with_its_examples(project: Project) -> None:
    factories.make_guide(project, "a", "b")
    draft = services.draft_guide(project=project, draft=None, actor=None)
    assert draft.version == 2
    assert [(label.name, label.definition, label.commonness) for label in draft.labels.all()] == [
        ("a", "The customer writes about a.", "other"),
        ("b", "The customer writes about b.", "other"),
    ]
    assert LabelExample.objects.filter(label__guide=draft).count() == 2


def test_the_hash_follows_the_meaning_and_not_the_examples(project: Project) -> None:
    guide = factories.make_guide(project, "a", "b", published=False)
    before = services.meaning_hash(guide)
    LabelExample.objects.update(text="another example")
    Label.objects.filter(name="a").update(position=7, commonness="rare")
    assert services.meaning_hash(guide) == before
    Label.objects.filter(name="a").update(does_not_count=["Something → b"])
    assert services.meaning_hash(guide) != before


@pytest.mark.parametrize(
    "change",
    [
        lambda: Spec.objects.update(task="Another task."),
        lambda: Spec.objects.all().delete(),
        lambda: LabelGuide.objects.update(introduction="Another one."),
        lambda: Label.objects.filter(name="a").update(definition="Another meaning."),
        lambda: Label.objects.filter(name="a").delete(),
        lambda: Label.objects.create(guide=LabelGuide.objects.get(version=1), name="late"),
        lambda: LabelExample.objects.update(text="Another example."),
        lambda: LabelExample.objects.all().delete(),
        lambda: LabelExample.objects.create(label=Label.objects.get(name="a"), text="A late example."),
        lambda: Label.objects.filter(name="moved").update(guide=LabelGuide.objects.get(version=1)),
        lambda: LabelExample.objects.filter(label__name="moved").update(label=Label.objects.get(name="a")),
    ],
)
def test_what_is_published_never_changes(project: Project, change: Callable[[], object]) -> None:
    factories.make_spec(project)
    factories.make_guide(project, "a", "b")
    factories.make_guide(project, "moved", published=False)
    with pytest.raises(DatabaseError, match="published versions never change"), transaction.atomic():
        change()


# --- Examples become seeds


def test_publishing_makes_every_example_a_seed(project: Project) -> None:
    guide = factories.make_guide(project, "a", "b", published=False)
    publish_with_examples(guide=guide, actor=None)
    seeds = Record.objects.seeds()
    assert {seed.label for seed in seeds} == {"a", "b"}
    assert set(LabelExample.objects.values_list("record_uuid", flat=True)) == {seed.uuid for seed in seeds}


def test_an_example_that_is_a_seed_already_is_not_made_twice(project: Project) -> None:
    seed = factories.make_real(project, "a real ticket ABOUT a", "a", use=Use.SEED)
    guide = factories.make_guide(project, "a", "b", published=False)
    publish_with_examples(guide=guide, actor=None)
    assert LabelExample.objects.get(label__name="a").record_uuid == seed.uuid
    assert Record.objects.seeds().count() == 2


def test_an_example_from_the_train_rows_is_refused_by_label(project: Project) -> None:
    train = factories.make_real(project, "A real ticket about a", "a")
    guide = factories.make_guide(project, "a", "b", published=False)
    with pytest.raises(RefusedError) as refusal:
        publish_with_examples(guide=guide, actor=None)
    (problem,) = refusal.value.problems
    assert problem.startswith(f"a: the example “A real ticket about a” is train row {train}")
    assert not Record.objects.seeds().exists()


def test_an_example_from_the_holdout_is_refused_by_label(project: Project) -> None:
    corpus = ensure_corpus(corpus_uuid=uuid.uuid4(), project_uuid=project.uuid, name="holdout")
    add_fingerprints(corpus_uuid=corpus.uuid, items=[(uuid.uuid4(), "a real ticket about B")])
    guide = factories.make_guide(project, "a", "b", published=False)
    with pytest.raises(RefusedError) as refusal:
        publish_with_examples(guide=guide, actor=None)
    assert [problem.split(":")[0] for problem in refusal.value.problems] == ["b"]
    assert not Record.objects.seeds().exists()
    guide.refresh_from_db()
    assert guide.status == VersionStatus.DRAFT
