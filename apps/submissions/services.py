"""Writing submissions down, and what a person may say about one."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import transaction

from apps.accounts.models import User
from apps.core.clock import database_now
from apps.core.errors import DomainError, StaleStateError
from apps.core.wake import wake
from apps.providers import provider_of
from apps.specs.models import Project
from apps.submissions.budgets import refuse_unpriced, reserve, share_of
from apps.submissions.claims import move
from apps.submissions.families import family_of
from apps.submissions.models import (
    Connection,
    Delivery,
    RequestOutcome,
    Submission,
    SubmissionRequest,
    SubmissionStatus,
)
from apps.submissions.request_files import FrozenRequests, freeze_again

logger = logging.getLogger(__name__)

BATCH = 1000
# Nothing has left this machine yet.
UNSENT = (SubmissionStatus.INTENT, SubmissionStatus.SCREENED)
SENT = (SubmissionStatus.ACCEPTED, SubmissionStatus.RUNNING, SubmissionStatus.INGESTING)


@dataclass(frozen=True, kw_only=True)
class Reservation:
    """US dollars to set aside, and the prices (per million tokens, as JSON) that the end is settled by."""

    amount: Decimal = Decimal(0)
    price: Mapping[str, Any] = field(default_factory=dict)
    synchronous_price: Mapping[str, Any] = field(default_factory=dict)


NOTHING = Reservation()


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
    connection, _ = Connection.objects.get_or_create(
        name=provider.title,
        defaults={
            "provider": provider.key,
            "model": provider.offline_model,
            "family": family_of(provider.offline_model),
        },
    )
    return connection


def find_connection(name: str) -> Connection:
    """The enabled connection of that name; DomainError lists those that there are."""
    enabled = Connection.objects.filter(is_enabled=True)
    connection = enabled.filter(name=name).first()
    if connection is None:
        known = ", ".join(enabled.order_by("name").values_list("name", flat=True))
        raise DomainError(f"There is no enabled connection {name!r}; there is {known or 'none'}.")
    return connection


def ensure_rules_connection() -> Connection:
    """The connection of the offline generator, which every installation has."""
    return connection_for("rules")


@transaction.atomic
def plan_submission(
    *,
    frozen: FrozenRequests,
    project: Project,
    connection: Connection,
    purpose: str,
    run_uuid: UUID | None = None,
    delivery: str = Delivery.BATCH,
    reservation: Reservation = NOTHING,
    resend_of: Submission | None = None,
) -> Submission:
    """Commits the intent to send ``frozen``: the money wall begins here, before any socket opens.

    RefusedError when the budget does not allow it, or nobody knows the price and there is a budget.
    """
    _refuse_delivery(connection, delivery)
    provider = provider_of(connection.provider)
    period = ""
    if reservation.price:
        period = reserve(project=project, amount=reservation.amount)
    else:
        refuse_unpriced(project=project)
    submission = Submission.objects.create(
        uuid=frozen.uuid,
        nonce=frozen.nonce,
        project=project,
        connection=connection,
        purpose=purpose,
        delivery=delivery,
        lane="" if provider.tags_batches or delivery != Delivery.BATCH else connection.workspace,
        run_uuid=run_uuid,
        resend_of=resend_of,
        request_file=frozen.name,
        request_sha256=frozen.sha256,
        request_count=len(frozen.contexts),
        price=dict(reservation.price),
        synchronous_price=dict(reservation.synchronous_price),
        reserved=reservation.amount if period else 0,
        reserved_period=period,
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


def _refuse_delivery(connection: Connection, delivery: str) -> None:
    provider = provider_of(connection.provider)
    if delivery == Delivery.BATCH and not provider.has_batches:
        raise DomainError(f"{provider.title} has no batch interface: send its requests one by one.")
    if delivery != Delivery.BATCH and not provider.has_synchronous:
        raise DomainError(f"{provider.title} answers batches only.")


@transaction.atomic
def resend_missing(*, submission: Submission, actor: User) -> Submission:
    """Asks again what came back without an answer, and nothing else, in a submission of its own.

    DomainError when nothing is missing or too little for a batch of this provider; RefusedError when the budget does
    not allow it; StaleStateError when somebody had it asked again a moment ago.
    """
    missing = submission.requests.filter(outcome=RequestOutcome.MISSING)
    contexts: dict[str, dict[str, Any]] = dict(missing.order_by("id").values_list("custom_id", "context"))
    if not contexts:
        raise DomainError(f"Nothing is missing of {submission}: no request waits to be asked again.")
    _refuse_too_few(submission, len(contexts))
    frozen = freeze_again(submission, contexts)
    try:
        if missing.update(outcome=RequestOutcome.RESENT) != len(contexts):
            raise StaleStateError("Somebody had these requests asked again just now: reload and look.")
        again = plan_submission(
            frozen=frozen,
            project=submission.project,
            connection=submission.connection,
            purpose=submission.purpose,
            run_uuid=submission.run_uuid,
            delivery=submission.delivery,
            reservation=Reservation(
                amount=share_of(submission, len(contexts)),
                price=submission.price,
                synchronous_price=submission.synchronous_price,
            ),
            resend_of=submission,
        )
    except Exception:
        frozen.discard()
        raise
    logger.warning(
        "%s requests of submission %s are asked again, says user %s", len(contexts), submission.pk, actor.pk
    )
    return again


def _refuse_too_few(submission: Submission, count: int) -> None:
    provider = provider_of(submission.connection.provider)
    least = provider.limits(submission.connection.endpoint).minimum_requests
    if submission.delivery == Delivery.BATCH and count < least:
        raise DomainError(
            f"{provider.title} takes no batch of fewer than {least:,} requests, and only {count:,} are missing: "
            "start a run for what is still wanted."
        )


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
