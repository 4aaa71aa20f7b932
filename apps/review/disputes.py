"""Cases that two people differ about: opened for the leads by the answer that makes them differ, withdrawn with it."""

from __future__ import annotations

from apps.core.clock import database_now
from apps.core.errors import StaleStateError
from apps.review.models import Decision, LotDelta, ReviewTask, TaskKind, TaskStatus
from apps.review.opening import CAME_BACK


def open_dispute(decision: Decision) -> None:
    """A task of the next round for the leads, who give one verdict."""
    task = decision.task
    again = ReviewTask.objects.filter(record=decision.record_id, round=task.round + 1)
    if again.filter(status=TaskStatus.CANCELLED).update(status=TaskStatus.OPEN, lot=task.lot_id):
        return
    ReviewTask.objects.create(
        project=decision.project,
        record=decision.record,
        lot_id=task.lot_id,
        kind=TaskKind.ADJUDICATION,
        round=task.round + 1,
        priority=CAME_BACK,
    )


def withdraw_dispute(decision: Decision) -> bool:
    """Takes the case away from the leads, if ``decision`` is one side of it and none of them has it in hand.

    The record waits for two answers again. Call it under ``lock_round``; False: there is no such case.
    """
    if decision.task.kind != TaskKind.OVERLAP:
        return False
    case = ReviewTask.objects.to_adjudicate().filter(record=decision.record_id, round=decision.task.round + 1)
    if not case.exists():
        return False
    free = case.obtainable(database_now())
    if not free.update(status=TaskStatus.CANCELLED, lease_holder=None, lease_until=None):
        raise StaleStateError(
            f"A lead is settling record #{decision.record_id}, because two people differ. Tell them what you think now."
        )
    LotDelta.objects.create(lot_id=decision.task.lot_id, extra_opened=-1)
    return True
