"""Leases: who works on which task until when.

A lease is taken by one conditional UPDATE that also raises the task's fence. Whoever presents an older fence
decides nothing. ``SELECT … SKIP LOCKED`` only helps PostgreSQL to choose different rows for different people;
the UPDATE alone decides who gets one (a naive claim gave 1,720 double leases when measured, this one none).
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q

from apps.accounts.models import User
from apps.core.clock import database_now
from apps.core.errors import StaleStateError
from apps.records.states import REVIEWED_HERE
from apps.review.gold_queue import how_many_gold, slip_gold
from apps.review.lots import lots_in_turn
from apps.review.models import LotDelta, ReviewTask, Skip, TaskQuerySet, TaskStatus
from apps.review.opening import open_tasks
from apps.review.pausing import why_paused
from apps.review.references import shuffled
from apps.specs.models import Project

LEASE = timedelta(minutes=10)
LEAVING = timedelta(minutes=1)
"""What is left of the lease on the card in view when its page goes away: enough to reload it."""
MAX_AT_ONCE = 4
MAX_HELD = 12
"""Cards one person may hold in a project: three windows of four. Nobody hoards the queue."""
PILES = (10, 25, 50)
"""Cards that the bulk view shows at once, and so lets one person hold."""


@dataclass(frozen=True)
class Renewal:
    """Leases that now run until ``until``, and tasks that are no longer this person's."""

    until: datetime
    kept: list[int]
    lost: list[int]


def session_digest(session_key: str) -> str:
    return hashlib.sha256(session_key.encode()).hexdigest()


def claim_next(
    *,
    project: Project,
    user: User,
    session_key: str,
    count: int = 1,
    have: Collection[int] = (),
    is_pile: bool = False,
) -> list[ReviewTask]:
    """Leases up to ``count`` tasks to ``user`` and returns them with their records.

    What this person holds already comes first, except the tasks in ``have`` (those the browser shows), so
    that a reload brings the same cards back. Then the heads of the lots. An empty answer means that nothing
    was obtainable: ``selectors.queue_state`` says why. ``is_pile``: for the bulk view, which shows more of them.
    """
    count, most = (min(count, max(PILES)), max(PILES)) if is_pile else (min(count, MAX_AT_ONCE), MAX_HELD)
    now = database_now()
    held = ReviewTask.objects.open().filter(project=project, lease_holder=user)
    mine = shuffled(_take(held.exclude(pk__in=have), user=user, now=now, count=count))
    room = min(count - len(mine), most - held.filter(lease_until__gt=now).count())
    if room <= 0 or why_paused(project=project, user=user) is not None:
        return mine
    session = session_digest(session_key)
    found = _take_from_lots(project, user=user, session=session, now=now, count=room)
    if not found and open_tasks(project=project):
        # The workers have not come round yet; nobody shall be told "empty" because of that.
        found = _take_from_lots(project, user=user, session=session, now=now, count=room)
    return mine + found


def take(*, task: ReviewTask, user: User) -> int:
    """Leases this one task to ``user``; returns the fence. StaleStateError when somebody else was quicker."""
    if not _lease(task, user=user, now=database_now()):
        raise StaleStateError("Somebody else has this record in hand, or it is decided already.")
    return task.fence


def held_tasks(*, project: Project, user: User, most: int = MAX_HELD) -> list[ReviewTask]:
    """Up to ``most`` tasks that ``user`` holds now, in queue order. A read: nothing is prolonged."""
    held = ReviewTask.objects.held_by(user, database_now()).filter(project=project)
    return shuffled(held.in_queue_order()[:most])


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


def on_offer(*, user: User, session: str, now: datetime) -> TaskQuerySet:
    """What ``user`` may take and did not skip in ``session`` (a digest), in whatever lot."""
    skipped = Skip.objects.filter(task=OuterRef("pk"), user=user, session=session)
    anybody_or_me = Q(assignee=None) | Q(assignee=user)
    offered = ReviewTask.objects.obtainable(now).filter(anybody_or_me).offered_to(user, now)
    return offered.exclude(Exists(skipped))


def _take_from_lots(
    project: Project, *, user: User, session: str, now: datetime, count: int
) -> list[ReviewTask]:
    offered = on_offer(user=user, session=session, now=now)
    found: list[ReviewTask] = []
    tests: list[ReviewTask] = []
    gold = how_many_gold(project, count)
    for lot in lots_in_turn(project, user):
        # Through the lot's partial index.
        heads = offered.filter(lot=lot)
        if gold and heads.exists():
            tests = slip_gold(
                project=project, user=user, session=session, lot=lot, until=now + LEASE, now=now, count=gold
            )
            gold = 0
        found += _take(heads, user=user, now=now, count=count - len(tests) - len(found))
        if len(tests) + len(found) >= count:
            break
    for task in tests:
        found.insert(random.randint(0, len(found)), task)  # noqa: S311  no secret hangs on it
    return found


def _take(tasks: TaskQuerySet, *, user: User, now: datetime, count: int) -> list[ReviewTask]:
    """Leases the first ``count`` of ``tasks``; chooses again where others were quicker."""
    taken: list[ReviewTask] = []
    lost: set[int] = set()
    while len(taken) < count:
        lost_before = len(lost)
        with transaction.atomic():
            seen = [task.pk for task in taken] + sorted(lost)
            for task in _choose(tasks.exclude(pk__in=seen), count - len(taken)):
                if task.record.status not in REVIEWED_HERE:
                    _cancel(task)
                    lost.add(task.pk)
                elif task.record_id not in {other.record_id for other in taken} and _lease(
                    task, user=user, now=now
                ):
                    taken.append(task)
                else:
                    lost.add(task.pk)
        if len(lost) == lost_before:
            break
    return taken


def _choose(tasks: TaskQuerySet, count: int) -> list[ReviewTask]:
    # On SQLite the lock is nothing, and the transaction is exclusive from its start.
    chosen = tasks.in_queue_order().select_related("record")
    return list(chosen.select_for_update(skip_locked=True, of=("self",))[:count])


def _lease(task: ReviewTask, *, user: User, now: datetime) -> bool:
    """The compare-and-swap. Someone's own lease is prolonged under its fence, any other gets a new one."""
    is_own = task.lease_holder_id == user.pk
    free = Q(lease_holder=user) if is_own else Q(lease_until=None) | Q(lease_until__lte=now)
    won = (
        ReviewTask.objects.open()
        .filter(free, pk=task.pk, fence=task.fence)
        .update(lease_holder=user, lease_until=now + LEASE, fence=task.fence if is_own else F("fence") + 1)
    )
    if won:
        task.fence += 0 if is_own else 1
        task.lease_holder, task.lease_until = user, now + LEASE
    return bool(won)


def _cancel(task: ReviewTask) -> None:
    """Its record left the queue another way (a check failed it later): nobody is to be handed this task."""
    cancelled = (
        ReviewTask.objects.open()
        .filter(pk=task.pk, fence=task.fence)
        .update(status=TaskStatus.CANCELLED, lease_holder=None, lease_until=None)
    )
    if cancelled:
        is_last = not ReviewTask.objects.open().of_same_round(task).exists()
        LotDelta.objects.create(lot_id=task.lot_id, **{"opened" if is_last else "extra_opened": -1})
