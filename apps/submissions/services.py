"""Writing submissions down, and what a person may say about one."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from uuid import UUID

from django.db import transaction

from apps.accounts.models import User
from apps.core.clock import database_now
from apps.core.errors import DomainError, StaleStateError
from apps.core.wake import wake
from apps.providers import provider_of
from apps.specs.models import Project
from apps.submissions.claims import move
from apps.submissions.models import (
    Connection,
    ModelFamily,
    Submission,
    SubmissionRequest,
    SubmissionStatus,
)
from apps.submissions.request_files import FrozenRequests

logger = logging.getLogger(__name__)

BATCH = 1000
# Nothing has left this machine yet.
UNSENT = (SubmissionStatus.INTENT, SubmissionStatus.SCREENED)
SENT = (SubmissionStatus.ACCEPTED, SubmissionStatus.RUNNING, SubmissionStatus.INGESTING)


def connection_for(provider_key: str) -> Connection:
    """The first enabled connection of a provider; an offline one gets its connection here.

    DomainError when the provider is not known, or when somebody has to set up a connection first.
    """
    provider = provider_of(provider_key)
    connection = Connection.objects.filter(provider=provider_key, is_enabled=True).order_by("id").first()
    if connection is not None:
        return connection
    if not provider.offline_model:
        raise DomainError(f"No enabled connection uses {provider.title}: set one up first.")
    family, _ = ModelFamily.objects.get_or_create(name=provider.family)
    connection, _ = Connection.objects.get_or_create(
        name=provider.title,
        defaults={"provider": provider.key, "model": provider.offline_model, "family": family},
    )
    return connection


def ensure_rules_connection() -> Connection:
    """The connection of the offline generator, which every installation has."""
    return connection_for("rules")


@transaction.atomic
def plan_submission(
    *, frozen: FrozenRequests, project: Project, connection: Connection, purpose: str, run_uuid: UUID | None
) -> Submission:
    """Commits the intent to send ``frozen``: the money wall begins here, before any socket opens."""
    submission = Submission.objects.create(
        uuid=frozen.uuid,
        nonce=frozen.nonce,
        project=project,
        connection=connection,
        purpose=purpose,
        run_uuid=run_uuid,
        request_file=frozen.name,
        request_sha256=frozen.sha256,
        request_count=len(frozen.contexts),
        next_attempt_at=database_now(),
    )
    SubmissionRequest.objects.bulk_create(
        (
            SubmissionRequest(submission=submission, custom_id=custom_id, context=context)
            for custom_id, context in frozen.contexts.items()
        ),
        batch_size=BATCH,
    )
    wake("validation")
    return submission


@transaction.atomic
def resend(*, submission: Submission, actor: User) -> None:
    """A person says: send it again although nobody knows what became of it. It may be billed twice."""
    _require_unknown(submission)
    move(
        submission,
        SubmissionStatus.SCREENED,
        resent_by=actor,
        last_error=f"{actor} said that it may be sent again.",
    )
    logger.warning("Submission %s may be sent again, says user %s", submission.pk, actor.pk)
    wake("generation")


@transaction.atomic
def abandon(*, submission: Submission, actor: User) -> None:
    """A person says: stop looking for it. If the provider has it after all, its answers are lost."""
    _require_unknown(submission)
    move(submission, SubmissionStatus.CANCELLED, last_error=f"{actor} gave up looking for it.")
    logger.warning("Submission %s is given up by user %s", submission.pk, actor.pk)


def _require_unknown(submission: Submission) -> None:
    """The machine has these moves from other states too, for reasons that are no person's business."""
    if submission.status != SubmissionStatus.UNKNOWN:
        raise StaleStateError(f"This submission is {submission.status}, not unknown: reload and look again.")


@transaction.atomic
def request_cancel(*, submissions: Iterable[Submission]) -> None:
    """Stops what has not been sent; of the rest, the generation worker takes care at its next step."""
    now = database_now()
    for submission in submissions:
        rows = Submission.objects.filter(pk=submission.pk)
        if submission.status in UNSENT:
            try:
                move(submission, SubmissionStatus.CANCELLED, cancel_requested_at=now)
                continue
            except StaleStateError:
                logger.info("Submission %s moved on while it was being stopped", submission.pk)
        rows.unfinished().update(cancel_requested_at=now)
        # Not while it is being sent: there, being due means that the sender has died.
        rows.filter(status__in=SENT).update(next_attempt_at=now)
    wake("generation")
