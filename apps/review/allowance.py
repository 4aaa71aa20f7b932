"""A limit on asking the checks about edits.

The checks know protected data. Each answer about a text that somebody typed says a little about it, so the
answers are counted per person in the database, across all web processes.
"""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum

from django.db import transaction
from django.db.models import F

from apps.accounts.models import User
from apps.core.clock import database_now
from apps.review.models import EditAllowance


class Purpose(StrEnum):
    TYPING = "typing"
    SAVING = "saving"


WINDOW = timedelta(minutes=5)
LIMITS = {Purpose.TYPING: 60, Purpose.SAVING: 60}
"""Answers per person and WINDOW: enough for somebody who edits all day, too few to search with."""


@transaction.atomic
def spend(*, user: User, purpose: Purpose) -> timedelta:
    """Counts one answer. Zero: it may be given; otherwise how long until the next one."""
    now = database_now()
    allowance, _ = EditAllowance.objects.get_or_create(
        user=user, purpose=purpose, defaults={"window_started_at": now}
    )
    own = EditAllowance.objects.filter(pk=allowance.pk)
    if own.filter(window_started_at__lte=now - WINDOW).update(window_started_at=now, used=1):
        return timedelta()
    if own.filter(used__lt=LIMITS[purpose]).update(used=F("used") + 1):
        return timedelta()
    return max(allowance.window_started_at + WINDOW - now, timedelta(seconds=1))
