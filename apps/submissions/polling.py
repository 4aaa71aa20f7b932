"""Asking how a batch is doing, and bringing its results to disk once it has ended."""

from __future__ import annotations

import logging
from datetime import timedelta

from django.db import IntegrityError, transaction

from apps.core.clock import database_now
from apps.core.errors import StaleStateError
from apps.providers import Provider, provider_of
from apps.providers.base import HAS_RESULTS, BatchState, NotOursError, Poll
from apps.submissions.claims import claim, move, pause, put_off
from apps.submissions.models import Submission, SubmissionStatus
from apps.submissions.request_files import batch_of
from apps.submissions.results import keep_results

logger = logging.getLogger(__name__)

S = SubmissionStatus
# A full queue at a provider empties by hours, not seconds.
SHORTEST_DEFERMENT = timedelta(minutes=5)
ENDED_AS = {BatchState.ENDED: S.DONE, BatchState.EXPIRED: S.EXPIRED, BatchState.CANCELLED: S.CANCELLED}


def poll_submission(submission_id: int) -> None:
    """Accepted → running → ingesting (or failed). Errors change nothing but the time of the next try."""
    submission = claim(submission_id, S.ACCEPTED, S.RUNNING)
    if submission is None:
        return
    provider = provider_of(submission.connection.provider)
    try:
        if submission.cancel_requested_at:
            _cancel(submission, provider)
            return
        poll = provider.poll(batch_of(submission))
        if poll.state in HAS_RESULTS:
            _fetch(submission, provider, poll)
            return
    except NotOursError as error:
        _disown(submission, error)
        return
    except StaleStateError:
        logger.info("Submission %s: another worker has its results", submission_id)
        return
    except Exception as error:  # noqa: BLE001  a poll may always be tried again
        put_off(submission, error)
        return
    if poll.state == BatchState.DEFERRED:
        _defer(submission, provider, poll)
    elif poll.state == BatchState.FAILED:
        move(submission, S.FAILED, last_error=poll.message or "The provider says that the batch failed.")
    else:
        _wait(submission, provider, poll)


def _disown(submission: Submission, error: NotOursError) -> None:
    """What was adopted by its time and size carries somebody else's ids: ours has yet to be found."""
    logger.error("Submission %s: batch %s is not ours", submission.pk, submission.batch_id)
    try:
        with transaction.atomic():
            move(
                submission,
                S.UNKNOWN,
                batch_id="",
                disowned_batches=[*submission.disowned_batches, submission.batch_id],
                last_error=f"Batch {submission.batch_id} is not ours. {error}",
            )
    except IntegrityError:
        put_off(submission, f"{error} Ours is looked for once another unresolved one is found.")


def _defer(submission: Submission, provider: Provider, poll: Poll) -> None:
    """The provider ended it undone because its queue is full: as with a 429, it is sent again later."""
    attempts = submission.attempts + 1
    move(
        submission,
        S.SCREENED,
        batch_id="",
        # It is over: should the next attempt be lost, the list must not offer this one for it.
        disowned_batches=[*submission.disowned_batches, submission.batch_id],
        attempts=attempts,
        last_error=poll.message or f"{provider.title} has too much enqueued; it is sent again later.",
        next_attempt_at=database_now() + max(SHORTEST_DEFERMENT, pause(attempts)),
    )


def _cancel(submission: Submission, provider: Provider) -> None:
    """A person stopped the run: nothing more of it comes in, so the end at the provider is not waited for."""
    provider.cancel(batch_of(submission))
    move(submission, S.CANCELLED, last_error="Stopped by a person.")


def _fetch(submission: Submission, provider: Provider, poll: Poll) -> None:
    lines = provider.results(batch_of(submission))
    keep_results(submission, lines, ended_as=ENDED_AS[poll.state], note=poll.message)


def _wait(submission: Submission, provider: Provider, poll: Poll) -> None:
    later = database_now() + provider.poll_every
    said: dict[str, object] = {"next_attempt_at": later, "last_error": poll.message}
    if poll.results_expire_at:
        said["results_expire_at"] = poll.results_expire_at
    if poll.state == BatchState.RUNNING and submission.status == S.ACCEPTED:
        move(submission, S.RUNNING, **said)
        return
    Submission.objects.filter(pk=submission.pk, status=submission.status).update(attempts=0, **said)
