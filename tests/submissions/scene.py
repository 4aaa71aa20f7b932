"""A submission in any of its states, as the tests of the machine need it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from apps.core.strict_json import JsonValue
from apps.providers.base import Ask
from apps.providers.rules_phrases import parse_phrases
from apps.records.models import SourceType
from apps.records.services import NewRecord, create_records
from apps.specs.models import Gap, Project
from apps.submissions.ingest import ingest_submission
from apps.submissions.models import Connection, Delivery, ModelFamily, Submission, SubmissionRequest
from apps.submissions.polling import poll_submission
from apps.submissions.request_files import PlannedRequest, freeze
from apps.submissions.screening import screen_submission
from apps.submissions.sending import send_submission
from apps.submissions.services import NOTHING, plan_submission
from apps.submissions.sinks import UnusableAnswerError
from tests import factories
from tests.submissions.scripted import Scripted

PROMPT = parse_phrases("labels: {}").prompt_for("refund")


def make_connection(provider: str = "scripted") -> Connection:
    family, _ = ModelFamily.objects.get_or_create(name=provider)
    connection, _ = Connection.objects.get_or_create(
        name=provider, defaults={"provider": provider, "model": f"{provider}-1", "family": family}
    )
    return connection


def make_request(*seeds: str, first: int = 0) -> PlannedRequest:
    ask = Ask(
        prompt=PROMPT,
        label="refund",
        count=2,
        first=first,
        seed=1,
        example={"input": {"text": "{text}"}, "output": {"label": "refund"}},
        seeds=seeds or ("where is my money",),
    )
    return PlannedRequest(ask, {"label": "refund", "count": ask.count})


def make_submission(
    project: Project | None = None, *, requests: int = 2, connection: Connection | None = None, **values: Any
) -> Submission:
    """An intent with a frozen file of ``requests`` requests."""
    connection = connection or make_connection()
    planned = [make_request(first=2 * number) for number in range(requests)]
    (frozen,) = freeze(connection, planned, total=len(planned))
    submission = plan_submission(
        frozen=frozen,
        project=project or factories.make_project(),
        connection=connection,
        purpose=values.pop("purpose", "test"),
        run_uuid=values.pop("run_uuid", None),
        delivery=values.pop("delivery", Delivery.BATCH),
        reservation=values.pop("reservation", NOTHING),
    )
    if values:
        Submission.objects.filter(pk=submission.pk).update(**values)
    return reread(submission)


def reread(submission: Submission) -> Submission:
    return Submission.objects.select_related("connection__family", "project").get(pk=submission.pk)


def ids_of(submission: Submission) -> list[str]:
    return list(submission.requests.order_by("id").values_list("custom_id", flat=True))


def time_passes(submission: Submission) -> None:
    """Whatever lease or pause was on the row is over."""
    Submission.objects.filter(pk=submission.pk).exclude(next_attempt_at=None).update(
        next_attempt_at=timezone.now()
    )


def screen(submission: Submission) -> Submission:
    screen_submission(submission.pk, [])
    return reread(submission)


def send(submission: Submission) -> Submission:
    send_submission(submission.pk)
    return reread(submission)


def poll(submission: Submission) -> Submission:
    poll_submission(submission.pk)
    return reread(submission)


def sent(project: Project | None = None, **values: Any) -> Submission:
    return send(screen(make_submission(project, **values)))


@dataclass
class NoteSink:
    """Makes records, so that what came in can be counted, and refuses answers that say so."""

    gap: Gap
    submission: Submission

    def read(self, request: SubmissionRequest, answer: JsonValue) -> list[NewRecord]:
        records = answer.get("records") if isinstance(answer, dict) else None
        if not isinstance(records, list):
            raise UnusableAnswerError("not_records", "There is no list of records.")
        return [
            NewRecord(
                source_type=SourceType.SYNTHETIC,
                gap=self.gap,
                input=record["input"],  # type: ignore[index,call-overload,arg-type]
                output=record["output"],  # type: ignore[index,call-overload,arg-type]
                generator_provider="scripted",
                submission_uuid=self.submission.uuid,
                request_id=request.custom_id,
                position=position,
            )
            for position, record in enumerate(records)
        ]

    def write(self, rows: Sequence[NewRecord]) -> None:
        create_records(project=self.gap.project, rows=rows, actor=None)


def fetched(
    provider: Scripted, lines: Callable[[list[str]], Sequence[bytes]], *, requests: int = 2
) -> Submission:
    """A submission whose results are on disk: what ``lines`` makes of its custom ids."""
    submission = sent(requests=requests)
    provider.lines = list(lines(ids_of(submission)))
    return poll(submission)


def note_sink(submission: Submission) -> NoteSink:
    gap = submission.project.gaps.first() or factories.make_gap(submission.project)
    return NoteSink(gap, submission)


def ingest(submission: Submission) -> Submission:
    ingest_submission(submission.pk, note_sink(submission))
    return reread(submission)
