"""Leases: who works on which task until when.

A lease is taken by one conditional UPDATE that also raises the task's fence. Whoever presents an older fence
decides nothing. ``claiming`` hands tasks out; here is what becomes of a lease then.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import models, transaction
from django.db.models import Q

from apps.accounts.models import User
from apps.core.clock import database_now
from apps.core.errors import StaleStateError
from apps.core.prepared import PreparedUpdate, Slot
from apps.records.states import REVIEWED_HERE
from apps.review.models import ReviewTask, Skip, TaskStatus
from apps.review.references import interleaved
from apps.specs.models import Project

LEASE = timedelta(minutes=10)
LEAVING = timedelta(minutes=1)
"""What is left of the lease on the card in view when its page goes away: enough to reload it."""
MAX_HELD = 12
"""Cards one person may hold in a project: three windows of four. Nobody hoards the queue."""


@dataclass(frozen=True)
class Renewal:
    """Leases that now run until ``until``, and tasks that are no longer this person's."""

    until: datetime
    kept: list[int]
    lost: list[int]


def session_digest(session_key: str) -> str:
    return hashlib.sha256(session_key.encode()).hexdigest()


def take(*, task: ReviewTask, user: User) -> int:
    """Leases this one task to ``user``; returns the fence. Their own is prolonged under the fence it has.

    StaleStateError when somebody else was quicker.
    """
    now = database_now()
    is_own = task.lease_holder_id == user.pk
    free = Q(lease_holder=user) if is_own else Q(lease_until=None) | Q(lease_until__lte=now)
    fence = task.fence if is_own else task.fence + 1
    won = ReviewTask.objects.open().filter(free, pk=task.pk, fence=task.fence)
    if not won.update(lease_holder=user, lease_until=now + LEASE, fence=fence):
        raise StaleStateError("Somebody else has this record in hand, or it is decided already.")
    task.lease_holder, task.lease_until, task.fence = user, now + LEASE, fence
    return fence


def close_held(*, task: ReviewTask, user: User, fence: int, now: datetime) -> bool:
    """The compare-and-swap of a decision: the task is done, if ``user`` holds it at ``now`` under ``fence``."""
    return _CLOSE.run(task=task.pk, user=user.pk, fence=fence, now=now) == 1


_CLOSE = PreparedUpdate(
    lambda: ReviewTask.objects.held_by(Slot("user"), Slot("now", models.DateTimeField())).filter(
        pk=Slot("task"), fence=Slot("fence", models.IntegerField())
    ),
    status=TaskStatus.DONE,
    lease_holder=None,
    lease_until=None,
)


def held_tasks(*, project: Project, user: User, most: int = MAX_HELD) -> list[ReviewTask]:
    """Up to ``most`` tasks that ``user`` holds now, in queue order. A read: nothing is prolonged."""
    held = ReviewTask.objects.held_by(user, database_now()).filter(project=project)
    return interleaved(list(held.select_related("record__gap").in_queue_order()[:most]))


def renew(*, project: Project, user: User, fences: Mapping[int, int]) -> Renewal:
    """Prolongs the leases in ``fences`` (task id → fence).

    A lease that ran out comes back to life if nobody took the task since (the fence tells): that is how
    decisions made while the server was away are still delivered.
    """
    until = database_now() + LEASE
    kept = []
    for task_id, fence in sorted(fences.items()):
        theirs = ReviewTask.objects.open().filter(
            pk=task_id,
            project=project,
            lease_holder=user,
            fence=fence,
            record__status__in=REVIEWED_HERE,
        )
        if theirs.update(lease_until=until):
            kept.append(task_id)
    return Renewal(until, kept, sorted(set(fences) - set(kept)))


def release_leases(
    *, project: Project, user: User, fences: Mapping[int, int], in_view: int | None = None
) -> int:
    """Gives the tasks in ``fences`` back to the queue, ``in_view`` after LEAVING. Returns how many."""
    now = database_now()
    released = 0
    with transaction.atomic():
        for task_id, fence in sorted(fences.items()):
            theirs = ReviewTask.objects.held_by(user, now).filter(pk=task_id, project=project, fence=fence)
            if task_id == in_view:
                theirs.filter(lease_until__gt=now + LEAVING).update(lease_until=now + LEAVING)
            else:
                released += theirs.update(lease_holder=None, lease_until=None)
    return released


def give_back(task: ReviewTask) -> None:
    """To the queue, if it is still held under the fence that ``task`` was read with."""
    ReviewTask.objects.open().filter(pk=task.pk, fence=task.fence).update(lease_holder=None, lease_until=None)


@transaction.atomic
def skip(*, project: Project, user: User, session_key: str, task_id: int, fence: int) -> None:
    """Back to the queue, and not shown to this person again in this session. Idempotent."""
    session = session_digest(session_key)
    task = ReviewTask.objects.filter(pk=task_id, project=project).first()
    if task is None or task.status != TaskStatus.OPEN:
        raise StaleStateError("This record is decided already, so there is nothing to skip.")
    Skip.objects.get_or_create(task=task, user=user, session=session)
    ReviewTask.objects.open().filter(pk=task_id, lease_holder=user, fence=fence).update(
        lease_holder=None, lease_until=None
    )


def forget_skips(*, project: Project, user: User, session_key: str) -> int:
    """Shows what this person skipped in this session again; returns how many there were."""
    skips = Skip.objects.filter(task__project=project, user=user, session=session_digest(session_key))
    return skips.delete()[0]
