"""Trying a prompt on five records while it is being written. The generation worker asks; nothing becomes a record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction

from apps.accounts.models import User
from apps.core.errors import DomainError
from apps.core.strict_json import JsonValue
from apps.generation.jobs import job_of
from apps.generation.models import Prompt, PromptVersion, Run, Trial
from apps.providers import provider_of
from apps.providers.base import JsonObject, Volume
from apps.specs.models import Gap
from apps.submissions.estimates import count_tokens, estimate, reservation_for
from apps.submissions.models import Connection, Delivery, Submission, SubmissionRequest
from apps.submissions.request_files import PlannedRequest, custom_id_of, freeze
from apps.submissions.services import plan_submission

PURPOSE = "trial"
TRIED = 5


def rendered_request(
    *, prompt: Prompt, template: str, gap: Gap, connection: Connection, count: int = TRIED
) -> tuple[PlannedRequest, JsonObject]:
    """The first request that a run of ``template`` would ask, and how the provider would be sent it.

    RefusedError names what is wrong with the template; DomainError when there is nothing to ask about.
    """
    provider = provider_of(connection.provider)
    if provider.prompt_language != prompt.language:
        raise DomainError(
            f"{provider.title} reads prompts written as {provider.prompt_language}, and this one is written "
            f"as {prompt.language}: choose another generator."
        )
    draft = Run(
        project=gap.project,
        gap=gap,
        prompt_version=PromptVersion(prompt=prompt, version=0, template=template),
        connection=connection,
        count=count,
    )
    request = next(iter(job_of(prompt.role).plan(draft).requests()), None)
    if request is None:
        raise DomainError(f"There is nothing to ask about {gap}.")
    line = provider.request_line(custom_id_of("0" * 32, 1), request.ask, endpoint=connection.endpoint)
    return request, line


def try_prompt(
    *, prompt: Prompt, template: str, gap: Gap, connection: Connection, actor: User | None
) -> Trial:
    """Writes down an interactive call for one request of ``template``; the page looks for its answer.

    The file is screened like any other before it is sent. Errors as in ``rendered_request``, and RefusedError
    when the budget does not allow it.
    """
    provider = provider_of(connection.provider)
    if not provider.has_synchronous:
        raise DomainError(f"{provider.title} answers batches only: start a small run instead.")
    request, line = rendered_request(prompt=prompt, template=template, gap=gap, connection=connection)
    volume = Volume(requests=1, records=request.ask.count, request_bytes=0)
    tokens = count_tokens(provider=provider, sample=line, volume=volume, history=Submission.objects.none())
    kept = estimate(
        connection=connection, delivery=Delivery.INTERACTIVE, volume=volume, submissions=1, tokens=tokens
    )
    (frozen,) = freeze(connection, [request], total=1)
    try:
        with transaction.atomic():
            submission = plan_submission(
                frozen=frozen,
                project=gap.project,
                connection=connection,
                purpose=PURPOSE,
                delivery=Delivery.INTERACTIVE,
                reservation=reservation_for(kept, requests=1),
            )
            return Trial.objects.create(
                project=gap.project,
                gap=gap,
                connection=connection,
                prompt=prompt,
                template=template,
                submission_uuid=submission.uuid,
                created_by=actor,
            )
    except Exception:
        frozen.discard()
        raise


class TrialSink:
    """Keeps what came back beside the trial."""

    def __init__(self, submission_id: int) -> None:
        uuid = Submission.objects.values_list("uuid", flat=True).get(pk=submission_id)
        self.trial = Trial.objects.get(submission_uuid=uuid)

    def read(self, request: SubmissionRequest, answer: JsonValue) -> list[JsonValue]:
        return [answer]

    def write(self, rows: Sequence[JsonValue]) -> None:
        Trial.objects.filter(pk=self.trial.pk).update(answers=[*self.trial.answers, *rows])


@dataclass(frozen=True)
class TrialState:
    """``records`` as the model gave them; ``problem`` says in words why there are none."""

    trial: Trial
    submission: Submission
    records: list[JsonValue]
    problem: str
    is_waiting: bool


def state_of(trial: Trial) -> TrialState:
    """Where a trial stands. Two queries."""
    submission = Submission.objects.select_related("connection").get(uuid=trial.submission_uuid)
    request = submission.requests.first()
    records: list[JsonValue] = []
    for answer in trial.answers:
        listed = answer.get("records") if isinstance(answer, dict) else None
        records += listed if isinstance(listed, list) else [answer]
    is_waiting = submission.finished_at is None
    problem = ""
    if not is_waiting and not records:
        said = request.message if request else ""
        problem = " ".join(filter(None, [submission.last_error, request.reason if request else "", said]))
        problem = problem or "No answer came back."
    return TrialState(trial, submission, records, problem, is_waiting)
