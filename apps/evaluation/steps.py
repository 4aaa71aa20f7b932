"""The steps of a comparison: one for each fold, and one for each set of models that answer the holdout.

A step takes seconds to a minute, writes what it found into the results, and may be done again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from uuid import NAMESPACE_OID, UUID, uuid5

from apps.core.errors import DomainError
from apps.datasets.models import Release
from apps.evaluation import learner
from apps.evaluation.models import Comparison, ModelUnderTest, Training
from apps.evaluation.predictions import Answer, frozen_holdout, store_answers
from apps.evaluation.slices import Roles
from apps.evaluation.training import TrainingRow, in_training, real_rows_of, rows_of
from apps.holdout.models import HoldoutRecord
from apps.specs.models import HoldoutSeal, Project
from apps.task_types import task_type_of

Results = dict[str, Any]
Step = tuple[str, Callable[[Results], None]]
"""What it is called while it runs, and what it writes into the results."""


@dataclass
class Work:
    """The rows of a comparison, and its steps in order."""

    comparison: Comparison

    @cached_property
    def project(self) -> Project:
        return self.comparison.project

    @cached_property
    def release(self) -> Release | None:
        if self.comparison.release_uuid is None:
            return None
        return Release.objects.select_related("project").get(uuid=self.comparison.release_uuid)

    @cached_property
    def rows(self) -> list[TrainingRow]:
        rows = list(in_training(rows_of(self.release) if self.release else real_rows_of(self.project)))
        if not learner.can_learn([row for row in rows if row.is_real]):
            raise DomainError("The real rows have fewer than two labels, so there is nothing to learn.")
        return rows

    @cached_property
    def real(self) -> list[TrainingRow]:
        return [row for row in self.rows if row.is_real]

    @cached_property
    def synthetic(self) -> list[TrainingRow]:
        return [row for row in self.rows if not row.is_real]

    @cached_property
    def seal(self) -> HoldoutSeal | None:
        return self.project.active_seal()

    @cached_property
    def roles(self) -> Roles:
        return Roles.of(
            self.project, self.seal.commonness if self.seal else _commonness_of_guide(self.project)
        )

    @cached_property
    def rare(self) -> set[str]:
        return {row.label for row in self.rows if self.roles.of_row(row.label) == "rare"}

    def steps(self) -> dict[str, Step]:
        """By a key that says in the results that the step is done."""
        comparison = self.comparison
        steps: dict[str, Step] = {
            f"fold {number}": (f"fold {number + 1} of {comparison.folds}", self._fold(number))
            for number in range(comparison.folds)
        }
        if self.seal is not None:
            for arms in (("real", "control"), ("blended",)):
                wanted = [arm for arm in arms if arm in comparison.arms]
                if wanted:
                    name = f"{' and '.join(wanted)} answer the holdout, unscored"
                    steps[f"holdout {' '.join(wanted)}"] = (name, self._answer_holdout(wanted))
        return steps

    def _fold(self, number: int) -> Callable[[dict[str, Any]], None]:
        def run(results: dict[str, Any]) -> None:
            folds = learner.folds_of(self.real, count=self.comparison.folds)
            fold = next(fold for fold in folds if fold.number == number)
            if not fold.asked:
                raise DomainError(
                    f"There are too few train rows for {self.comparison.folds} folds: import more, or ask for fewer."
                )
            answers = learner.predict(
                self.comparison.arms,
                real=fold.train,
                synthetic=self.synthetic,
                rare=self.rare,
                texts=[row.text for row in fold.asked],
            )
            for arm, labels in answers.items():
                results.setdefault("folds", {}).setdefault(arm, {})[str(number)] = learner.count_fold(
                    fold, labels
                )

        return run

    def _answer_holdout(self, arms: Sequence[str]) -> Callable[[dict[str, Any]], None]:
        def run(results: dict[str, Any]) -> None:
            task_type = task_type_of(self.project.task_type)
            holdout, _ = frozen_holdout(self.project)
            records = list(HoldoutRecord.objects.filter(holdout=holdout).order_by("pk"))
            predicted = learner.predict(
                arms,
                real=self.real,
                synthetic=self.synthetic,
                rare=self.rare,
                texts=[task_type.text_of(record.input) for record in records],
            )
            for arm, labels in predicted.items():
                answers = {
                    record.source_id: Answer(dict(task_type.prediction_from_row({"label": label})))
                    for record, label in zip(records, labels, strict=True)
                }
                made = store_answers(
                    holdout=holdout, model_name=arm, answers=answers, uuid=_uuid_of(self.comparison, arm)
                )
                model = self._register(arm, holdout.uuid, made.uuid, made.predictions_hash)
                results.setdefault("models", {})[arm] = str(model.uuid)

        return run

    def _register(
        self, arm: str, holdout: UUID, prediction_set: UUID, predictions_hash: str
    ) -> ModelUnderTest:
        what = "real rows only" if arm in learner.REAL_ONLY else "real and synthetic rows"
        weighted = ", rare labels weighted up" if arm == "control" else ""
        where = f"release {self.release.number}" if self.release else "the project, before any release"
        model, _ = ModelUnderTest.objects.get_or_create(
            prediction_set_uuid=prediction_set,
            defaults={
                "project": self.project,
                "name": arm,
                "trained_on": Training.RELEASES,
                "training_note": f"Built-in learner: {what} of {where}{weighted}.",
                "release_uuids": [str(self.release.uuid)] if self.release else [],
                "holdout_uuid": holdout,
                "predictions_hash": predictions_hash,
                "created_by": self.comparison.created_by,
            },
        )
        return model


def _commonness_of_guide(project: Project) -> dict[str, str]:
    """What the guide says of its labels, where no holdout has fixed it (a sandbox)."""
    guide = project.published_guide()
    return dict(guide.labels.values_list("name", "commonness")) if guide else {}


def _uuid_of(comparison: Comparison, arm: str) -> UUID:
    """The same for a step that is done again, so that its answers are stored once."""
    return uuid5(NAMESPACE_OID, f"{comparison.uuid} {arm}")
