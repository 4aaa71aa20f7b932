"""What models are asked to do: one file for each role of a prompt. Adding one is a file, a test and a line in JOBS."""

from __future__ import annotations

from apps.core.errors import DomainError
from apps.generation.jobs.base import Job, RunPlan
from apps.generation.jobs.edge_cases import EdgeCases
from apps.generation.jobs.generate import Generate
from apps.generation.jobs.label import LabelInputs
from apps.generation.jobs.paraphrase import Paraphrase
from apps.generation.jobs.repair import Repair
from apps.generation.models import PromptRole, Run

JOBS: dict[str, Job] = {
    PromptRole.GENERATE: Generate(),
    PromptRole.EDGE_CASES: EdgeCases(),
    PromptRole.PARAPHRASE: Paraphrase(),
    PromptRole.LABEL: LabelInputs(),
    PromptRole.REPAIR: Repair(),
}


def job_of(role: str) -> Job:
    """DomainError for a role that no run can have: a judge is asked by the critic."""
    try:
        return JOBS[role]
    except KeyError:
        raise DomainError(
            f"A prompt that is there to {PromptRole(role).label.lower()} is not for runs."
        ) from None


def plan_of(run: Run) -> RunPlan:
    """Everything that ``run`` is going to ask."""
    return job_of(run.prompt_version.prompt.role).plan(run)


__all__ = ["JOBS", "Job", "RunPlan", "job_of", "plan_of"]
