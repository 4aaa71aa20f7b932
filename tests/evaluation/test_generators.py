"""A generator of the project that is evaluated as a model under test is flagged."""

from __future__ import annotations

import pytest

from apps.evaluation.generators import generator_caveats
from apps.evaluation.models import ModelUnderTest, Training
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("name", "note", "is_flagged"),
    [
        ("router-v2", "", False),
        ("gpt-4o-mini", "", True),
        ("router-v3", "fine-tuned from openai/gpt-4o-mini-2024", True),
        ("claude-sonnet-5", "", False),
    ],
)
def test_it_is_known_by_its_name_or_by_what_is_declared(name: str, note: str, *, is_flagged: bool) -> None:
    project = factories.make_project()
    gap = factories.make_gap(project)
    factories.make_candidate(gap, "a text", generator_model="openai/gpt-4o-mini")
    model = ModelUnderTest.objects.create(
        project=project,
        name=name,
        trained_on=Training.DECLARED,
        training_note=note,
        holdout_uuid=project.uuid,
        prediction_set_uuid=project.uuid,
        predictions_hash="0" * 64,
    )
    caveats = generator_caveats(project, [model, model])
    assert len(caveats) == int(is_flagged)
