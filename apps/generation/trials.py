"""Trying a prompt on five records while it is being written. The generation worker asks; nothing becomes a record."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from django.db import transaction

from apps.accounts.models import User
from apps.core.charts.format import dollars
from apps.core.errors import DomainError
from apps.core.strict_json import JsonValue
from apps.generation.jobs import job_of
from apps.generation.models import Prompt, PromptVersion, Run, Trial
from apps.providers import Provider, provider_of
from apps.providers.base import JsonObject, Volume
from apps.specs.models import Gap
from apps.submissions.estimates import count_tokens, estimate, reservation_for
from apps.submissions.models import Connection, Delivery, RequestOutcome, Submission, SubmissionRequest
from apps.submissions.request_files import PlannedRequest, custom_id_of, freeze
from apps.submissions.services import plan_submission, request_cancel
from apps.task_types import task_type_of

PURPOSE = "trial"
TRIED = 5


@dataclass(frozen=True)
class Asked:
    """One request of a trial, and the line that the provider is sent."""

    request: PlannedRequest
    line: JsonObject

    @property
    def about(self) -> str:
        return about(self.request.context)

    @property
    def text(self) -> str:
        """What the template says to the model; "" where that is no text."""
        return self.request.ask.prompt if isinstance(self.request.ask.prompt, str) else ""

    @property
    def body(self) -> str:
        return readable(self.line)


@dataclass(frozen=True)
class Draft:
    """What trying a template asks for. ``estimate`` as in ``submissions.estimates``."""

    provider: Provider
    asked: list[Asked]
    estimate: dict[str, Any]

    @property
    def cost_words(self) -> str:
        if not self.estimate["price"]:
            return "a price that nobody knows"
        about = "about " if self.estimate["is_guess"] else ""
        return f"{about}{dollars(self.estimate['money'])}"


def draft_of(*, prompt: Prompt, template: str, gap: Gap, connection: Connection) -> Draft:
    """What a run of ``template`` would ask for five records, how the provider would be sent it, and what it costs.

    RefusedError names what is wrong with the template; DomainError when there is nothing to ask about.
    """
    provider = provider_of(connection.provider)
    if provider.prompt_language != prompt.language:
        raise DomainError(
            f"{provider.title} reads prompts written as {provider.prompt_language}, and this one is written "
            f"as {prompt.language}: choose another generator."
        )
    run = Run(
        project=gap.project,
        gap=gap,
        prompt_version=PromptVersion(prompt=prompt, version=0, template=template),
        connection=connection,
        count=TRIED,
        delivery=Delivery.INTERACTIVE,
    )
    custom_id = custom_id_of("0" * 32, 1)
    asked = [
        Asked(request, provider.request_line(custom_id, request.ask, endpoint=connection.endpoint))
        for request in islice(job_of(prompt.role).plan(run).requests(), TRIED)
    ]
    if not asked:
        raise DomainError(f"There is nothing to ask about {gap}.")
    volume = Volume(requests=len(asked), records=TRIED, request_bytes=0)
    tokens = count_tokens(
        provider=provider, sample=asked[0].line, volume=volume, history=Submission.objects.none()
    )
    return Draft(
        provider,
        asked,
        estimate(
            connection=connection, delivery=Delivery.INTERACTIVE, volume=volume, submissions=1, tokens=tokens
        ),
    )


def try_prompt(
    *, prompt: Prompt, template: str, gap: Gap, connection: Connection, actor: User | None
) -> Trial:
    """Writes down interactive calls for five records of ``template``; the page looks for their answers.

    The file is screened like any other before it is sent. Errors as in ``draft_of``, and RefusedError when the
    budget does not allow it.
    """
    provider = provider_of(connection.provider)
    if not provider.has_synchronous:
        raise DomainError(f"{provider.title} answers batches only: start a small run instead.")
    draft = draft_of(prompt=prompt, template=template, gap=gap, connection=connection)
    requests = [asked.request for asked in draft.asked]
    (frozen,) = freeze(connection, requests, total=len(requests), is_batch=False)
    try:
        with transaction.atomic():
            submission = plan_submission(
                frozen=frozen,
                project=gap.project,
                connection=connection,
                purpose=PURPOSE,
                delivery=Delivery.INTERACTIVE,
                reservation=reservation_for(draft.estimate, requests=len(requests)),
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


def stop_trial(*, trial: Trial, actor: User | None) -> None:
    """What has not been sent is not sent; what has been may still cost and is not shown any more."""
    request_cancel(submissions=list(Submission.objects.filter(uuid=trial.submission_uuid).unfinished()))


class TrialSink:
    """Keeps what came back beside the trial, with what it was asked about."""

    def __init__(self, submission_id: int) -> None:
        uuid = Submission.objects.values_list("uuid", flat=True).get(pk=submission_id)
        self.trial = Trial.objects.get(submission_uuid=uuid)

    def read(self, request: SubmissionRequest, answer: JsonValue) -> list[JsonValue]:
        return [{"about": about({**request.context, "count": 0}), "answer": answer}]

    def write(self, rows: Sequence[JsonValue]) -> None:
        self.trial.answers = [*self.trial.answers, *rows]
        self.trial.save(update_fields=["answers"])


@dataclass(frozen=True)
class Tried:
    """One record as the model gave it. ``text`` and ``output`` are empty where it does not look like one."""

    about: str
    text: str
    output: list[tuple[str, str]]
    body: str


@dataclass(frozen=True)
class Unanswered:
    about: str
    why: str


@dataclass(frozen=True)
class TrialState:
    """``problem`` says in words why the whole of it was not sent, or what it waits for."""

    trial: Trial
    submission: Submission
    tried: list[Tried]
    unanswered: list[Unanswered]
    problem: str

    @property
    def is_waiting(self) -> bool:
        return self.submission.finished_at is None

    @property
    def answered(self) -> int:
        return self.submission.request_count - len(self.unanswered)

    @property
    def cost_words(self) -> str:
        if self.submission.cost is None:
            return f"{dollars(self.submission.reserved)} set aside"
        if not self.submission.price:
            return "not known"
        return f"{'about ' if self.submission.cost_is_guess else ''}{dollars(self.submission.cost)}"


def state_of(trial: Trial) -> TrialState:
    """Where a trial stands. Two queries."""
    submission = Submission.objects.select_related("connection", "project").get(uuid=trial.submission_uuid)
    open_ones = submission.requests.exclude(outcome=RequestOutcome.ANSWERED).order_by("id")
    text_of = task_type_of(submission.project.task_type).text_of
    return TrialState(
        trial,
        submission,
        tried=[tried for row in trial.answers for tried in _tried(row["about"], row["answer"], text_of)],
        unanswered=[
            Unanswered(about(request.context), ": ".join(filter(None, _why(request))))
            for request in open_ones
        ],
        problem=submission.last_error,
    )


def _why(request: SubmissionRequest) -> tuple[str, str]:
    """The provider's word for it, or else ours, and what it said."""
    return request.reason.replace("_", " ") or request.get_outcome_display(), request.message


def _tried(about: str, answer: JsonValue, text_of: Callable[[Mapping[str, Any]], str]) -> Iterator[Tried]:
    listed = answer.get("records") if isinstance(answer, dict) else None
    for record in listed if isinstance(listed, list) else [answer]:
        input_, output = (
            (record.get("input"), record.get("output")) if isinstance(record, dict) else (None, None)
        )
        yield Tried(
            about,
            text_of(input_) if isinstance(input_, dict) else "",
            [(name, str(value)) for name, value in output.items()] if isinstance(output, dict) else [],
            readable(record),
        )


def about(context: Mapping[str, Any]) -> str:
    """What a request is about, in words: its label, its axes, how many records."""
    axes = [f"{name}: {value}" for name, value in context.get("axes", {}).items()]
    count = (
        [f"{context['count']} record{'s' if context['count'] > 1 else ''}"] if context.get("count") else []
    )
    return ", ".join(filter(None, [context.get("label", ""), *axes, *count]))


def readable(value: JsonValue) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)
