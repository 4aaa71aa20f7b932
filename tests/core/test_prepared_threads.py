"""The threads of a web process make a prepared query together, at their first requests."""

from __future__ import annotations

from threading import Barrier

import pytest
from django.db import models

from apps.core import prepared
from apps.core.prepared import PreparedModels, Slot
from apps.specs.models import Membership, Role
from tests import factories
from tests.review.test_races import at_once

pytestmark = pytest.mark.django_db(transaction=True)

THREADS = 4


def test_threads_that_make_a_query_at_once_read_whole_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """In step, so that each has begun before any is through: what one writes must not be another's half."""
    project = factories.make_project()
    member = factories.make_member(project, Role.REVIEWER)
    in_step, names_of = Barrier(THREADS), prepared._names

    def names_in_step(model: type[models.Model]) -> list[str]:
        in_step.wait(20)
        return names_of(model)

    monkeypatch.setattr(prepared, "_names", names_in_step)
    query = PreparedModels(lambda: Membership.objects.filter(project=Slot("project")), "user", "project")
    found = at_once([lambda: query.all(project=project.pk)] * THREADS)
    assert [[each.user for each in rows] for rows in found] == [[member]] * THREADS
