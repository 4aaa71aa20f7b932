"""Requests posted one by one: for servers without a batch interface, and for people who wait.

Each request is an attempt of its own under the rule of the money wall: ``posted_at`` is committed before its
socket opens, and it is never posted again without a person's word. An answer is on disk before anything else
happens. What was posted and has no answer once its poster is silent, was lost on the way: it ends as missing, and
a person may have the missing ones asked again.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from django.db.models import F, QuerySet

from apps.core.atomic_files import atomic_file
from apps.core.clock import database_now
from apps.core.crashpoints import crash_point
from apps.core.strict_json import JsonValue, canonical_dumps, loads_line
from apps.providers import Provider, provider_of
from apps.providers.base import (
    Answer,
    AnswerStatus,
    DefiniteRefusalError,
    Endpoint,
    JsonObject,
    RetryLaterError,
)
from apps.submissions.claims import claim, described, move, pause, put_off
from apps.submissions.models import RequestOutcome, Submission, SubmissionRequest, SubmissionStatus
from apps.submissions.request_files import line_number_of, path_of, write_results

logger = logging.getLogger(__name__)

S = SubmissionStatus
# As many as a small server of one's own answers at once.
AT_ONCE = 4
TASK_SECONDS = 10.0
MAX_REQUEST_BYTES = 8_000_000
# Our own line in the result file, where a provider said no to one request; no provider writes such a key.
REFUSED = "synthreview_refused"


@dataclass(frozen=True)
class Posted:
    """What came of one post. ``wait`` says that the provider did nothing and wants to be asked later."""

    request: SubmissionRequest
    wait: timedelta | None = None
    message: str = ""


def answer_submission(submission_id: int) -> None:
    """Posts what has not been posted, a few at once, until all is or the task's time is over."""
    submission = claim(submission_id, S.RUNNING)
    if submission is None:
        return
    provider = provider_of(submission.connection.provider)
    end = time.monotonic() + TASK_SECONDS
    try:
        while not _is_stopped(submission):
            chosen = list(_unposted(submission)[:AT_ONCE])
            if not chosen:
                _bring_together(submission, provider)
                return
            if not _post_some(submission, provider, chosen):
                return
            if time.monotonic() > end:
                Submission.objects.filter(pk=submission.pk, status=S.RUNNING).update(
                    next_attempt_at=database_now()
                )
                return
    except Exception as error:  # noqa: BLE001  what is posted stays posted; the next try begins after it
        put_off(submission, error)


def _unposted(submission: Submission) -> QuerySet[SubmissionRequest]:
    return submission.requests.filter(outcome=RequestOutcome.PENDING, posted_at=None).order_by("id")


def _is_stopped(submission: Submission) -> bool:
    submission.refresh_from_db(fields=["cancel_requested_at", "status", "attempts"])
    if submission.status == S.RUNNING and submission.cancel_requested_at:
        move(submission, S.CANCELLED, last_error="Stopped by a person.")
    return submission.status != S.RUNNING


def _post_some(submission: Submission, provider: Provider, chosen: Sequence[SubmissionRequest]) -> bool:
    """Commits the attempts, posts them, keeps the answers. False when the provider wants to be asked later."""
    now = database_now()
    mine = [
        request
        for request in chosen
        if SubmissionRequest.objects.filter(pk=request.pk, posted_at=None).update(posted_at=now)
    ]
    # Nobody else may take these for lost before their answers can be here.
    Submission.objects.filter(pk=submission.pk, status=S.RUNNING).update(
        post_count=F("post_count") + len(mine), next_attempt_at=now + provider.create_within, attempts=0
    )
    crash_point("before_request_post")
    lines = dict(_lines_of(submission, mine))
    endpoint = submission.connection.endpoint
    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        done = list(
            pool.map(
                lambda request: _post(submission, provider, endpoint, request, lines[request.custom_id]), mine
            )
        )
    crash_point("after_request_post")
    return _heed_waits(submission, [posted for posted in done if posted.wait is not None])


def _post(
    submission: Submission,
    provider: Provider,
    endpoint: Endpoint,
    request: SubmissionRequest,
    line: JsonObject,
) -> Posted:
    """The one call that may cost money. Runs in a thread and touches no database."""
    try:
        answer = provider.answer_now(line, endpoint=endpoint)
    except RetryLaterError as error:
        return Posted(request, wait=error.after, message=described(error))
    except DefiniteRefusalError as error:
        answer = canonical_dumps({REFUSED: request.custom_id, "message": described(error)})
    except Exception as error:  # noqa: BLE001  nobody knows what the provider did
        logger.warning("Request %s is lost: %s", request.custom_id, described(error))
        return Posted(request, message=described(error))
    with atomic_file(_answer_path(submission, request)) as file:
        file.write(answer.rstrip(b"\n") + b"\n")
    return Posted(request)


def _heed_waits(submission: Submission, waits: Sequence[Posted]) -> bool:
    """A provider that was asked too often did nothing: those requests count as not posted."""
    if not waits:
        return True
    SubmissionRequest.objects.filter(
        pk__in=[posted.request.pk for posted in waits], outcome=RequestOutcome.PENDING
    ).update(posted_at=None)
    longest = max(posted.wait or timedelta() for posted in waits)
    put_off(submission, waits[0].message, after=max(longest, pause(submission.attempts + 1)))
    return False


def _bring_together(submission: Submission, provider: Provider) -> None:
    """All is posted, and whoever posted is done or dead: the answers become one file to take in."""
    name = write_results(submission, _answers(submission))
    move(submission, S.INGESTING, result_file=name, ended_as=S.DONE)


def read_refusal(line: JsonValue) -> Answer | None:
    """What a line of ours says of a request that the provider refused; None for any other line."""
    if not isinstance(line, dict) or REFUSED not in line:
        return None
    return Answer(str(line[REFUSED]), AnswerStatus.ERROR, message=str(line.get("message", "")))


def _answers(submission: Submission) -> Iterator[bytes]:
    for request in submission.requests.order_by("id"):
        path = _answer_path(submission, request)
        if path.is_file():
            yield path.read_bytes()


def _answer_path(submission: Submission, request: SubmissionRequest) -> Path:
    return path_of(f"submissions/{submission.uuid}/answers/{request.custom_id}.json")


def _lines_of(
    submission: Submission, requests: Sequence[SubmissionRequest]
) -> Iterator[tuple[str, JsonObject]]:
    """The lines of ``requests`` in the frozen file, by custom id."""
    wanted = {line_number_of(request.custom_id): request.custom_id for request in requests}
    with path_of(submission.request_file).open("rb") as file:
        for number, line in enumerate(file, 1):
            if number in wanted:
                value = loads_line(line.rstrip(b"\n"), max_bytes=MAX_REQUEST_BYTES)
                if not isinstance(value, dict):
                    raise TypeError(f"Line {number} of {submission.request_file} is not an object.")
                yield wanted[number], value
