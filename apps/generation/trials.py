"""Trying a prompt on five records while it is being written. The generation worker asks; nothing becomes a record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

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
from apps.submissions.models import Connection, Delivery, RequestOutcome, Submission, SubmissionRequest
from apps.submissions.request_files import PlannedRequest, custom_id_of, freeze
from apps.submissions.services import plan_submission

PURPOSE = "trial"
TRIED = 5


def requests_of(
    *, prompt: Prompt, template: str, gap: Gap, connection: Connection
) -> list[tuple[PlannedRequest, JsonObject]]:
    """What a run of ``template`` would ask for five records, and how the provider would be sent it.

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
        count=TRIED,
        delivery=Delivery.INTERACTIVE,
    )
    custom_id = custom_id_of("0" * 32, 1)
    requests = [
        (request, provider.request_line(custom_id, request.ask, endpoint=connection.endpoint))
        for request in islice(job_of(prompt.role).plan(draft).requests(), TRIED)
    ]
    if not requests:
        raise DomainError(f"There is nothing to ask about {gap}.")
    return requests


def try_prompt(
    *, prompt: Prompt, template: str, gap: Gap, connection: Connection, actor: User | None
) -> Trial:
    """Writes down interactive calls for five records of ``template``; the page looks for their answers.

    The file is screened like any other before it is sent. Errors as in ``requests_of``, and RefusedError when the
    budget does not allow it.
    """
    provider = provider_of(connection.provider)
    if not provider.has_synchronous:
        raise DomainError(f"{provider.title} answers batches only: start a small run instead.")
    requests = requests_of(prompt=prompt, template=template, gap=gap, connection=connection)
    volume = Volume(requests=len(requests), records=TRIED, request_bytes=0)
    tokens = count_tokens(
        provider=provider, sample=requests[0][1], volume=volume, history=Submission.objects.none()
    )
    kept = estimate(
        connection=connection, delivery=Delivery.INTERACTIVE, volume=volume, submissions=1, tokens=tokens
    )
    (frozen,) = freeze(connection, [request for request, _ in requests], total=len(requests), is_batch=False)
    try:
        with transaction.atomic():
            submission = plan_submission(
                frozen=frozen,
                project=gap.project,
                connection=connection,
                purpose=PURPOSE,
                delivery=Delivery.INTERACTIVE,
                reservation=reservation_for(kept, requests=len(requests)),
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
        self.trial.answers = [*self.trial.answers, *rows]
        self.trial.save(update_fields=["answers"])


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
    failed = submission.requests.exclude(outcome=RequestOutcome.ANSWERED).first()
    records: list[JsonValue] = []
    for answer in trial.answers:
        listed = answer.get("records") if isinstance(answer, dict) else None
        records += listed if isinstance(listed, list) else [answer]
    is_waiting = submission.finished_at is None
    said = [submission.last_error, failed.reason, failed.message] if failed else [submission.last_error]
    problem = " ".join(filter(None, said)) or ("" if records else "No answer came back.")
    if is_waiting:
        problem = ""
    return TrialState(trial, submission, records, problem, is_waiting)
