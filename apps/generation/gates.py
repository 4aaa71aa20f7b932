"""What a large run of a network generator has to pass first: a reviewed pilot, and a look at what the model knows.

The offline generator and imports cost nothing and are exempt. A lead may write down a reason instead.
"""

from __future__ import annotations

from dataclasses import dataclass

from apps.accounts.models import User
from apps.core.errors import DomainError, RefusedError, StaleStateError
from apps.core.statistics.intervals import Interval, wilson
from apps.core.statistics.sequential import Plan, Sample, Verdict, run_plan
from apps.generation.jobs import job_of
from apps.generation.models import PromptVersion, Run, RunStatus, TeacherCheck
from apps.providers import provider_of
from apps.records.models import Record, ReviewMethod
from apps.records.states import RecordStatus
from apps.specs.models import Project, Spec
from apps.submissions.models import Connection

# measurement.md §5: accepts at 5% bad, refuses at 15%.
PLAN = Plan()
REVIEWED = (RecordStatus.ACCEPTED, RecordStatus.EDITED, RecordStatus.REJECTED)


@dataclass(frozen=True)
class Gate:
    """``words`` says how things stand, ``remedy`` what opens it; "" where it is open."""

    name: str
    is_open: bool
    words: str
    remedy: str = ""


def gates_of(run: Run) -> list[Gate]:
    """In the order in which they are passed; none for runs that need none."""
    prompt = run.prompt_version.prompt
    bounds = _bounds(run.project)
    is_free = bool(provider_of(run.connection.provider).offline_model)
    if is_free or not job_of(prompt.role).needs_pilot or run.count <= bounds.pilot_size:
        return []
    return [
        teacher_gate(run.project, run.connection),
        pilot_gate(run.prompt_version, run.connection, run.count),
    ]


def refuse_closed_gates(run: Run) -> None:
    """RefusedError names each gate that is closed and what opens it, unless somebody wrote down a reason."""
    closed = [gate for gate in gates_of(run) if not gate.is_open]
    if closed and not run.gate_reason:
        raise RefusedError(
            "This run is held. A lead may write a reason on its page; or:",
            [f"{gate.name}: {gate.words} {gate.remedy}" for gate in closed],
        )


def give_reason(*, run: Run, reason: str, actor: User) -> None:
    """Lets a held run start on somebody's word. It stays on the run for good."""
    if not reason.strip():
        raise DomainError("Write down why this run may start although a gate is closed.")
    given = Run.objects.filter(pk=run.pk, status=RunStatus.ESTIMATED).update(
        gate_reason=reason.strip(), gate_reason_by=actor
    )
    if not given:
        raise StaleStateError("This run has started or was thrown away: reload and look again.")


def pilot_sample(prompt_version: PromptVersion, connection: Connection) -> Sample:
    """What people said of this prompt's and model's records, in the order in which they said it."""
    statuses = (
        Record.objects.filter(
            project=prompt_version.prompt.project_id,
            prompt_version=prompt_version.label,
            generator_model=connection.model,
            generator_provider=connection.provider,
            review_method=ReviewMethod.PERSON,
            status__in=REVIEWED,
        )
        .order_by("reviewed_at", "id")
        .values_list("status", flat=True)
    )
    return run_plan(PLAN, (status == RecordStatus.REJECTED for status in statuses.iterator()))


def pilot_gate(prompt_version: PromptVersion, connection: Connection, count: int) -> Gate:
    sample = pilot_sample(prompt_version, connection)
    counts = f"{sample.bad} of {sample.reviewed} reviewed records were rejected"
    if sample.verdict == Verdict.ACCEPTED:
        return Gate("Pilot", is_open=True, words=f"Passed: {counts}.")
    if sample.verdict == Verdict.REFUSED:
        return Gate(
            "Pilot",
            is_open=False,
            words=f"Failed: {counts}.",
            remedy="Change the prompt: a new version starts a new pilot.",
        )
    size = _bounds(prompt_version.prompt.project).pilot_size
    more = PLAN.more_needed(sample.reviewed, sample.bad)
    return Gate(
        "Pilot",
        is_open=False,
        words=f"Undecided: {counts}.",
        remedy=f"Run up to {size} records with this prompt and model and review {more} or more of them.",
    )


def teacher_gate(project: Project, connection: Connection) -> Gate:
    check = latest_teacher_check(project, connection)
    bar = _bounds(project).teacher_bar
    if check is None or not check.answered:
        return Gate(
            "Teacher check",
            is_open=False,
            words="The model has not been asked yet whether it can do the task itself.",
            remedy="Start the check on the run's page: it answers real seed rows.",
        )
    interval = teacher_interval(check)
    words = (
        f"{check.right} of {check.answered} seed rows right "
        f"({interval.low:.0%} to {interval.high:.0%}); the spec's bar is {bar:.0%}."
    )
    if check.right / check.answered < bar:
        return Gate(
            "Teacher check",
            is_open=False,
            words=words,
            remedy="This model struggles with your task: choose another one, or make the guide clearer.",
        )
    return Gate("Teacher check", is_open=True, words=words)


def teacher_interval(check: TeacherCheck) -> Interval:
    return wilson(check.right, check.answered)


def latest_teacher_check(project: Project, connection: Connection) -> TeacherCheck | None:
    return TeacherCheck.objects.filter(project=project, connection=connection).order_by("-id").first()


def _bounds(project: Project) -> Spec:
    """The published spec; before there is one, what a new one begins with."""
    return project.published_spec() or Spec()
