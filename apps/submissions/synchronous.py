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

from django.db import transaction
from django.db.models import F

from apps.core.atomic_files import atomic_file
from apps.core.batches import batched
from apps.core.clock import database_now
from apps.core.crashpoints import crash_point
from apps.core.errors import DomainError, StaleStateError
from apps.core.strict_json import JsonValue, canonical_dumps
from apps.providers import Provider, provider_of
from apps.providers.base import Answer, AnswerStatus, DefiniteRefusalError, JsonObject, RetryLaterError
from apps.submissions.claims import claim, described, move, pause, put_off
from apps.submissions.models import RequestOutcome, Submission, SubmissionRequest, SubmissionStatus
from apps.submissions.request_files import RequestLines, answer_path, path_of, refuse_full_disk
from apps.submissions.results import keep_results

logger = logging.getLogger(__name__)

S = SubmissionStatus
# As many as a small server of one's own answers at once.
AT_ONCE = 4
LOOK_AHEAD = 50 * AT_ONCE
TASK_SECONDS = 10.0
# Our own line in the result file, where a provider said no to one request; no provider writes such a key.
REFUSED = "synthreview_refused"


@dataclass(frozen=True)
class Posted:
    """What came of one post."""

    request: SubmissionRequest
    wait: timedelta | None = None
    """The provider did nothing, and may be asked again after this long."""
    message: str = ""
    error: Exception | None = None
    """Its answer came and could not be kept."""


def answer_submission(submission_id: int) -> None:
    """Posts what has not been posted, a few at once, until all is or the task's time is over."""
    submission = claim(submission_id, S.RUNNING)
    if submission is None:
        return
    provider = provider_of(submission.connection.provider)
    try:
        if _post_all(submission, provider):
            # Whoever posted is done or dead.
            keep_results(submission, _answers(submission), ended_as=S.DONE)
    except StaleStateError:
        logger.info("Submission %s has been stopped, or somebody else goes on with it", submission_id)
    except Exception as error:  # noqa: BLE001  what is posted stays posted; the next try begins after it
        put_off(submission, error)


def _post_all(submission: Submission, provider: Provider) -> bool:
    """Whether nothing is left to be posted. False also when it goes on later: the row says when."""
    lines = RequestLines(path_of(submission.request_file))
    end = time.monotonic() + TASK_SECONDS
    unposted = submission.requests.filter(outcome=RequestOutcome.PENDING, posted_at=None).order_by("id")
    while waiting := list(unposted[:LOOK_AHEAD]):
        for chosen in batched(waiting, AT_ONCE):
            if _is_stopped(submission) or not _post_some(submission, provider, lines, chosen):
                return False
            if time.monotonic() > end:
                Submission.objects.filter(pk=submission.pk, status=S.RUNNING).update(
                    next_attempt_at=database_now()
                )
                return False
    return not _is_stopped(submission)


def _is_stopped(submission: Submission) -> bool:
    submission.refresh_from_db(fields=["cancel_requested_at", "status", "attempts"])
    if submission.status == S.RUNNING and submission.cancel_requested_at:
        move(submission, S.CANCELLED, last_error="Stopped by a person.")
    return submission.status != S.RUNNING


def _post_some(
    submission: Submission, provider: Provider, lines: RequestLines, chosen: Sequence[SubmissionRequest]
) -> bool:
    """Commits the attempts, posts them, keeps the answers. False when the provider wants to be asked later."""
    refuse_full_disk()
    # Read first: a file that cannot be read must not leave attempts behind that were none.
    asked = {request.pk: lines.of(request.custom_id) for request in chosen}
    mine = _commit_attempts(submission, provider, chosen)
    crash_point("before_request_post")
    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        done = list(pool.map(lambda request: _post(submission, provider, request, asked[request.pk]), mine))
    crash_point("after_request_post")
    waits = [posted for posted in done if posted.wait is not None]
    _take_back(submission, waits)
    for posted in done:
        if posted.error is not None:
            raise posted.error
    return not waits


@transaction.atomic
def _commit_attempts(
    submission: Submission, provider: Provider, chosen: Sequence[SubmissionRequest]
) -> list[SubmissionRequest]:
    """After this the money wall holds for those that it returns: whatever happens, these attempts are known.

    StaleStateError when the submission was stopped or moved on meanwhile.
    """
    now = database_now()
    mine = [
        request
        for request in chosen
        if SubmissionRequest.objects.filter(
            pk=request.pk, outcome=RequestOutcome.PENDING, posted_at=None
        ).update(posted_at=now)
    ]
    # Nobody else may take these for lost before their answers can be here.
    held = Submission.objects.filter(pk=submission.pk, status=S.RUNNING, cancel_requested_at=None).update(
        post_count=F("post_count") + len(mine), next_attempt_at=now + provider.create_within, attempts=0
    )
    if not held:
        raise StaleStateError(f"{submission} is not being posted any more.")
    return mine


def _post(submission: Submission, provider: Provider, request: SubmissionRequest, line: JsonObject) -> Posted:
    """The one call that may cost money. Runs in a thread and touches no database."""
    try:
        answer = provider.answer_now(line, endpoint=submission.connection.endpoint)
    except RetryLaterError as error:
        return Posted(request, wait=error.after, message=described(error))
    except DefiniteRefusalError as error:
        answer = canonical_dumps({REFUSED: request.custom_id, "message": described(error)})
    except DomainError as error:
        # No key, no SDK: said before any socket is opened.
        return Posted(request, wait=timedelta(), message=described(error))
    except Exception as error:  # noqa: BLE001  nobody knows what the provider did
        logger.warning("Request %s is lost: %s", request.custom_id, described(error))
        return Posted(request, message=described(error))
    try:
        with atomic_file(answer_path(submission, request.custom_id)) as file:
            file.write(answer.rstrip(b"\n") + b"\n")
    except OSError as error:
        return Posted(request, error=error)
    return Posted(request)


def _take_back(submission: Submission, waits: Sequence[Posted]) -> None:
    """A provider that was asked too often did nothing: those requests count as not posted."""
    if not waits:
        return
    SubmissionRequest.objects.filter(
        pk__in=[posted.request.pk for posted in waits], outcome=RequestOutcome.PENDING
    ).update(posted_at=None)
    longest = max(posted.wait or timedelta() for posted in waits)
    put_off(submission, waits[0].message, after=max(longest, pause(submission.attempts + 1)))


def _answers(submission: Submission) -> Iterator[bytes]:
    for custom_id in submission.requests.order_by("id").values_list("custom_id", flat=True):
        path = answer_path(submission, custom_id)
        if path.is_file():
            yield path.read_bytes()


def read_refusal(line: JsonValue) -> Answer | None:
    """What a line of ours says of a request that the provider refused; None for any other line."""
    if not isinstance(line, dict) or REFUSED not in line:
        return None
    return Answer(str(line[REFUSED]), AnswerStatus.ERROR, message=str(line.get("message", "")))
