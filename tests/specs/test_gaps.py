"""Gaps: a slice is registered when the gap is opened, and locked from then on."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, transaction

from apps.core.errors import DomainError, RefusedError, StaleStateError
from apps.specs import services
from apps.specs.models import Gap, GapStatus, Project
from apps.specs.selectors import find_gap, find_project
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> Project:
    project = factories.make_project(name="Router")
    factories.make_guide(project, "refund", "billing")
    return project


def make_draft(project: Project, *labels: str, count: int = 10) -> Gap:
    return services.create_gap(
        project=project, name="Refund disputes", target_labels=labels, target_count=count, actor=None
    )


def test_opening_registers_the_slice_and_who_did_it(project: Project) -> None:
    actor = factories.make_user()
    gap = services.open_gap(gap=make_draft(project, "refund", "billing"), actor=actor)
    assert (gap.status, gap.opened_by, gap.slice_predicate) == (
        "open",
        actor,
        {"label_in": ["billing", "refund"]},
    )
    assert len(gap.slice_hash) == 64
    assert list(Gap.objects.registered()) == [gap]


def test_two_gaps_of_the_same_labels_have_two_hashes(project: Project) -> None:
    first = services.open_gap(gap=make_draft(project, "refund"), actor=None)
    second = services.create_gap(
        project=project, name="Again", target_labels=["refund"], target_count=1, actor=None
    )
    assert services.open_gap(gap=second, actor=None).slice_hash != first.slice_hash


@pytest.mark.parametrize(
    ("labels", "count", "problems"),
    [
        ((), 0, ["target labels: name at least one", "count: ask for at least one record"]),
        (("refund", "refnd"), 1, ["target label 'refnd' is not in the published guide"]),
    ],
)
def test_what_keeps_a_gap_shut_is_said(
    project: Project, labels: tuple[str, ...], count: int, problems: list[str]
) -> None:
    gap = make_draft(project, *labels, count=count)
    with pytest.raises(RefusedError) as refusal:
        services.open_gap(gap=gap, actor=None)
    assert refusal.value.problems == problems
    assert Gap.objects.get().slice_hash == ""


def test_a_gap_needs_a_published_guide() -> None:
    gap = make_draft(factories.make_project(), "refund")
    with pytest.raises(RefusedError) as refusal:
        services.open_gap(gap=gap, actor=None)
    assert refusal.value.problems == ["label guide: publish one first"]


def test_opening_from_a_stale_page_changes_nothing(project: Project) -> None:
    gap = make_draft(project, "refund")
    opened = services.open_gap(gap=Gap.objects.get(), actor=None)
    with pytest.raises(StaleStateError):
        services.open_gap(gap=gap, actor=None)
    assert Gap.objects.get().opened_at == opened.opened_at


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"target_labels": "refund"}, "target labels: name at least one"),
        ({"axes": {"tone": "angry"}}, 'axes: write an object of lists, like {"tone": ["angry", "polite"]}'),
        ({"axes": {"tone": []}}, 'axes: write an object of lists, like {"tone": ["angry", "polite"]}'),
        ({"realism": "typos"}, 'realism: write a list, like ["typos", "fragments"]'),
    ],
)
def test_json_typed_into_the_admin_is_looked_at_before_the_gap_opens(
    project: Project, change: dict[str, object], problem: str
) -> None:
    make_draft(project, "refund")
    Gap.objects.update(**change)
    with pytest.raises(RefusedError) as refusal:
        services.open_gap(gap=Gap.objects.get(), actor=None)
    assert refusal.value.problems == [problem]


@pytest.mark.parametrize(
    "change",
    [
        {"slice_predicate": {"label_in": ["billing"]}},
        {"slice_hash": "0" * 64},
        {"slice_hash": ""},
    ],
)
def test_a_registered_slice_is_locked_even_against_the_orm(
    project: Project, change: dict[str, object]
) -> None:
    services.open_gap(gap=make_draft(project, "refund"), actor=None)
    with pytest.raises(DatabaseError, match="slice of a gap is locked"), transaction.atomic():
        Gap.objects.update(**change)


def test_a_registered_gap_cannot_be_deleted_but_a_draft_can(project: Project) -> None:
    gap = services.open_gap(gap=make_draft(project, "refund"), actor=None)
    with pytest.raises(DatabaseError, match="slice of a gap is locked"), transaction.atomic():
        gap.delete()
    services.create_gap(project=project, name="Other", target_labels=[], target_count=1, actor=None).delete()
    assert list(Gap.objects.all()) == [gap]


def test_closing_and_everything_else_goes_on_with_the_slice_locked(project: Project) -> None:
    gap = services.open_gap(gap=make_draft(project, "refund"), actor=None)
    services.close_gap(gap=gap, actor=None)
    gap.refresh_from_db()
    assert gap.status == GapStatus.CLOSED
    assert list(Gap.objects.registered()) == [gap]
    with pytest.raises(StaleStateError, match="is not open"):
        services.close_gap(gap=gap, actor=None)


def test_a_name_is_taken_once_and_addresses_never_clash(project: Project) -> None:
    make_draft(project, "refund")
    with pytest.raises(DomainError, match="already"):
        make_draft(project, "refund")
    names = ["Refund disputes!", "Refund, disputes", "…", "……"]
    slugs = [
        services.create_gap(project=project, name=name, target_labels=[], target_count=1, actor=None).slug
        for name in names
    ]
    assert slugs == ["refund-disputes-2", "refund-disputes-3", "gap", "gap-2"]


def test_an_address_freed_by_deleting_a_draft_does_not_make_the_next_one_clash(project: Project) -> None:
    drafts = [
        services.create_gap(project=project, name=name, target_labels=[], target_count=1, actor=None)
        for name in ("Gap", "Gap!", "Gap!!")
    ]
    drafts[1].delete()
    services.create_gap(project=project, name="Gap!!!", target_labels=[], target_count=1, actor=None)
    assert len(set(Gap.objects.values_list("slug", flat=True))) == 3


def test_things_are_found_by_name_or_address_and_refusals_list_what_there_is(project: Project) -> None:
    gap = make_draft(project, "refund")
    assert find_project("Router") == find_project("router") == project
    assert find_gap(project, "Refund disputes") == find_gap(project, "refund-disputes") == gap
    with pytest.raises(DomainError, match=r"no project 'Roter'.*There is: Router"):
        find_project("Roter")
    with pytest.raises(DomainError, match=r"no gap 'Refunds'.*It has: Refund disputes"):
        find_gap(project, "Refunds")
