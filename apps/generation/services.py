"""Drafting, starting, stopping and finishing runs."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from itertools import islice
from typing import Any

from django.db import transaction

from apps.accounts.models import User
from apps.core.clock import database_now
from apps.core.errors import DomainError, RefusedError, StaleStateError
from apps.core.strict_json import canonical_dumps
from apps.core.wake import wake
from apps.generation.gates import refuse_closed_gates
from apps.generation.jobs import RunPlan, job_of, plan_of
from apps.generation.models import MACHINE, PromptVersion, Run, RunStatus
from apps.generation.pauses import refuse_paused
from apps.generation.roles import refuse_related_writer
from apps.providers import provider_of
from apps.providers.base import JsonObject, Volume
from apps.specs.models import Gap, GapStatus, Project
from apps.submissions import services as submissions
from apps.submissions.budgets import refuse_over_budget, refuse_unpriced
from apps.submissions.estimates import count_tokens, estimate, reservation_for
from apps.submissions.models import Connection, Delivery, Submission, SubmissionRequest, SubmissionStatus
from apps.submissions.request_files import custom_id_of
from apps.submissions.services import request_cancel

MOST_RECORDS = 1_000_000
# Requests looked at for an estimate: a job that says no label beforehand has as many as it has sources.
MOST_SAMPLED = 200


class AlreadyStartedError(StaleStateError):
    """Somebody started this very run before: there is nothing to do but to look at it."""


@transaction.atomic
def draft_run(
    *,
    gap: Gap,
    prompt_version: PromptVersion,
    connection: Connection,
    count: int,
    actor: User | None,
    seed: int | None = None,
    delivery: str = "",
    needed_by: datetime | None = None,
) -> Run:
    """A run with its estimate, not started: nothing is sent and nothing is spent.

    Without ``delivery`` it goes as a batch where the provider has a batch interface.

    DomainError when the parts do not fit together, or when there is nothing to make a target label from.
    """
    _refuse_misfits(gap, prompt_version, connection, count)
    run = Run.objects.create(
        project=gap.project,
        gap=gap,
        prompt_version=prompt_version,
        connection=connection,
        count=count,
        seed=seed or 0,
        delivery=delivery or _usual_delivery(connection),
        needed_by=needed_by,
        created_by=actor,
    )
    run.seed = run.pk if seed is None else seed
    MACHINE.swap(
        Run.objects.filter(pk=run.pk),
        old=RunStatus.DRAFT,
        new=RunStatus.ESTIMATED,
        seed=run.seed,
        estimate=_estimate(run),
    )
    run.refresh_from_db()
    return run


def _usual_delivery(connection: Connection) -> str:
    has_batches = provider_of(connection.provider).has_batches
    return Delivery.BATCH if has_batches else Delivery.SYNCHRONOUS


def _refuse_misfits(gap: Gap, prompt_version: PromptVersion, connection: Connection, count: int) -> None:
    prompt, provider = prompt_version.prompt, provider_of(connection.provider)
    if not 1 <= count <= MOST_RECORDS:
        raise DomainError(f"A run makes 1 to {MOST_RECORDS:,} records, not {count:,}.")
    if prompt.project_id != gap.project_id:
        raise DomainError(f"The prompt {prompt_version} belongs to another project.")
    job_of(prompt.role)
    if prompt.language != provider.prompt_language:
        raise DomainError(
            f"{provider.title} reads prompts written as {provider.prompt_language}; "
            f"{prompt_version} is written as {prompt.language}: choose another prompt or connection."
        )
    refuse_related_writer(project=gap.project, role=prompt.role, connection=connection)
    if not connection.is_enabled:
        raise DomainError(f"The connection {connection} is switched off: choose another one.")
    if not gap.target_labels:
        raise DomainError(f"The gap {gap} names no target label: add one before generating for it.")


def _estimate(run: Run) -> dict[str, Any]:
    """What starting would ask for; measured on one rendered request of each label."""
    plan = plan_of(run)
    number = len(plan)
    sample = _largest_first_request(plan)
    size = len(canonical_dumps(sample)) * number if sample else 0
    volume = Volume(requests=number, records=run.count, request_bytes=size)
    limits = plan.provider.limits(run.connection.endpoint)
    same = Run.objects.filter(prompt_version=run.prompt_version, connection=run.connection).values("uuid")
    return estimate(
        connection=run.connection,
        delivery=run.delivery,
        volume=volume,
        submissions=max(-(-number // limits.requests), -(-size // limits.bytes)),
        tokens=count_tokens(
            provider=plan.provider,
            sample=sample,
            volume=volume,
            history=Submission.objects.filter(run_uuid__in=same),
        ),
        needed_by=run.needed_by,
    )


def _largest_first_request(plan: RunPlan) -> JsonObject | None:
    """Of the first requests of each label, as far as they stand at the head.

    The provider refuses a label it cannot make anything from.
    """
    samples: dict[str, JsonObject] = {}
    labels = len(plan.gap.target_labels)
    for request in islice(plan.requests(), max(labels, MOST_SAMPLED)):
        label = request.ask.label
        if label not in samples:
            samples[label] = plan.provider.request_line(
                custom_id_of("0" * 32, 1), request.ask, endpoint=plan.run.connection.endpoint
            )
        if len(samples) == labels:
            break
    return max(samples.values(), key=lambda line: len(canonical_dumps(line)), default=None)


def missing_to_start(project: Project, gap: Gap) -> list[str]:
    """What keeps a run for ``gap`` from starting, each with where to go; a sandbox needs less."""
    if project.is_sandbox:
        return (
            [f"gap: {gap} is closed; choose another one or name a new one"]
            if gap.status == GapStatus.CLOSED
            else []
        )
    missing = []
    if project.active_seal() is None:
        missing.append("holdout: none is frozen yet; import real holdout rows and freeze them (Holdout page)")
    if project.published_spec() is None:
        missing.append("spec: no version is published; publish one in the admin (Specs)")
    if project.published_guide() is None:
        missing.append("label guide: no version is published; publish one (Guide page)")
    if gap.status != GapStatus.OPEN:
        missing.append(
            f"gap: {gap} is {gap.get_status_display().lower()}; open it, which locks its slice (Gap page)"
        )
    return missing


@transaction.atomic
def start_run(*, run: Run, actor: User | None) -> Run:
    """Lets an estimated run go. Of two people who press Run, one starts it; the other gets AlreadyStartedError.

    RefusedError lists what a governed project still needs before anything may be generated.
    """
    if missing := missing_to_start(run.project, run.gap):
        raise RefusedError("This run cannot start yet. It needs:", missing)
    Project.objects.select_for_update(no_key=True).get(pk=run.project_id)
    refuse_related_writer(project=run.project, role=run.prompt_version.prompt.role, connection=run.connection)
    refuse_paused(run)
    refuse_closed_gates(run)
    reservation = reservation_for(run.estimate, requests=run.estimate["requests"])
    if reservation.price:
        refuse_over_budget(project=run.project, amount=reservation.amount)
    else:
        refuse_unpriced(project=run.project)
    now = database_now()
    rows = Run.objects.filter(pk=run.pk)
    try:
        MACHINE.swap(
            rows,
            old=RunStatus.ESTIMATED,
            new=RunStatus.RUNNING,
            started_at=now,
            started_by=actor,
            next_attempt_at=now,
        )
    except StaleStateError:
        run.refresh_from_db()
        if run.started_at:
            by = f" by {run.started_by}" if run.started_by else ""
            raise AlreadyStartedError(f"Run {run.pk} was started already{by}; this is it.") from None
        raise
    run.refresh_from_db()
    wake("generation")
    return run


@transaction.atomic
def stop_run(*, run: Run, actor: User | None) -> Run:
    """No further record comes in: unsent submissions are dropped, sent ones are cancelled at the provider.

    Records that are in stay; what was not asked yet, another run may ask. Also throws away a run that was never
    started.
    """
    now = database_now()
    MACHINE.swap(
        Run.objects.filter(pk=run.pk),
        old=run.status,
        new=RunStatus.STOPPED,
        finished_at=now,
        next_attempt_at=None,
        last_error=f"Stopped by {actor}." if actor else "Stopped.",
    )
    unfinished = list(Submission.objects.of_run(run.uuid).unfinished())
    request_cancel(submissions=unfinished)
    unsent = Submission.objects.filter(
        pk__in=[each.pk for each in unfinished],
        status=SubmissionStatus.CANCELLED,
        post_count=0,
        # Of requests that are asked again, the first time counts.
        resend_of=None,
    )
    contexts = SubmissionRequest.objects.filter(submission__in=unsent).values_list("context", flat=True)
    job_of(run.prompt_version.prompt.role).give_back(list(contexts))
    run.refresh_from_db()
    return run


@transaction.atomic
def resend_missing(*, submission: Submission, actor: User) -> Submission:
    """Asks again what came back without an answer; a run that was done goes on until that is in.

    DomainError when the run was stopped: nothing more of it was wanted.
    """
    runs = Run.objects.select_for_update()
    run = runs.filter(uuid=submission.run_uuid).first() if submission.run_uuid else None
    if run is not None and run.status == RunStatus.STOPPED:
        raise DomainError(f"Run {run.pk} was stopped: start a new one for what is still wanted.")
    if run is not None and run.status == RunStatus.DONE:
        MACHINE.swap(
            Run.objects.filter(pk=run.pk), old=RunStatus.DONE, new=RunStatus.RUNNING, finished_at=None
        )
    return submissions.resend_missing(submission=submission, actor=actor)


@transaction.atomic
def finish_run(run_id: int) -> None:
    """Running → done, once every submission has come to its end."""
    # As ``resend_missing`` does: what is asked again meanwhile keeps its run open.
    Run.objects.select_for_update().get(pk=run_id)
    with suppress(StaleStateError):
        MACHINE.swap(
            Run.objects.to_finish().filter(pk=run_id),
            old=RunStatus.RUNNING,
            new=RunStatus.DONE,
            finished_at=database_now(),
        )
