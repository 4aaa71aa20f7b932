"""Leases that ran out long ago.

A lease that ran out keeps nobody from the record: the next claim takes it over. Its holder stays on the row all the
same, so that what they decided while the server was away can still be delivered (decision 5). After STALE nobody comes
back any more; then the row is a free task again, and a late answer is refused like any other.

No event is written: a lease is a loan, and nothing was said about the record.
"""

from __future__ import annotations

from datetime import timedelta

from apps.core.clock import database_now
from apps.review.models import ReviewTask, TaskQuerySet

STALE = timedelta(days=7)
"""For how long a lease has run out: a page keeps what it could not send, and a weekend must not cost anybody work."""
AT_ONCE = 500


def clear_stale_leases() -> int:
    """Frees up to AT_ONCE tasks; returns how many. A lease that is renewed or taken in this moment stays."""
    stale = _stale()
    chosen = list(stale.order_by("lease_until", "id").values_list("pk", flat=True)[:AT_ONCE])
    return stale.filter(pk__in=chosen).update(lease_holder=None, lease_until=None)


def has_stale_leases() -> bool:
    return _stale().exists()


def _stale() -> TaskQuerySet:
    # Through the partial index of the tasks that somebody holds: as many as there are people at work, not as wait.
    held = ReviewTask.objects.open().filter(lease_holder__isnull=False)
    return held.filter(lease_until__lt=database_now() - STALE)
