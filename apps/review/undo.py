"""Taking a decision back: a second event beside the first, and the record returns to the same person."""

from __future__ import annotations

from datetime import datetime
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
from apps.review.disputes import withdraw_dispute
from apps.review.drafts import save_draft
from apps.review.leases import LEASE
from apps.review.models import (
    Action,
    Decision,
    DecisionQuerySet,
    LotDelta,
    LotStatus,
    ReviewTask,
    TaskKind,
    Undo,
)
from apps.review.opening import CAME_BACK
from apps.review.overlap import moved_by, waits_for_others, was_agreed
from apps.review.payloads import recheck
from apps.specs.models import Project

SEVERAL_ANSWERS = frozenset({TaskKind.OVERLAP, TaskKind.GOLD})
REACH = 20
"""How many of their standing decisions a person can take back, newest first."""


def undoable(project: Project, user: User, reach: int = REACH) -> DecisionQuerySet:
    """The last ``reach`` standing decisions of ``user``, newest first. ``undo`` looks at release and recall."""
    return (
        Decision.objects.standing()
        .filter(project=project, reviewer=user)
        .order_by("-decided_at", "-id")[:reach]
    )


def undo(*, decision_uuid: UUID, actor: User, reach: int | None = REACH) -> ReviewTask:
    """Takes the decision back; returns the record's new task, leased to ``actor`` under a higher fence.

    Doing it again gives the same task back. Raises NotAllowedError for somebody else's decision, and
    StaleStateError once it is out of reach: released, recalled, decided anew, its lot closed, or more than
    ``reach`` decisions ago (None: however long ago).
    """
    decision = Decision.objects.select_related("project", "task__lot").get(uuid=decision_uuid)
    if decision.reviewer_id != actor.pk:
        raise NotAllowedError("Only the person who decided can undo it; a lead can recall the record.")
    task = _undo(decision, actor, reach)
    if decision.action == Action.EDITED and decision.task.kind not in SEVERAL_ANSWERS:
        # The checks had looked at the edit. What they say of the text that stands again is only advice here.
        recheck(project=decision.project, record=task.record)
    return task


@transaction.atomic
def _undo(decision: Decision, actor: User, reach: int | None) -> ReviewTask:
    # Locks the row (SQLite: the transaction is exclusive), so that no release takes the record meanwhile.
    record = Record.objects.select_for_update(of=("self",)).get(pk=decision.record_id)
    if Undo.objects.filter(decision=decision).exists():
        return _task_after(decision)
    moved = _check_reach(decision, record)
    if reach is not None and decision not in undoable(decision.project, actor, reach):
        raise StaleStateError(
            f"Only the last {reach} decisions can be undone here. Your page of decisions reaches further back."
        )
    now = database_now()
    Undo.objects.create(decision=decision, undone_by=actor, undone_at=now)
    if moved is not None:
        return_to_review(record, moved, actor=actor, reason=f"undo of {decision.action}")
    # Of several answers only this one is taken back: the new one counts in the same round.
    is_shared = decision.task.kind in SEVERAL_ANSWERS
    task = ReviewTask.objects.create(
        project=decision.project,
        record=record,
        lot=decision.task.lot,
        kind=decision.task.kind,
        round=decision.task.round if is_shared else _last_round(record) + 1,
        slot=_last_slot(decision.task) + 1 if is_shared else decision.task.slot,
        priority=CAME_BACK,
        assignee=decision.task.assignee,
        lease_holder=actor,
        lease_until=now + LEASE,
        fence=decision.fence + 1,
    )
    counted = _counted(decision, has_moved=moved is not None)
    LotDelta.objects.create(lot=decision.task.lot, **{counted: -1})
    if decision.action == Action.EDITED:
        # What was typed is not lost with the decision.
        values = {"input": decision.edited_input, "output": decision.edited_output}
        save_draft(task=task, user=actor, values=values)
    return task


def _counted(decision: Decision, *, has_moved: bool) -> str:
    """The count of its lot that ``decision`` is in."""
    if decision.task.kind == TaskKind.GOLD:
        return "gold_decided"
    return str(decision.action) if has_moved else "extra_decided"


def _check_reach(decision: Decision, record: Record) -> Decision | None:
    """The decision by which the record stands where it is, if taking back ``decision`` moves it; None if it moves
    nothing: an answer to a gold item, or one that waits for the other person's, or that a lead was to weigh.

    StaleStateError says what to do where nothing can be taken back.
    """
    number, ask = f"Record #{record.pk}", "Ask a lead to recall it."
    if record.released_at is not None:
        raise StaleStateError(f"{number} is in a release. {ask}")
    if decision.task.lot.status != LotStatus.OPEN:
        raise StaleStateError(f"The lot of this record is closed. {ask}")
    if decision.task.kind == TaskKind.GOLD:
        return None
    if record.status == RecordStatus.AWAITING_REVIEW and (
        waits_for_others(decision) or withdraw_dispute(decision)
    ):
        return None
    moved = moved_by(record, decision)
    if moved is None or record.status != decision.action:
        raise StaleStateError(
            f"{number} has moved on since this decision: it was flagged, recalled or settled. "
            "Tell a lead what you think now."
        )
    return moved


def return_to_review(
    record: Record, decision: Decision, *, actor: User, reason: str, due_at: datetime | None = None
) -> None:
    """The record as it stood before ``decision``: an earlier edit that still counts stays."""
    before = _edit_before(decision)
    changes: dict[str, Any] = {"edited_input": None, "edited_output": None}
    if before is not None:
        changes = {"edited_input": before.edited_input, "edited_output": before.edited_output}
    input_ = record.input if before is None else before.edited_input
    output = record.output if before is None else before.edited_output
    move_records(
        records=[record],
        to=RecordStatus.AWAITING_REVIEW,
        actor=actor,
        reason=reason,
        due_at=due_at,
        reviewer=None,
        review_method="",
        reviewed_at=None,
        decision_uuid=None,
        **(changes | payload_columns(decision.project, input_, output)),
    )


def _edit_before(decision: Decision) -> Decision | None:
    """The last edit that the record took over in an earlier round. Of an edit that was disputed it took nothing."""
    edits = (
        Decision.objects.standing()
        .filter(record=decision.record_id, action=Action.EDITED, task__round__lt=decision.task.round)
        .select_related("task")
        .order_by("-pk")
    )
    return next((edit for edit in edits if was_agreed(edit)), None)


def _task_after(decision: Decision) -> ReviewTask:
    task = decision.task
    if task.kind in SEVERAL_ANSWERS:
        # The other person may have taken theirs back too: mine is the one in my hands.
        later = ReviewTask.objects.filter(
            record=decision.record_id, round=task.round, slot__gt=task.slot, lease_holder=decision.reviewer_id
        )
    else:
        later = ReviewTask.objects.filter(record=decision.record_id, round__gt=task.round)
    again = later.order_by("round", "slot").select_related("record").first()
    if again is None:
        raise StaleStateError(f"Record #{decision.record_id} has moved on since this decision was undone.")
    return again


def _last_slot(task: ReviewTask) -> int:
    round_ = ReviewTask.objects.filter(record=task.record_id, round=task.round)
    return int(round_.aggregate(last=Max("slot"))["last"])


def _last_round(record: Record) -> int:
    last = record.review_tasks.aggregate(last=Max("round"))["last"]
    return int(last or 0)
