"""The hash chain of a record's events. Digests and a pseudonymous actor go in, never text."""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime
from uuid import UUID

from django.conf import settings

from apps.accounts.models import User


def pseudonym(actor: User | None) -> str:
    """The actor as the chain knows them; the system is empty."""
    if actor is None:
        return ""
    return hmac.new(settings.SECRET_KEY.encode(), actor.uuid.bytes, hashlib.sha256).hexdigest()[:32]


def link(
    *,
    previous_hash: str,
    record_uuid: UUID,
    seq: int,
    status_from: str,
    status_to: str,
    reason: str,
    actor: User | None,
    payload_digest: str,
    happened_at: datetime,
) -> str:
    """SHA-256 over the previous link and every field of this one, separated so that no two tuples collide."""
    reason_digest = hashlib.sha256(reason.encode()).hexdigest()
    fields = (
        previous_hash,
        str(record_uuid),
        str(seq),
        status_from,
        status_to,
        reason_digest,
        pseudonym(actor),
        payload_digest,
        happened_at.astimezone(UTC).isoformat(timespec="microseconds"),
    )
    return hashlib.sha256("\x1f".join(fields).encode()).hexdigest()
