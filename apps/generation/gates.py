"""What a large run of a network generator has to pass first: a reviewed pilot, and a look at what the model knows.

The offline generator and imports cost nothing and are exempt. A lead may write down a reason instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from apps.accounts.models import User
from apps.core.errors import DomainError, RefusedError, StaleStateError
from apps.core.statistics.intervals import Interval, wilson
from apps.core.statistics.sequential import Plan, Sample, Verdict, run_plan
from apps.generation.jobs import job_of
from apps.generation.models import PromptVersion, Run, RunStatus, TeacherCheck
from apps.providers import REGISTRY, provider_of
from apps.records.models import Record, RecordQuerySet, ReviewMethod
from apps.records.states import RecordStatus
from apps.specs.models import Project, Spec
from apps.submissions.models import Connection

# measurement.md §5: accepts at 5% bad, refuses at 15%.
PLAN = Plan()
REVIEWED = (RecordStatus.ACCEPTED, RecordStatus.EDITED, RecordStatus.REJECTED)


class GateKey(StrEnum):
    """How the fields of a run that hold its reason begin."""

    TEACHER = "teacher"
    PILOT = "pilot"


@dataclass(frozen=True)
class Gate:
    """``words`` says how things stand, ``remedy`` what opens it; "" where it is open."""

    key: GateKey
    is_open: bool
    words: str
    remedy: str = ""
    reason: str = ""
    """Why a lead lets a run pass it all the same."""
    reason_by: User | None = None

    @property
    def name(self) -> str:
        return {GateKey.TEACHER: "Teacher check", GateKey.PILOT: "Pilot"}[self.key]

    @property
    def holds(self) -> bool:
        """Whether it keeps the run from starting."""
        return not self.is_open and not self.reason


@dataclass(frozen=True)
class PilotState:
    """How far the pilot of one prompt version with one model is."""

    model: str
    sample: Sample

    @property
    def more_needed(self) -> int:
        """Reviews until it passes, if everything further is good; 0 once it is decided."""
        return PLAN.more_needed(self.sample.reviewed, self.sample.bad)

    @property
    def words(self) -> str:
        counts = f"{self.sample.bad} of {self.sample.reviewed} rejected"
        if self.sample.verdict == Verdict.UNDECIDED:
            return f"undecided, {counts}; {self.more_needed} or more to review"
        return f"{'passed' if self.sample.verdict == Verdict.ACCEPTED else 'failed'}, {counts}"


def gates_of(run: Run) -> list[Gate]:
    """In the order in which they are passed; none for runs that need none."""
    prompt = run.prompt_version.prompt
    spec = _spec_of(run.project)
    is_free = bool(provider_of(run.connection.provider).offline_model)
    if is_free or not job_of(prompt.role).needs_pilot or run.count <= spec.pilot_size:
        return []
    return [
        replace(
            teacher_gate(run.project, run.connection),
            reason=run.teacher_reason,
            reason_by=run.teacher_reason_by,
        ),
        replace(
            pilot_gate(run.prompt_version, run.connection),
            reason=run.pilot_reason,
            reason_by=run.pilot_reason_by,
        ),
    ]


def refuse_closed_gates(run: Run) -> None:
    """RefusedError names each gate that holds the run and what opens it."""
    if held := [gate for gate in gates_of(run) if gate.holds]:
        raise RefusedError(
            "This run is held. A lead may write a reason on its page; or:",
            [f"{gate.name}: {gate.words} {gate.remedy}" for gate in held],
        )


def give_reason(*, run: Run, gate: str, reason: str, actor: User) -> None:
    """Lets a run pass a closed gate on somebody's word. It stays on the run for good.

    DomainError for an empty reason, or for a gate that does not hold the run: nobody writes one ahead.
    """
    if not reason.strip():
        raise DomainError("Write down why this run may start although a gate is closed.")
    if gate not in {each.key for each in gates_of(run) if each.holds}:
        raise DomainError("That gate does not hold this run: it needs no reason.")
    given = Run.objects.filter(pk=run.pk, status=RunStatus.ESTIMATED).update(
        **{f"{gate}_reason": reason.strip(), f"{gate}_reason_by": actor}
    )
    if not given:
        raise StaleStateError("This run has started or was thrown away: reload and look again.")


def pilot_sample(prompt_version: PromptVersion, connection: Connection) -> Sample:
    """What people said of this prompt's and model's records, in the order in which they said it."""
    statuses = (
        _reviewed(prompt_version.prompt.project, [prompt_version.label])
        .filter(generator_model=connection.model, generator_provider=connection.provider)
        .values_list("status", flat=True)
    )
    return run_plan(PLAN, (status == RecordStatus.REJECTED for status in statuses.iterator()))


def pilot_states(project: Project, labels: Sequence[str]) -> dict[str, list[PilotState]]:
    """For each of ``labels``, which are labels of prompt versions, its models that are reviewed. One query."""
    is_bad: dict[tuple[str, str, str], list[bool]] = {}
    reviews = _reviewed(project, labels).values_list(
        "prompt_version", "generator_provider", "generator_model", "status"
    )
    for label, provider, model, status in reviews.iterator():
        if provider in REGISTRY and not REGISTRY[provider].offline_model:
            is_bad.setdefault((label, provider, model), []).append(status == RecordStatus.REJECTED)
    states: dict[str, list[PilotState]] = {}
    for (label, _, model), outcomes in sorted(is_bad.items()):
        states.setdefault(label, []).append(PilotState(model, run_plan(PLAN, outcomes)))
    return states


def _reviewed(project: Project, labels: Sequence[str]) -> RecordQuerySet:
    """By people, in the order in which they did."""
    return Record.objects.filter(
        project=project, prompt_version__in=labels, review_method=ReviewMethod.PERSON, status__in=REVIEWED
    ).order_by("reviewed_at", "id")


def pilot_gate(prompt_version: PromptVersion, connection: Connection) -> Gate:
    state = PilotState(connection.model, pilot_sample(prompt_version, connection))
    sample = state.sample
    counts = f"{sample.bad} of {sample.reviewed} reviewed records were rejected"
    if sample.verdict == Verdict.ACCEPTED:
        return Gate(GateKey.PILOT, is_open=True, words=f"Passed: {counts}.")
    if sample.verdict == Verdict.REFUSED:
        return Gate(
            GateKey.PILOT,
            is_open=False,
            words=f"Failed: {counts}.",
            remedy="Change the prompt: a new version starts a new pilot.",
        )
    size = _spec_of(prompt_version.prompt.project).pilot_size
    return Gate(
        GateKey.PILOT,
        is_open=False,
        words=f"Undecided: {counts}.",
        remedy=f"Run up to {size} records with this prompt and model and review {state.more_needed} or more of "
        "them.",
    )


def teacher_gate(project: Project, connection: Connection) -> Gate:
    spec = _spec_of(project)
    check = latest_teacher_check(project, connection)
    words, remedy = _problem_of(check, spec)
    if check is None or words:
        return Gate(GateKey.TEACHER, is_open=False, words=words, remedy=remedy)
    interval = teacher_interval(check)
    words = (
        f"{check.right} of {check.asked} seed rows right "
        f"({interval.low:.0%} to {interval.high:.0%}); the spec's bar is {spec.teacher_bar:.0%}."
    )
    if silent := check.asked - check.answered:
        words += f" {silent} gave no answer that can be read, which is not right."
    if check.right / check.asked < spec.teacher_bar:
        return Gate(
            GateKey.TEACHER,
            is_open=False,
            words=words,
            remedy="This model struggles with your task: choose another one, or make the guide clearer.",
        )
    return Gate(GateKey.TEACHER, is_open=True, words=words)


def _problem_of(check: TeacherCheck | None, spec: Spec) -> tuple[str, str]:
    """Why ``check`` says nothing of the task as it stands, and what to do; two "" where it does."""
    if check is None:
        return (
            "The model has not been asked yet whether it can do the task itself.",
            "Start the check on the run's page: it answers real seed rows.",
        )
    if TeacherCheck.objects.under_way().filter(pk=check.pk).exists():
        return f"It has answered {check.answered} of {check.asked} seed rows.", "Wait for the rest."
    if check.spec_version != spec.version:
        return (
            f"It was asked under another version of the spec than v{spec.version}.",
            "Start the check on the run's page once more.",
        )
    if not check.answered:
        return (
            f"None of {check.asked} seed rows got an answer that can be read.",
            "Look at the connection in the workbench, then start the check once more.",
        )
    return "", ""


def teacher_interval(check: TeacherCheck) -> Interval:
    """Of the share that is right. A question that got no answer was not answered right."""
    return wilson(check.right, check.asked)


def latest_teacher_check(project: Project, connection: Connection) -> TeacherCheck | None:
    """Of the connection's model as it is now."""
    checks = TeacherCheck.objects.filter(project=project, connection=connection, model=connection.model)
    return checks.order_by("-id").first()


def _spec_of(project: Project) -> Spec:
    """The published spec; before there is one, what a new one begins with."""
    return project.published_spec() or Spec()
