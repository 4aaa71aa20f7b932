"""Taking a decision back: a second event beside the first, and the record returns to the same person."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Max

from apps.accounts.models import User
from apps.core.clock import database_now
from apps.core.errors import NotAllowedError, StaleStateError
from apps.records.models import Record
from apps.records.services import move_records
from apps.records.states import RecordStatus
from apps.review.decisions import payload_columns
from apps.review.drafts import save_draft
from apps.review.leases import LEASE
from apps.review.models import Action, Decision, DecisionQuerySet, LotDelta, LotStatus, ReviewTask, Undo
from apps.review.opening import CAME_BACK
from apps.review.payloads import recheck
from apps.specs.models import Project

REACH = 20
"""How many of their standing decisions a person can take back, newest first."""


def undoable(project: Project, user: User) -> DecisionQuerySet:
    """The last REACH standing decisions of ``user``, newest first. ``undo`` looks at release and recall."""
    return (
        Decision.objects.standing()
        .filter(project=project, reviewer=user)
        .order_by("-decided_at", "-id")[:REACH]
    )


def undo(*, decision_uuid: UUID, actor: User) -> ReviewTask:
    """Takes the decision back; returns the record's new task, leased to ``actor`` under a higher fence.

    Doing it again gives the same task back. Raises NotAllowedError for somebody else's decision, and
    StaleStateError once it is out of reach: released, recalled, decided anew, its lot closed, or more than
    REACH decisions ago.
    """
    decision = Decision.objects.select_related("project", "task__lot").get(uuid=decision_uuid)
    if decision.reviewer_id != actor.pk:
        raise NotAllowedError("Only the person who decided can undo it; a lead can recall the record.")
    task = _undo(decision, actor)
    if decision.action == Action.EDITED:
        # The checks had looked at the edit. What they say of the text that stands again is only advice here.
        recheck(project=decision.project, record=task.record)
    return task


@transaction.atomic
def _undo(decision: Decision, actor: User) -> ReviewTask:
    # Locks the row (SQLite: the transaction is exclusive), so that no release takes the record meanwhile.
    record = Record.objects.select_for_update(of=("self",)).get(pk=decision.record_id)
    if Undo.objects.filter(decision=decision).exists():
        return _task_after(decision)
    _check_reach(decision, record, actor)
    now = database_now()
    Undo.objects.create(decision=decision, undone_by=actor, undone_at=now)
    _return_to_review(record, decision, actor)
    task = ReviewTask.objects.create(
        project=decision.project,
        record=record,
        lot=decision.task.lot,
        kind=decision.task.kind,
        round=_last_round(record) + 1,
        slot=decision.task.slot,
        priority=CAME_BACK,
        assignee=decision.task.assignee,
        lease_holder=actor,
        lease_until=now + LEASE,
        fence=decision.fence + 1,
    )
    LotDelta.objects.create(lot=decision.task.lot, **{decision.action: -1})
    if decision.action == Action.EDITED:
        # What was typed is not lost with the decision.
        values = {"input": decision.edited_input, "output": decision.edited_output}
        save_draft(task=task, user=actor, values=values)
    return task


def _check_reach(decision: Decision, record: Record, actor: User) -> None:
    if record.released_at is not None:
        raise StaleStateError(f"Record #{record.pk} is in a release. Ask a lead to recall it.")
    if record.decision_uuid != decision.uuid or record.status != decision.action:
        raise StaleStateError(f"Record #{record.pk} has moved on since this decision.")
    if decision.task.lot.status != LotStatus.OPEN:
        raise StaleStateError("The lot of this record is closed. Ask a lead to recall it.")
    if decision not in undoable(decision.project, actor):
        raise StaleStateError(
            f"Only the last {REACH} decisions can be undone. Ask a lead to recall the record."
        )


def _return_to_review(record: Record, decision: Decision, actor: User) -> None:
    """The record as it stood before ``decision``: an earlier edit that still counts stays."""
    before = (
        Decision.objects.standing()
        .filter(record=record, action=Action.EDITED, pk__lt=decision.pk)
        .order_by("-pk")
        .first()
    )
    changes: dict[str, Any] = {"edited_input": None, "edited_output": None}
    if before is not None:
        changes = {"edited_input": before.edited_input, "edited_output": before.edited_output}
    input_ = record.input if before is None else before.edited_input
    output = record.output if before is None else before.edited_output
    move_records(
        records=[record],
        to=RecordStatus.AWAITING_REVIEW,
        actor=actor,
        reason=f"undo of {decision.action}",
        reviewer=None,
        review_method="",
        reviewed_at=None,
        decision_uuid=None,
        **(changes | payload_columns(decision.project, input_, output)),
    )


def _task_after(decision: Decision) -> ReviewTask:
    later = ReviewTask.objects.filter(record=decision.record_id, round__gt=decision.task.round)
    return later.order_by("round").select_related("record")[0]


def _last_round(record: Record) -> int:
    last = record.review_tasks.aggregate(last=Max("round"))["last"]
    return int(last or 0)
