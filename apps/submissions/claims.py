"""Taking a row for a while, and putting it off after an error. Nothing here or above retries by itself."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import TypeVar

from django.db import transaction

from apps.core.clock import database_now
from apps.providers.keys import without_keys
from apps.submissions.budgets import settle
from apps.submissions.models import MACHINE, TERMINAL, Submission

# Longer than a step takes without renewing it: whoever holds a row longer than this has died. Should a slow one be
# still alive, two do the same step and the compare-and-swap at its end lets one of them win.
LEASE = timedelta(seconds=45)
RENEWAL_SECONDS = 15.0
Item = TypeVar("Item")
FIRST_PAUSE = timedelta(seconds=5)
LONGEST_PAUSE = timedelta(hours=1)
ERROR_LENGTH = 2000


def claim(submission_id: int, *statuses: str) -> Submission | None:
    """The submission, if it is due in one of ``statuses``; nobody else gets it before ``LEASE`` is over."""
    now = database_now()
    submission = (
        Submission.objects.due(statuses, now)
        .filter(pk=submission_id)
        .select_related("connection__family", "project")
        .first()
    )
    if submission is None:
        return None
    taken = Submission.objects.filter(
        pk=submission.pk, status=submission.status, next_attempt_at=submission.next_attempt_at
    ).update(next_attempt_at=now + LEASE)
    return submission if taken else None


def holding(submission: Submission, items: Iterable[Item]) -> Iterator[Item]:
    """``items``, one after the other; the lease is renewed while they come."""
    due = time.monotonic() + RENEWAL_SECONDS
    for item in items:
        yield item
        if time.monotonic() > due:
            hold(submission, LEASE)
            due = time.monotonic() + RENEWAL_SECONDS


def hold(submission: Submission, duration: timedelta) -> None:
    """Keeps the row from others for ``duration`` from now on."""
    Submission.objects.filter(pk=submission.pk, status=submission.status).update(
        next_attempt_at=database_now() + duration
    )


def move(submission: Submission, to: str, **changes: object) -> None:
    """Moves the row on and makes its next step due at once; a terminal state has none and is settled.

    StaleStateError when it is no longer where ``submission`` was read.
    """
    now = database_now()
    values: dict[str, object] = {"attempts": 0, "last_error": "", "next_attempt_at": now}
    if to in TERMINAL:
        values |= {"next_attempt_at": None, "finished_at": now}
    rows = Submission.objects.filter(pk=submission.pk)
    with transaction.atomic():
        MACHINE.swap(rows, old=submission.status, new=to, **(values | changes))
        if to in TERMINAL:
            settle(rows.get())
    submission.status = to


def put_off(submission: Submission, error: BaseException | str, *, after: timedelta | None = None) -> None:
    """Writes down what went wrong and when to try the same step again."""
    attempts = submission.attempts + 1
    Submission.objects.filter(pk=submission.pk, status=submission.status).update(
        attempts=attempts,
        last_error=described(error),
        next_attempt_at=database_now() + (after or pause(attempts)),
    )


def pause(attempts: int) -> timedelta:
    return min(FIRST_PAUSE * (1 << min(attempts - 1, 20)), LONGEST_PAUSE)


def described(error: BaseException | str) -> str:
    """For people: an error with its type, without keys, never longer than the page can show."""
    text = error if isinstance(error, str) else f"{type(error).__name__}: {error}"
    return without_keys(text)[:ERROR_LENGTH]
