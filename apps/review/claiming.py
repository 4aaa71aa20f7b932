"""Claiming: which tasks a person is handed next.

One statement chooses the heads of a lot's partial index and leases them, so between choosing and leasing there is no
moment in which somebody else could. ``SKIP LOCKED`` only lets PostgreSQL choose different rows for different people:
the conditions of the UPDATE alone decide who gets one, and each lease raises the task's fence (a naive claim gave
1,720 double leases when measured, this one none).
"""

from __future__ import annotations

import random
from collections.abc import Collection
from datetime import datetime

from django.db import connection, models
from django.db.models import Exists, OuterRef, Q

from apps.accounts.models import User
from apps.core.clock import database_now
from apps.core.prepared import Among, Prepared, PreparedModels, Slot
from apps.records.states import REVIEWED_HERE
from apps.review.gold_queue import how_many_gold, slip_gold
from apps.review.leases import LEASE, MAX_HELD, give_back, session_digest
from apps.review.lots import lots_in_turn
from apps.review.models import LotDelta, ReviewTask, Skip, TaskQuerySet, TaskStatus
from apps.review.opening import open_tasks
from apps.review.pausing import why_paused
from apps.review.references import interleaved
from apps.specs.models import Project

MAX_AT_ONCE = 4
PILES = (10, 25, 50)
"""Cards that the bulk view shows at once, and so lets one person hold."""


def claim_next(
    *,
    project: Project,
    user: User,
    session_key: str,
    count: int = 1,
    have: Collection[int] = (),
    is_pile: bool = False,
) -> list[ReviewTask]:
    """Leases up to ``count`` tasks to ``user`` and returns them with their records and those records' gaps.

    What this person holds already comes first, except the tasks in ``have`` (those the browser shows), so
    that a reload brings the same cards back. Then the heads of the lots. An empty answer means that nothing
    was obtainable: ``selectors.queue_state`` says why. ``is_pile``: for the bulk view, which shows more of them.
    """
    count, most = (min(count, max(PILES)), max(PILES)) if is_pile else (min(count, MAX_AT_ONCE), MAX_HELD)
    now = database_now()
    held = _HELD.rows(project=project.pk, user=user.pk)
    mine = interleaved(_prolonged([pk for pk, _ in held if pk not in have][:count], user=user, now=now))
    running = {pk for pk, until in held if until > now} | {task.pk for task in mine}
    room = min(count - len(mine), most - len(running))
    if room <= 0 or why_paused(project=project, user=user) is not None:
        return mine
    session = session_digest(session_key)
    found = _take_from_lots(project, user=user, session=session, now=now, count=room)
    if not found and open_tasks(project=project):
        # The workers have not come round yet; nobody shall be told "empty" because of that.
        found = _take_from_lots(project, user=user, session=session, now=now, count=room)
    return mine + found


def on_offer(*, user: User | Slot, session: str | Slot, now: datetime | Slot) -> TaskQuerySet:
    """What ``user`` may take and did not skip in ``session`` (a digest), in whatever lot."""
    skipped = Skip.objects.filter(task=OuterRef("pk"), user=user, session=session)
    anybody_or_me = Q(assignee=None) | Q(assignee=user)
    offered = ReviewTask.objects.obtainable(now).filter(anybody_or_me).offered_to(user, now)
    return offered.exclude(Exists(skipped))


_HELD = Prepared(
    lambda: (
        ReviewTask.objects.open()
        .filter(project=Slot("project"), lease_holder=Slot("user"))
        .in_queue_order()
        .values_list("pk", "lease_until")
    )
)
_HEADS = Prepared(
    lambda: (
        on_offer(
            user=Slot("user"),
            session=Slot("session", models.CharField()),
            now=Slot("now", models.DateTimeField()),
        )
        .filter(lot=Slot("lot"))
        .in_queue_order()
        .values_list("pk")
    )
)
_TASKS = PreparedModels(
    lambda: ReviewTask.objects.filter(Among("pk", "keys")).in_queue_order(), "record", "record__gap"
)
_LEASE_THEM = """
WITH chosen (id) AS MATERIALIZED ({query} LIMIT %s{lock})
UPDATE review_reviewtask SET lease_holder_id = %s, lease_until = %s, fence = fence + 1
WHERE id IN (SELECT id FROM chosen) AND status = 'open' AND (lease_until IS NULL OR lease_until <= %s)
RETURNING id
"""


def _take_from_lots(
    project: Project, *, user: User, session: str, now: datetime, count: int
) -> list[ReviewTask]:
    found: list[ReviewTask] = []
    tests: list[ReviewTask] = []
    gold = how_many_gold(project, count)
    for lot in lots_in_turn(project, user, now):
        if gold and on_offer(user=user, session=session, now=now).filter(lot=lot).exists():
            tests = slip_gold(
                project=project, user=user, session=session, lot=lot, until=now + LEASE, now=now, count=gold
            )
            gold = 0
        wanted = count - len(tests) - len(found)
        found += _take_heads(lot, user=user, session=session, now=now, count=wanted)
        if len(tests) + len(found) >= count:
            break
    for task in tests:
        found.insert(random.randint(0, len(found)), task)  # noqa: S311  no secret hangs on it
    return found


def _take_heads(lot: int, *, user: User, session: str, now: datetime, count: int) -> list[ReviewTask]:
    """Leases the first ``count`` that ``lot`` offers; again in place of those that turn out not to be for them."""
    taken: dict[int, ReviewTask] = {}
    while len(taken) < count:
        leased = _lease_heads(lot, user=user, session=session, now=now, count=count - len(taken))
        for task in _to_show(leased):
            if task.record.status not in REVIEWED_HERE:
                _cancel(task)
            elif task.record_id in taken:
                # Two people are to decide this record. Nobody is both.
                give_back(task)
            else:
                taken[task.record_id] = task
        if not leased:
            break
    return list(taken.values())


def _lease_heads(lot: int, *, user: User, session: str, now: datetime, count: int) -> list[int]:
    """The keys of up to ``count`` heads of ``lot``, which from now on are this person's."""
    # On SQLite there is nothing to lock: whoever writes is alone from the start of the statement.
    lock = " FOR UPDATE SKIP LOCKED" if connection.features.has_select_for_update_skip_locked else ""
    moment = connection.ops.adapt_datetimefield_value
    more = [count, user.pk, moment(now + LEASE), moment(now)]
    values = {"lot": lot, "user": user.pk, "session": session, "now": now}
    return [pk for (pk,) in _HEADS.within(_LEASE_THEM.replace("{lock}", lock), more, **values)]


def _prolonged(keys: Collection[int], *, user: User, now: datetime) -> list[ReviewTask]:
    """What ``user`` holds, under the fences it has, for a whole lease from now."""
    if not keys:
        return []
    ReviewTask.objects.open().filter(pk__in=keys, lease_holder=user).update(lease_until=now + LEASE)
    tasks = [task for task in _to_show(keys) if task.lease_holder_id == user.pk]
    gone = [task for task in tasks if task.record.status not in REVIEWED_HERE]
    for task in gone:
        _cancel(task)
    return [task for task in tasks if task not in gone]


def _to_show(keys: Collection[int]) -> list[ReviewTask]:
    return _TASKS.all(keys=keys) if keys else []


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
