"""A project with a guide, and one whose holdout is being collected."""

from __future__ import annotations

import pytest

from apps.specs.models import Project
from tests import factories
from tests.holdout.rows import ROWS, import_holdout


@pytest.fixture
def project(db: None) -> Project:
    project = factories.make_project()
    factories.make_guide(project, "refund", "billing", "abuse")
    return project


@pytest.fixture
def collecting(project: Project) -> Project:
    import_holdout(project, *ROWS)
    return project
