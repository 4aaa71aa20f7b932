"""Slipping gold items into what a person is handed, so that nothing tells them from other cards."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import Exists, Max, OuterRef

from apps.accounts.models import User
from apps.records.models import Record
from apps.review.models import GoldItem, Lot, ReviewTask, Skip, TaskKind
from apps.review.opening import PLAIN
from apps.review.references import reference_of
from apps.review.rules import ReviewRules
from apps.specs.models import Project

SPREAD = 200
"""Tasks among which the record is drawn whose looks a gold item takes on."""


def how_many_gold(project: Project, count: int) -> int:
    """Of the next ``count`` cards, each by the project's share and chance alone."""
    share = ReviewRules.of(project).gold
    if not share:
        return 0
    return sum(random.random() < share for _ in range(count))  # noqa: S311  no secret hangs on it


def slip_gold(
    *, project: Project, user: User, session: str, lot: int, until: datetime, now: datetime, count: int
) -> list[ReviewTask]:
    """Leases up to ``count`` gold tasks to ``user``: those they gave back, then items they never had.

    A person gets an item once. ``lot``: the one it shall look as if it came from.
    """
    taken: list[ReviewTask] = []
    while len(taken) < count and (task := _give(project, user, session, lot, until, now)):
        taken.append(task)
    return taken


@transaction.atomic
def _give(
    project: Project, user: User, session: str, lot: int, until: datetime, now: datetime
) -> ReviewTask | None:
    skipped = Skip.objects.filter(task=OuterRef("pk"), user=user, session=session)
    back = ReviewTask.objects.obtainable(now).filter(project=project, kind=TaskKind.GOLD, assignee=user)
    task = back.exclude(Exists(skipped)).select_related("record").order_by("id").first()
    if task is not None:
        fence = task.fence + 1
        free = ReviewTask.objects.obtainable(now).filter(pk=task.pk, fence=task.fence)
        if not free.update(lease_holder=user, lease_until=until, fence=fence):
            return None
        task.lease_holder, task.lease_until, task.fence = user, until, fence
        return task
    had = ReviewTask.objects.filter(record=OuterRef("record"), kind=TaskKind.GOLD, assignee=user)
    fresh = GoldItem.objects.filter(project=project, is_on=True).exclude(Exists(had))
    fresh = fresh.select_related("record").order_by("?")
    # A label that the gap does not ask for is seen only when nothing else is left.
    asked = Lot.objects.values_list("gap__target_labels", flat=True).get(pk=lot)
    item = fresh.filter(record__label__in=asked).first() or fresh.first()
    return _new_task(item, user, lot, until) if item else None


def _new_task(item: GoldItem, user: User, lot: int, until: datetime) -> ReviewTask | None:
    last = ReviewTask.objects.filter(record=item.record).aggregate(last=Max("slot"))["last"]
    try:
        with transaction.atomic():
            task = ReviewTask.objects.create(
                project_id=item.project_id,
                record=item.record,
                lot_id=lot,
                kind=TaskKind.GOLD,
                slot=(last or 0) + 1,
                priority=_priority_in(lot),
                assignee=user,
                lease_holder=user,
                lease_until=until,
                fence=1,
            )
    except IntegrityError:
        # Somebody was given the same item in the same moment: this person gets another card.
        return None
    return task


def dress(tasks: Iterable[ReviewTask], records: Mapping[int, Record]) -> None:
    """Gives the records of gold tasks, in memory, the looks of the lot that they seem to come from.

    What they are made of would tell them: they have no gap, no prompt, no model and no axes of their own.
    """
    for task in tasks:
        if task.kind == TaskKind.GOLD and (like := _another_of(task)):
            record = records[task.record_id]
            record.gap, record.axes = like.gap, like.axes
            record.prompt_version, record.generator_model = like.prompt_version, like.generator_model


def _priority_in(lot: int) -> int:
    """That of what it stands among: cards are shown in this order."""
    heads = ReviewTask.objects.open().filter(lot=lot).in_queue_order().values_list("priority", flat=True)
    return heads.first() or PLAIN


def _another_of(task: ReviewTask) -> Record | None:
    """A record of the same lot, another one for each gold task, and always the same one."""
    others = ReviewTask.objects.filter(lot=task.lot_id).exclude(kind=TaskKind.GOLD)
    others = others.select_related("record__gap").order_by("-id")
    back = reference_of(task.pk) % SPREAD
    like = others.filter(pk__lt=task.pk - back).first() or others.first()
    return like.record if like else None
