"""Holdout rows that real training rows come near to.

Short real texts are alike by nature, so nearness is no leak among them. It is counted, and the comparison is
made once more without those rows, to show whether the finding hangs on them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from apps.core.batches import batched
from apps.evaluation.training import TrainingRow
from apps.holdout.models import HoldoutRecord, HoldoutSet
from apps.records.models import Record
from apps.similarity.services import find_near
from apps.specs.models import Project
from apps.task_types import task_type_of

AT_LEAST = 0.7
"""Jaccard of character 5-grams (measured on banking77: 373 training rows come near 316 test rows)."""
BATCH = 500


@dataclass(frozen=True)
class NearMatches:
    """``holdout``: rows that some training row is near to. ``unindexed``: training rows nobody could ask about."""

    holdout: frozenset[UUID]
    training_rows: int
    unindexed: int


def near_matches(project: Project, holdout: HoldoutSet, training: Sequence[TrainingRow]) -> NearMatches:
    """Asks the near-duplicate index of real rows with every holdout text; the cost grows with the holdout."""
    real = {row.record for row in training if row.is_real}
    text_of = task_type_of(project.task_type).text_of
    near_to: dict[int, set[UUID]] = defaultdict(set)
    rows = HoldoutRecord.objects.filter(holdout=holdout).order_by("pk")
    for chunk in batched(rows.iterator(chunk_size=BATCH), BATCH):
        found = find_near(
            project_id=project.pk,
            task_type=project.task_type,
            texts=[text_of(row.input) for row in chunk],
            at_least=AT_LEAST,
        )
        for row, nears in zip(chunk, found, strict=True):
            for near in nears:
                near_to[near.record_id].add(row.uuid)
    trained_on = [pk for pk, uuid in _uuids_of(near_to) if uuid in real]
    return NearMatches(
        holdout=frozenset[UUID]().union(*(near_to[pk] for pk in trained_on)),
        training_rows=len(trained_on),
        unindexed=project.records.real().exclude(due_at=None).count(),
    )


def _uuids_of(pks: dict[int, set[UUID]]) -> list[tuple[int, UUID]]:
    found: list[tuple[int, UUID]] = []
    for chunk in batched(pks, BATCH):
        found += Record.objects.filter(pk__in=chunk).values_list("pk", "uuid")
    return found
