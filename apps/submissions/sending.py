"""Posting a batch at most once, and finding out what became of one whose answer was lost.

0. What the batch needs at the provider is uploaded: free, and harmless to repeat.
1. The attempt is committed (``sending``, ``post_count`` + 1) before the socket opens.
2. A definite no ends it; "not now" puts it back; a yes is ``accepted``; anything else is ``unknown``.
3. A sender that died leaves ``sending`` behind; once its lease is over that is ``unknown`` too.
4. ``unknown`` is looked for at the provider by our nonce. It is never sent again without a person's word.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import replace

from django.db import IntegrityError, transaction
from django.db.models import F

from apps.core.clock import database_now
from apps.core.crashpoints import crash_point
from apps.core.errors import DomainError, StaleStateError
from apps.providers import Provider, provider_of
from apps.providers.base import DefiniteRefusalError, Found, RetryLaterError
from apps.submissions.claims import claim, described, hold, move, pause, put_off
from apps.submissions.models import Delivery, Submission, SubmissionStatus
from apps.submissions.request_files import batch_of, is_as_frozen

logger = logging.getLogger(__name__)

S = SubmissionStatus


def send_submission(submission_id: int) -> None:
    """Screened → sending → accepted, rejected, screened again (429) or unknown. One by one: screened → running."""
    submission = claim(submission_id, S.SCREENED)
    if submission is None:
        return
    if submission.cancel_requested_at:
        move(submission, S.CANCELLED)
        return
    if not submission.connection.is_enabled:
        put_off(submission, f"The connection {submission.connection} is switched off.")
        return
    # The file is read-only, and this is the SHA-256 under which it was screened.
    if not is_as_frozen(submission):
        move(submission, S.FAILED, last_error="The request file changed after it was screened.")
        return
    if submission.delivery != Delivery.BATCH:
        move(submission, S.RUNNING, sent_at=database_now())
        return
    provider = provider_of(submission.connection.provider)
    if not submission.upload and not _upload(submission, provider):
        return
    try:
        _commit_attempt(submission, provider)
    except IntegrityError:
        put_off(submission, f"{provider.title} marks no batch: it waits until an unresolved one is found.")
        return
    _post(submission, provider)


def _upload(submission: Submission, provider: Provider) -> bool:
    """Whatever goes wrong here, no batch was made: it is tried again."""
    hold(submission, provider.create_within)
    try:
        upload = provider.upload(batch_of(submission))
    except DefiniteRefusalError as error:
        move(submission, S.REJECTED, last_error=described(error))
        return False
    except RetryLaterError as error:
        put_off(submission, error, after=max(error.after, pause(submission.attempts + 1)))
        return False
    except Exception as error:  # noqa: BLE001  free, so it may be repeated
        put_off(submission, error)
        return False
    Submission.objects.filter(pk=submission.pk).update(upload=upload)
    submission.upload = upload
    return True


def _commit_attempt(submission: Submission, provider: Provider) -> None:
    """After this the money wall holds: whatever happens, this attempt is known.

    IntegrityError when another submission of the same lane is unresolved.
    """
    now = database_now()
    with transaction.atomic():
        move(
            submission,
            S.SENDING,
            post_count=F("post_count") + 1,
            sent_at=now,
            next_attempt_at=now + provider.create_within,
            attempts=submission.attempts,
        )
        crash_point("before_sending_commit")
    submission.sent_at = now


def _post(submission: Submission, provider: Provider) -> None:
    """The one call that may cost money. No transaction is open around it."""
    try:
        created = provider.create(batch_of(submission))
    except RetryLaterError as error:
        attempts = submission.attempts + 1
        wait = max(error.after, pause(attempts))
        move(
            submission,
            S.SCREENED,
            attempts=attempts,
            last_error=described(error),
            next_attempt_at=database_now() + wait,
        )
    except DefiniteRefusalError as error:
        move(submission, S.REJECTED, last_error=described(error))
    except DomainError as error:
        # No key, no SDK: said before any socket is opened.
        attempts = submission.attempts + 1
        again_at = database_now() + pause(attempts)
        move(submission, S.SCREENED, attempts=attempts, last_error=described(error), next_attempt_at=again_at)
    except Exception as error:  # noqa: BLE001  nobody knows what the provider did: ask it, never send again
        logger.warning("Submission %s is unknown after sending: %s", submission.pk, described(error))
        move(submission, S.UNKNOWN, last_error=described(error))
    else:
        crash_point("after_create_before_accept_commit")
        try:
            _accept(submission, created.batch_id)
        except StaleStateError:
            # A person gave this attempt up, or had it sent again, while it was still under way.
            _cancelled(submission, provider, [Found(created.batch_id, database_now())])


def _accept(submission: Submission, batch_id: str, note: str = "") -> None:
    """The provider has it. A slow sender may find its row ``unknown`` by now: same batch, same end."""
    try:
        move(submission, S.ACCEPTED, batch_id=batch_id, last_error=note)
    except StaleStateError:
        submission.refresh_from_db(fields=["status", "batch_id"])
        if submission.batch_id == batch_id:
            return
        move(submission, S.ACCEPTED, batch_id=batch_id, last_error=note)


def reconcile_submission(submission_id: int) -> None:
    """Looks at the provider for a batch that may or may not have been made."""
    submission = claim(submission_id, S.SENDING, S.UNKNOWN)
    if submission is None:
        return
    if submission.status == S.SENDING:
        move(submission, S.UNKNOWN, last_error="The process that was sending it died.")
        return
    provider = provider_of(submission.connection.provider)
    try:
        found = _not_taken(submission, provider.find(batch_of(submission)))
    except Exception as error:  # noqa: BLE001  the list is down: still unknown, nothing spent
        put_off(submission, error)
        return
    if not found:
        # Lists lag, so it is looked for again; meanwhile a person may say "send it again" or "give it up".
        put_off(submission, f"{provider.title} lists no batch with our tag. Resend it or give it up.")
        return
    if not all(batch.is_certain for batch in found) and len(found) > 1:
        # Somebody else's batches may be among them, so none is cancelled; once they end, their results tell.
        certain = [batch for batch in found if batch.is_certain]
        if not certain:
            put_off(submission, f"{len(found)} batches may be ours; it is told apart when they have ended.")
            return
        found = certain
    oldest, *others = found
    note = f"{len(found)} batches carried our tag; kept the oldest. " if others else ""
    _accept(submission, oldest.batch_id, note + " ".join(_cancelled(submission, provider, others)))


def _not_taken(submission: Submission, listed: Iterable[Found]) -> list[Found]:
    """The oldest first, without those of our other submissions and those that proved to be somebody else's."""
    found = sorted(listed, key=lambda batch: batch.created_at)
    others = Submission.objects.filter(
        connection__provider=submission.connection.provider, batch_id__in=[batch.batch_id for batch in found]
    ).exclude(pk=submission.pk)
    taken = {*others.values_list("batch_id", flat=True), *submission.disowned_batches}
    return [batch for batch in found if batch.batch_id not in taken]


def _cancelled(submission: Submission, provider: Provider, others: list[Found]) -> list[str]:
    """Cancels the batches that are one too many and says of each what came of it."""
    notes = []
    for other in others:
        logger.error("Submission %s was made twice: cancelling %s", submission.pk, other.batch_id)
        try:
            provider.cancel(replace(batch_of(submission), batch_id=other.batch_id))
        except Exception as error:  # noqa: BLE001  the one that is kept must not suffer from it
            notes.append(f"{other.batch_id} could not be cancelled ({error}): do it by hand.")
        else:
            notes.append(f"{other.batch_id} was cancelled.")
    return notes
