"""What is due for each step of the machine, and what a run's submissions amount to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Count, Q

from apps.core.clock import database_now
from apps.submissions.models import (
    Delivery,
    QuarantinedLine,
    RequestOutcome,
    Submission,
    SubmissionQuerySet,
    SubmissionRequest,
    SubmissionStatus,
)

S = SubmissionStatus
# A sweep takes this many and comes back.
MOST_DUE = 200
MOST_SHOWN = 50


def to_screen() -> list[int]:
    """Those that a person waits for come first."""
    return [*_due(Submission.objects.interactive(), S.INTENT), *_due(_background(), S.INTENT)]


def to_send() -> list[int]:
    return _due(_background(), S.SCREENED)


def to_reconcile() -> list[int]:
    """Unknown ones, and those whose sender has held them beyond its lease."""
    return _due(_background(), S.SENDING, S.UNKNOWN)


def to_poll() -> list[int]:
    return _due(_background().filter(delivery=Delivery.BATCH), S.ACCEPTED, S.RUNNING)


def to_answer() -> list[int]:
    """Those whose requests are posted one by one."""
    return _due(_background().filter(delivery=Delivery.SYNCHRONOUS), S.RUNNING)


def to_ingest(purposes: Collection[str]) -> list[int]:
    """Those of ``purposes``: each room takes in the answers to what it asked."""
    return _due(_background().filter(purpose__in=purposes), S.INGESTING)


def interactive_due() -> list[int]:
    """Any step, but for screening, of what a person waits for."""
    return _due(Submission.objects.interactive(), S.SCREENED, S.RUNNING, S.INGESTING)


def _background() -> SubmissionQuerySet:
    return Submission.objects.in_the_background()


def _due(rows: SubmissionQuerySet, *statuses: str) -> list[int]:
    return list(rows.due(statuses, database_now()).values_list("pk", flat=True)[:MOST_DUE])


@dataclass(frozen=True)
class SubmissionsOfRun:
    """What has become of everything that one run asked."""

    submissions: list[Submission]
    requests: dict[str, int]
    """Requests by outcome."""
    reasons: dict[str, int]
    """Requests without records, by reason: refused, truncated, …"""
    quarantine: list[QuarantinedLine]
    """The first ones; ``lines_quarantined`` counts all."""
    missing: list[str]
    """Ids of the first requests that came back without an answer; ``requests_missing`` counts all."""

    @property
    def records_made(self) -> int:
        return sum(submission.records_made for submission in self.submissions)

    @property
    def lines_quarantined(self) -> int:
        return sum(submission.lines_quarantined for submission in self.submissions)

    @property
    def unknown(self) -> list[Submission]:
        """Those that wait for a person's word."""
        return [submission for submission in self.submissions if submission.status == S.UNKNOWN]

    @property
    def requests_missing(self) -> int:
        return self.requests.get(RequestOutcome.MISSING, 0)

    def count_by_status(self) -> dict[str, int]:
        return dict(Counter(submission.status for submission in self.submissions))


def submissions_of_run(run_uuid: UUID) -> SubmissionsOfRun:
    """Four queries, however large the run. ``submissions`` come with ``missing``, their requests without an answer."""
    submissions = (
        Submission.objects.of_run(run_uuid)
        .select_related("connection", "resent_by")
        .annotate(missing=Count("requests", filter=Q(requests__outcome=RequestOutcome.MISSING)))
    )
    outcomes = (
        SubmissionRequest.objects.filter(submission__run_uuid=run_uuid)
        .values_list("outcome", "reason")
        .annotate(number=Count("pk"))
        .order_by()
    )
    requests: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    for outcome, reason, number in outcomes:
        requests[outcome] += number
        if reason:
            reasons[reason] += number
    quarantine = QuarantinedLine.objects.filter(submission__run_uuid=run_uuid)
    missing = SubmissionRequest.objects.filter(submission__run_uuid=run_uuid, outcome=RequestOutcome.MISSING)
    return SubmissionsOfRun(
        submissions=list(submissions.order_by("id")),
        requests=dict(requests),
        reasons=dict(reasons),
        quarantine=list(quarantine.order_by("submission", "offset")[:MOST_SHOWN]),
        missing=list(missing.order_by("id").values_list("custom_id", flat=True)[:MOST_SHOWN]),
    )
