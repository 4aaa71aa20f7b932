"""Prepared statements say what the ORM says, with values that come later, on both databases."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import models
from django.db.models import F
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from apps.core.prepared import Among, Prepared, PreparedDelete, PreparedModels, PreparedUpdate, Slot
from apps.records.models import Record
from apps.review.models import Draft, LotDelta, ReviewTask
from apps.specs.models import Project
from tests import factories
from tests.review.scene import Scene, make_scene

pytestmark = pytest.mark.django_db

BY_NAME = Prepared(
    lambda: Project.objects.filter(name=Slot("name", models.CharField())).values_list(
        "pk", "uuid", "created_at", "release_policy"
    )
)


@pytest.fixture
def scene() -> Scene:
    return make_scene()


def test_rows_come_as_the_orm_gives_them() -> None:
    """Keys, uuids, moments and JSON: each has to be turned into Python's own on at least one of the databases."""
    project = factories.make_project(name="100% of %s")
    for _ in range(3):  # PostgreSQL prepares the second time
        row = BY_NAME.row(name="100% of %s")
        assert row is not None
        assert list(row) == [project.pk, project.uuid, project.created_at, project.release_policy]
    assert BY_NAME.row(name="another") is None


def test_a_value_that_does_not_come_is_named() -> None:
    with pytest.raises(KeyError, match="name"):
        BY_NAME.rows()


def test_what_is_no_slot_may_hold_percent_signs_and_quotes() -> None:
    factories.make_project(name="it's 5%")
    odd = Prepared(lambda: Project.objects.filter(name="it's 5%", pk__gt=Slot("more")).values_list("name"))
    assert odd.rows(more=0) == [("it's 5%",)]


@pytest.mark.parametrize("count", [0, 1, 3])
def test_several_keys(scene: Scene, count: int) -> None:
    records = scene.add_waiting(3)[:count]
    found = PreparedModels(lambda: Record.objects.filter(Among("pk", "keys")).order_by("pk"))
    assert found.all(keys=[record.pk for record in records]) == records


def test_whole_rows_bring_what_is_joined_to_them(
    scene: Scene, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    scene.add_waiting(1)
    with_record = PreparedModels(
        lambda: ReviewTask.objects.filter(pk=Slot("task")), "record", "record__gap", "lease_holder"
    )
    plain = ReviewTask.objects.select_related("record").get()
    task = with_record.first(task=plain.pk)
    assert task is not None
    loaded = {name: value for name, value in vars(task).items() if not name.startswith("_")}
    assert loaded == {name: value for name, value in vars(plain).items() if not name.startswith("_")}
    with django_assert_num_queries(0):
        assert (task.record.gap, task.record.uuid) == (scene.gap, plain.record.uuid)
        assert task.lease_holder is None


def test_a_joined_row_that_is_not_there_stays_so(scene: Scene) -> None:
    real = factories.make_real(scene.project, "where is my card", "billing")
    found = PreparedModels(lambda: Record.objects.filter(pk=Slot("record")), "gap").first(record=real.pk)
    assert found is not None
    assert found.gap is None


def test_changes_and_deletions_say_how_many_rows_there_were(scene: Scene) -> None:
    scene.add_waiting(2)
    task = scene.claim_one()
    hold = PreparedUpdate(
        lambda: ReviewTask.objects.filter(pk=Slot("task"), fence=Slot("fence", models.IntegerField())),
        lease_until=Slot("until", models.DateTimeField()),
        fence=F("fence") + 1,
    )
    until = timezone.now() + timedelta(hours=1)
    assert [hold.run(task=task.pk, fence=task.fence, until=until) for _ in range(2)] == [1, 0]
    task.refresh_from_db()
    assert (task.fence, task.lease_until) == (2, until)
    Draft.objects.create(task=task, user=scene.reviewer, values={})
    drop = PreparedDelete(lambda: Draft.objects.filter(task=Slot("task")))
    assert [drop.run(task=task.pk) for _ in range(2)] == [1, 0]


def test_a_query_within_a_larger_statement(scene: Scene) -> None:
    scene.add_waiting(2)
    deltas = Prepared(lambda: LotDelta.objects.filter(opened__gte=Slot("least")).values_list("lot_id"))
    found = deltas.within("WITH found AS ({query}) SELECT count(*), %s FROM found", [7], least=1)
    assert list(found[0]) == [1, 7]
