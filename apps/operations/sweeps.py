"""Every stage of background work, by the queue whose workers do it."""

from __future__ import annotations

from apps.core.sweep import Sweep
from apps.datasets.tasks import SWEEPS as DATASETS
from apps.evaluation.tasks import SWEEPS as EVALUATION
from apps.generation.tasks import SWEEPS as GENERATION
from apps.holdout.tasks import SWEEPS as HOLDOUT
from apps.review.tasks import SWEEPS as REVIEW
from apps.validation.tasks import SWEEPS as VALIDATION

QUEUES = ("generation", "validation", "evaluation")

SWEEPS: tuple[Sweep, ...] = (*GENERATION, *VALIDATION, *REVIEW, *HOLDOUT, *DATASETS, *EVALUATION)


def sweeps_of(queue: str) -> list[Sweep]:
    return [sweep for sweep in SWEEPS if sweep.queue == queue]
