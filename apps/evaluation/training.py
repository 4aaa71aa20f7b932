"""The rows that a model was or will be trained on, exactly as their release wrote them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from apps.datasets.lines import examples_of
from apps.datasets.models import EvalSplit, Release
from apps.datasets.writers import Example
from apps.records.models import SourceType, Use
from apps.specs.models import Project
from apps.task_types import TaskType, task_type_of


@dataclass(frozen=True)
class TrainingRow:
    """One row. ``label`` is the task type's facet; ``run`` and ``import_`` say where a candidate came from."""

    record: UUID
    input: Mapping[str, Any]
    text: str
    label: str
    is_real: bool
    is_seed: bool
    split: str
    created_at: datetime
    run: UUID | None = None
    import_: UUID | None = None


def rows_of(release: Release) -> list[TrainingRow]:
    """Every row of a ready release, in its order."""
    task_type = task_type_of(release.project.task_type)
    return [_row(example, task_type) for example in examples_of(release)]


def real_rows_of(project: Project) -> list[TrainingRow]:
    """The project's seed and train rows as they stand, for a comparison before the first release."""
    task_type = task_type_of(project.task_type)
    return [
        TrainingRow(
            record=record.uuid,
            input=record.input,
            text=task_type.text_of(record.input),
            label=task_type.facet(record.input, record.output),
            is_real=True,
            is_seed=record.use == Use.SEED,
            split=EvalSplit.TRAIN,
            created_at=record.created_at,
        )
        for record in project.records.real().order_by("id").iterator()
    ]


def in_training(rows: Iterable[TrainingRow]) -> Iterator[TrainingRow]:
    """Rows of the other splits are for somebody's dev or test set: the learner leaves them alone."""
    return (row for row in rows if row.split == EvalSplit.TRAIN)


def _row(example: Example, task_type: TaskType) -> TrainingRow:
    return TrainingRow(
        record=UUID(example["id"]),
        input=example["input"],
        text=task_type.text_of(example["input"]),
        label=task_type.facet(example["input"], example["output"]),
        is_real=example["source_type"] == SourceType.REAL,
        is_seed=example["use"] == Use.SEED,
        split=example["eval_split"],
        created_at=datetime.fromisoformat(example["created_at"]).astimezone(UTC),
        run=UUID(example["run"]) if example["run"] else None,
        import_=UUID(example["import"]) if example["import"] else None,
    )
