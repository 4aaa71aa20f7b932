"""What counts in a project: kept by each process, and never older than what is published."""

from __future__ import annotations

import pytest
from django.db import transaction
from django.utils import timezone

from apps.specs.models import Spec, VersionStatus
from apps.specs.selectors import published
from tests import factories

pytestmark = pytest.mark.django_db


def test_a_draft_that_changed_after_a_publication_was_rolled_back_is_read_anew() -> None:
    project = factories.make_project()
    draft = Spec.objects.create(project=project, version=1, task="first words")
    now = {"status": VersionStatus.PUBLISHED}
    with transaction.atomic():
        Spec.objects.filter(pk=draft.pk).update(published_at=timezone.now(), **now)
        spec = published(project).spec
        assert spec is not None
        assert spec.task == "first words"
        transaction.set_rollback(True)
    assert published(project).spec is None
    Spec.objects.filter(pk=draft.pk).update(task="other words", published_at=timezone.now(), **now)
    spec = published(project).spec
    assert spec is not None
    assert spec.task == "other words"
