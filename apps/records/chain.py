"""The hash chain of a record's events. Digests and a pseudonymous actor go in, never text."""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime
from uuid import UUID

from django.conf import settings

from apps.accounts.models import User


def pseudonym(actor: User | None, *, secret: str = "") -> str:
    """The actor as the chain knows them; the system is empty. ``secret``: a key other than the one of today."""
    if actor is None:
        return ""
    key = secret or settings.SECRET_KEY
    return hmac.new(key.encode(), actor.uuid.bytes, hashlib.sha256).hexdigest()[:32]


def digest(*fields: str) -> str:
    """SHA-256 over ``fields``, separated so that no two tuples collide while none of them holds the separator."""
    return hashlib.sha256("\x1f".join(fields).encode()).hexdigest()


def moment(at: datetime) -> str:
    """A time as it is hashed: the same whichever zone it was read in."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


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
    secret: str = "",
) -> str:
    """The digest of the previous link and every field of this one."""
    return digest(
        previous_hash,
        str(record_uuid),
        str(seq),
        status_from,
        status_to,
        hashlib.sha256(reason.encode()).hexdigest(),
        pseudonym(actor, secret=secret),
        payload_digest,
        moment(happened_at),
    )
