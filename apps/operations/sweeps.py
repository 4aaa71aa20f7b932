"""Every stage of background work, by the queue whose workers do it."""

from __future__ import annotations

from apps.core.sweep import Sweep
from apps.critic.tasks import SWEEPS as CRITIC
from apps.datasets.tasks import SWEEPS as DATASETS
from apps.evaluation.tasks import SWEEPS as EVALUATION
from apps.generation.tasks import SWEEPS as GENERATION
from apps.holdout.tasks import SWEEPS as HOLDOUT
from apps.review.tasks import SWEEPS as REVIEW
from apps.validation.tasks import SWEEPS as VALIDATION

# Whose worker does it: a process of the wall's table. What people wait for is served by the generation worker,
# before everything else.
SERVED_BY = {
    "generation": ("interactive", "generation"),
    "validation": ("validation",),
    "evaluation": ("evaluation",),
}
QUEUES = tuple(queue for queues in SERVED_BY.values() for queue in queues)
PROCESS_OF = {queue: process for process, queues in SERVED_BY.items() for queue in queues}
URGENT = "interactive"

SWEEPS: tuple[Sweep, ...] = (*GENERATION, *CRITIC, *VALIDATION, *REVIEW, *HOLDOUT, *DATASETS, *EVALUATION)


def sweeps_of(queue: str) -> list[Sweep]:
    return [sweep for sweep in SWEEPS if sweep.queue == queue]
