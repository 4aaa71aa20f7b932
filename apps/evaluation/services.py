"""Bringing in a model that was trained elsewhere, by what it answered on the frozen holdout."""

from __future__ import annotations

from collections.abc import Sequence

from apps.accounts.models import User
from apps.core.errors import DomainError
from apps.core.uploads import Upload
from apps.datasets.models import Release
from apps.evaluation.learner import ARMS
from apps.evaluation.models import ModelUnderTest, Training
from apps.evaluation.predictions import frozen_holdout, read_answers, store_answers
from apps.specs.models import Project
from apps.task_types import task_type_of


def upload_predictions(
    *,
    project: Project,
    name: str,
    upload: Upload,
    trained_on: Training,
    actor: User | None,
    note: str = "",
    releases: Sequence[Release] = (),
) -> ModelUnderTest:
    """Keeps the answers of a model as ``name``; a later upload of that name takes its place in new comparisons.

    No score is computed. Raises DomainError for a name of the built-in learner or training that is not said,
    FileRefusedError and RefusedError for a file that does not answer every row of the frozen holdout once.
    """
    if name in ARMS:
        raise DomainError(f"{name!r} is a name of the built-in learner: give the model its own.")
    if trained_on == Training.RELEASES and not releases:
        raise DomainError("Say which releases it was trained on, or choose another answer.")
    if trained_on == Training.DECLARED and not note.strip():
        raise DomainError("Write down what it was trained on, or choose “unknown”.")
    holdout, _ = frozen_holdout(project)
    answers = read_answers(upload, holdout=holdout, task_type=task_type_of(project.task_type))
    stored = store_answers(holdout=holdout, model_name=name, answers=answers)
    return ModelUnderTest.objects.create(
        project=project,
        name=name,
        trained_on=trained_on,
        training_note=note.strip(),
        release_uuids=[str(release.uuid) for release in releases] if trained_on == Training.RELEASES else [],
        holdout_uuid=holdout.uuid,
        prediction_set_uuid=stored.uuid,
        predictions_hash=stored.predictions_hash,
        created_by=actor,
    )
