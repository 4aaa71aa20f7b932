"""Scores of predictions on the frozen holdout. Computed for a launch review alone, once its look is reserved."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import transaction

from apps.core.batches import batched
from apps.core.strict_json import canonical_dumps
from apps.evaluation.models import ModelUnderTest
from apps.holdout.models import HoldoutRecord, Prediction
from apps.specs.models import Project
from apps.specs.selectors import spec_view
from apps.task_types import task_type_of

DATABASE = "holdout"
BATCH = 500
PARTS = ("baseline", "control", "candidate")
"""The models of a launch review."""


@dataclass(frozen=True)
class Scored:
    """One holdout row: what it is, and whether each model got it right. ``said`` are the answers' facets.

    ``scores`` are the named scores of each model's answer, ``confidence`` is how sure it said that it was.
    """

    record: UUID
    label: str
    right: Mapping[str, bool]
    said: Mapping[str, str]
    scores: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    confidence: Mapping[str, float | None] = field(default_factory=dict)


def score_models(project: Project, models: Mapping[str, ModelUnderTest]) -> list[Scored]:
    """Scores every prediction of ``models`` (by their part: baseline, control, candidate) and pairs them by row.

    The scores are kept beside the predictions, in the holdout database. Right is a primary score of 1.
    """
    task_type = task_type_of(project.task_type)
    spec = spec_view(project)
    primary = task_type.primary_score()
    right: dict[int, dict[str, bool]] = defaultdict(dict)
    said: dict[int, dict[str, str]] = defaultdict(dict)
    scores: dict[int, dict[str, dict[str, float]]] = defaultdict(dict)
    confidence: dict[int, dict[str, float | None]] = defaultdict(dict)
    holdout_uuids = {model.holdout_uuid for model in models.values()}
    records = list(HoldoutRecord.objects.filter(holdout__uuid__in=holdout_uuids).order_by("pk"))
    by_pk = {record.pk: record for record in records}
    for part, model in models.items():
        predictions = list(Prediction.objects.filter(prediction_set__uuid=model.prediction_set_uuid))
        for prediction in predictions:
            record = by_pk[prediction.record_id]
            item = {"input": record.input, "output": record.gold}
            prediction.scores = task_type.score(item, prediction.output, spec)
            right[record.pk][part] = prediction.scores[primary] == 1.0
            said[record.pk][part] = task_type.facet(record.input, prediction.output)
            scores[record.pk][part] = prediction.scores
            confidence[record.pk][part] = prediction.confidence
        _keep(predictions)
    return [Scored(r.uuid, r.label, right[r.pk], said[r.pk], scores[r.pk], confidence[r.pk]) for r in records]


def f1_by_label(rows: Sequence[Scored], part: str) -> dict[str, float]:
    """F1 of each gold label for one model; 0 where it is never right."""
    gold: dict[str, int] = defaultdict(int)
    given: dict[str, int] = defaultdict(int)
    hits: dict[str, int] = defaultdict(int)
    for row in rows:
        gold[row.label] += 1
        given[row.said[part]] += 1
        hits[row.label] += row.right[part]
    return {label: f1(gold=gold[label], given=given[label], hits=hits[label]) for label in gold}


def precision_by_label(rows: Sequence[Scored], part: str) -> dict[str, float | None]:
    """Of the rows that one model gave each gold label, the share that is right; None where it gave it to none."""
    given: dict[str, int] = defaultdict(int)
    hits: dict[str, int] = defaultdict(int)
    for row in rows:
        given[row.said[part]] += 1
        hits[row.label] += row.right[part]
    return {row.label: hits[row.label] / given[row.label] if given[row.label] else None for row in rows}


def f1(*, gold: int, given: int, hits: int) -> float:
    """Harmonic mean of recall (hits/gold) and precision (hits/given)."""
    return 2 * hits / (gold + given) if gold + given else 0.0


def _keep(predictions: Sequence[Prediction]) -> None:
    """Few different scores on many rows: one update for each kind."""
    same: dict[bytes, list[int]] = defaultdict(list)
    value: dict[bytes, Any] = {}
    for prediction in predictions:
        key = canonical_dumps(prediction.scores)
        same[key].append(prediction.pk)
        value[key] = prediction.scores
    with transaction.atomic(using=DATABASE):
        for key, pks in same.items():
            for chunk in batched(pks, BATCH):
                Prediction.objects.filter(pk__in=chunk).update(scores=value[key])
