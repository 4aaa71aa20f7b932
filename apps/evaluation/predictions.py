"""What a model answered on the frozen holdout: read from a file, kept behind the wall, without a score.

Scores are computed when a launch review looks, and not before (``apps.evaluation.scoring``).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction

from apps.core.errors import DomainError, RefusedError
from apps.core.strict_json import sha256_of
from apps.core.tabular import Row, read_rows
from apps.core.uploads import Upload
from apps.evaluation.models import ModelUnderTest
from apps.holdout.models import HoldoutRecord, HoldoutSet, HoldoutStatus, Prediction, PredictionSet
from apps.specs.models import HoldoutSeal, Project
from apps.task_types import TaskType

DATABASE = "holdout"
BATCH = 500
NAMED = 20
"""Problems that are spelt out; the rest is counted."""
ID = "id"
SCORE = "score"


@dataclass(frozen=True)
class Answer:
    """One prediction. ``output`` is a JSON object of the task type; ``confidence`` is whatever the model says."""

    output: dict[str, Any]
    confidence: float | None = None


def frozen_holdout(project: Project) -> tuple[HoldoutSet, HoldoutSeal]:
    """The holdout that counts, with its seal; DomainError unless it is frozen."""
    seal = project.active_seal()
    holdout = HoldoutSet.objects.filter(uuid=seal.holdout_uuid).first() if seal else None
    if seal is None or holdout is None or holdout.status != HoldoutStatus.FROZEN:
        raise DomainError(f"{project} has no frozen holdout: freeze one before a model answers it.")
    return holdout, seal


def read_answers(upload: Upload, *, holdout: HoldoutSet, task_type: TaskType) -> dict[str, Answer]:
    """The answers of a file with the columns ``id``, what the task predicts, and perhaps ``score``; by id.

    Raises FileRefusedError for what is no table, RefusedError that names every unknown, repeated or unreadable
    line and every holdout row without an answer. All rows have to be answered: a model that may leave out the
    hard ones is not being measured.
    """
    known = set(HoldoutRecord.objects.filter(holdout=holdout).values_list("source_id", flat=True))
    answers: dict[str, Answer] = {}
    first_line: dict[str, int] = {}
    problems: list[str] = []
    for row in read_rows(upload.content, upload.filename):
        if not isinstance(row, Row):
            problems.append(f"line {row.line}: {row.reason}")
            continue
        row_id = _text(row.values.get(ID))
        problem = _problem_with_id(row_id, known, first_line)
        if not problem:
            first_line[row_id] = row.line
            try:
                answers[row_id] = _answer(row.values, task_type)
            except ValueError as error:
                problem = f"the row {row_id!r} {error}"
        if problem:
            problems.append(f"line {row.line}: {problem}")
    missing = sorted(known - first_line.keys(), key=lambda name: (len(name), name))
    if problems or missing:
        raise RefusedError(
            f"{upload.filename} does not answer the frozen holdout: {len(problems)} lines cannot be used, "
            f"{len(missing)} of {len(known)} rows have no answer. Nothing was stored.",
            [*_named(problems), *_named([f"no answer for {name}" for name in missing])],
        )
    return answers


def store_answers(
    *, holdout: HoldoutSet, model_name: str, answers: Mapping[str, Answer], uuid: UUID | None = None
) -> PredictionSet:
    """Keeps the answers, one per holdout row. With a ``uuid`` that is stored already nothing happens again."""
    uuid = uuid or uuid4()
    with transaction.atomic(using=DATABASE):
        made, is_new = PredictionSet.objects.get_or_create(
            uuid=uuid,
            defaults={
                "holdout": holdout,
                "model_name": model_name,
                "predictions_hash": hash_of(answers),
            },
        )
        if is_new:
            ids = dict(HoldoutRecord.objects.filter(holdout=holdout).values_list("source_id", "pk"))
            Prediction.objects.bulk_create(
                [
                    Prediction(
                        prediction_set=made,
                        record_id=ids[name],
                        output=answer.output,
                        confidence=answer.confidence,
                    )
                    for name, answer in answers.items()
                ],
                batch_size=BATCH,
            )
    return made


def hash_of(answers: Mapping[str, Answer]) -> str:
    """SHA-256 over (source id, output), sorted: confidence does not make another candidate of it."""
    return _hash_of_pairs((name, answer.output) for name, answer in answers.items())


def stored_hash(model: ModelUnderTest) -> str:
    """The same, over the answers as they lie in the database now."""
    stored = Prediction.objects.filter(prediction_set__uuid=model.prediction_set_uuid)
    return _hash_of_pairs(stored.values_list("record__source_id", "output").iterator())


def _hash_of_pairs(pairs: Iterable[tuple[str, Any]]) -> str:
    return sha256_of([[name, output] for name, output in sorted(pairs, key=lambda pair: pair[0])])


def _problem_with_id(row_id: str, known: set[str], first_line: Mapping[str, int]) -> str:
    if not row_id:
        return f"needs a value in {ID!r}"
    if row_id in first_line:
        return f"the row {row_id!r} was answered in line {first_line[row_id]} already"
    return "" if row_id in known else f"the holdout has no row {row_id!r}"


def _answer(values: Mapping[str, Any], task_type: TaskType) -> Answer:
    return Answer(dict(task_type.prediction_from_row(values)), _confidence(values.get(SCORE)))


def _confidence(value: object) -> float | None:
    if value in (None, ""):
        return None
    try:
        number = float(str(value))
    except ValueError:
        number = math.nan
    if isinstance(value, bool) or not math.isfinite(number):
        raise ValueError(f"needs a number in {SCORE!r}, or nothing")
    return number


def _text(value: object) -> str:
    """An id as text: JSON writes some of them as numbers."""
    return str(value).strip() if isinstance(value, str | int) and not isinstance(value, bool) else ""


def _named(problems: Sequence[str]) -> list[str]:
    rest = len(problems) - NAMED
    return [*problems[:NAMED], *([f"… and {rest} more like these"] if rest > 0 else [])]
