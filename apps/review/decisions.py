"""Deciding: one task, one decision, one move of the record, one event, in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from apps.accounts.models import User
from apps.core.bulk import insert_rows
from apps.core.clock import database_now
from apps.core.errors import RefusedError, StaleStateError
from apps.records.models import ReviewMethod
from apps.records.services import canonical_hash, move_records
from apps.records.states import RecordStatus
from apps.review.disputes import open_dispute
from apps.review.drafts import drop_draft, save_draft
from apps.review.leases import close_held
from apps.review.models import Action, Decision, LotDelta, ReviewTask, TaskKind, TaskStatus
from apps.review.overlap import answers_of, lock_round
from apps.review.payloads import EditRefusedError, Payload, check_edit, current_payload, unstorable
from apps.review.seals import seal_of
from apps.similarity.services import index_records
from apps.specs.models import Project
from apps.specs.selectors import published
from apps.task_types import task_type_of
from apps.validation.checks import FindingData
from apps.validation.services import keep_findings

NEEDS_NOTE = "other"
MAX_NOTE = 2000
MAX_MILLISECONDS = 24 * 3600 * 1000


def decide(
    *,
    task: ReviewTask,
    actor: User,
    fence: int,
    key: UUID,
    action: Action,
    reasons: Sequence[str] = (),
    note: str = "",
    payload: Payload | None = None,
    milliseconds: int = 0,
    is_bulk: bool = False,
) -> Decision:
    """Records what ``actor`` says of ``task``, as they read it, which they hold under ``fence``; moves its record.

    1. The words are checked: a rejection has a known reason, "other" and a flag have a note (RefusedError).
    2. An edit is kept as a draft first, then checked (EditRefusedError). One that changes nothing accepts.
    3. One transaction: the task is closed by compare-and-swap on holder, fence and the database's clock
       (StaleStateError, and the draft stays), then decision, record, event and the lot's delta.
    4. ``key`` was seen before: the decision made then is the answer, and nothing happens. That is looked up only
       where the task could not be closed or an edit is to be checked: a task is closed once.
    """
    if action == Action.EDITED and (earlier := _decided_under(key, task_id=task.pk, actor=actor)):
        return earlier
    reasons, note = list(dict.fromkeys(reasons)), note.strip()
    check_words(task.project, action=action, reasons=reasons, note=note)
    decision = Decision(
        uuid=key,
        project=task.project,
        task=task,
        record=task.record,
        reviewer=actor,
        action=action,
        # A script follows rules, a quick pass sees many at once: that is not a person's look at this record.
        method=ReviewMethod.BULK if is_bulk or actor.is_script else ReviewMethod.PERSON,
        reasons=reasons,
        note=note,
        guide_version=published_guide_version(task.project),
        fence=fence,
        milliseconds=min(max(milliseconds, 0), MAX_MILLISECONDS),
    )
    findings = _settle_edit(decision, payload) if action == Action.EDITED else []
    try:
        return _close_task(decision, findings)
    except (StaleStateError, IntegrityError):
        # Sent again, or twice at once: the answer that was given is ours too.
        if earlier := _decided_under(key, task_id=task.pk, actor=actor):
            return earlier
        raise


def published_guide_version(project: Project) -> int | None:
    """The version that counts for a decision made now."""
    guide = published(project).guide
    return guide.version if guide else None


def payload_columns(project: Project, input_: Any, output: Any) -> dict[str, str]:
    """The record's columns that are derived from the payload that stands."""
    task_type = task_type_of(project.task_type)
    return {
        "label": task_type.facet(input_, output),
        "canonical_hash": canonical_hash(task_type.text_of(input_)),
    }


def check_words(project: Project, *, action: Action, reasons: Sequence[str], note: str = "") -> None:
    """Raises RefusedError unless ``reasons`` and ``note`` are those that ``action`` demands."""
    known = [reason["code"] for reason in project.reject_reasons]
    if action == Action.REJECTED:
        if not reasons:
            raise RefusedError("A rejection says why: choose at least one reason.")
        if unknown := sorted(set(reasons) - set(known)):
            raise RefusedError(
                f"Not a reason of this project: {', '.join(unknown)}. It has {', '.join(known)}."
            )
        if NEEDS_NOTE in reasons and not note:
            raise RefusedError("The reason “other” needs a note that says what it is.")
    elif reasons:
        raise RefusedError("Only a rejection has reasons.")
    if action in project.note_required and not note:
        raise RefusedError("This project asks for a note here: say in a few words why.")
    if action == Action.FLAGGED and not note:
        raise RefusedError("A flag needs a note: tell the lead what to look at.")
    if len(note) > MAX_NOTE:
        raise RefusedError(f"The note has {len(note)} characters; at most {MAX_NOTE} are kept.")


def apply_to_record(decision: Decision) -> None:
    """Moves the record as ``decision`` says; an edited text also enters the near-duplicate index."""
    move_records(
        records=[decision.record],
        to=RecordStatus(decision.action),
        actor=decision.reviewer,
        reason=", ".join(decision.reasons)[:200],
        **_record_changes(decision),
    )
    if decision.action == Action.EDITED:
        text = task_type_of(decision.project.task_type).text_of(decision.record.current_input)
        index_records(project_id=decision.project_id, texts=[(decision.record_id, text)])


def _settle_edit(decision: Decision, payload: Payload | None) -> list[FindingData]:
    """Writes the edit into ``decision`` if it may stand; what was typed is kept whatever comes of it."""
    if payload is None:
        raise RefusedError("An edit needs the edited record.")
    if payload == current_payload(decision.record):
        decision.action = Action.ACCEPTED
        return []
    if problems := unstorable(payload):
        raise EditRefusedError(problems)
    save_draft(task=decision.task, user=decision.reviewer, values=payload)
    check = check_edit(project=decision.project, record=decision.record, payload=payload)
    if check.problems:
        raise EditRefusedError(check.problems)
    decision.edited_input, decision.edited_output = payload["input"], payload["output"]
    return check.findings


@transaction.atomic
def _close_task(decision: Decision, findings: Sequence[FindingData]) -> Decision:
    now = database_now()
    if not close_held(task=decision.task, user=decision.reviewer, fence=decision.fence, now=now):
        raise StaleStateError(_why_not_held(decision.task_id, decision.reviewer, now))
    decision.decided_at = now
    decision.seal = seal_of(decision)
    if decision.task.kind == TaskKind.OVERLAP:
        _answer_round(decision, findings)
    elif decision.task.kind == TaskKind.GOLD:
        # It says something of the person; the record is what it was.
        insert_rows([decision])
        insert_rows([LotDelta(lot_id=decision.task.lot_id, gold_decided=1)])
    else:
        insert_rows([decision])
        _settle_record(decision, findings)
    drop_draft(task=decision.task, user=decision.reviewer)
    return decision


def _settle_record(decision: Decision, findings: Sequence[FindingData]) -> None:
    apply_to_record(decision)
    if decision.action == Action.EDITED:
        keep_findings(record=decision.record, found=findings)
    insert_rows([LotDelta(lot_id=decision.task.lot_id, **{decision.action: 1})])


def _answer_round(decision: Decision, findings: Sequence[FindingData]) -> None:
    """One of two answers. The record moves with the last, if they agree; else a lead is asked."""
    task = decision.task
    lock_round(task)
    decision.save(force_insert=True)
    answers = answers_of(decision)
    if answers.deciding is not None:
        _settle_record(answers.deciding, findings)
        return
    LotDelta.objects.create(lot_id=task.lot_id, extra_decided=1, extra_opened=1 if answers.is_disputed else 0)
    if answers.is_disputed:
        open_dispute(decision)


def _record_changes(decision: Decision) -> dict[str, Any]:
    """The columns of the record that follow from ``decision``."""
    if decision.action == Action.FLAGGED:
        # A flag is a question, not an answer: nobody has reviewed the record yet.
        return {"decision_uuid": decision.uuid}
    changes: dict[str, Any] = {
        "reviewer": decision.reviewer,
        "review_method": decision.method,
        "reviewed_at": decision.decided_at,
        "decision_uuid": decision.uuid,
    }
    if decision.action == Action.EDITED:
        changes |= payload_columns(decision.project, decision.edited_input, decision.edited_output)
        changes |= {"edited_input": decision.edited_input, "edited_output": decision.edited_output}
    return changes


def _decided_under(key: UUID, *, task_id: int, actor: User) -> Decision | None:
    earlier = Decision.objects.filter(uuid=key).first()
    if earlier is not None and (earlier.task_id, earlier.reviewer_id) != (task_id, actor.pk):
        raise StaleStateError("This key belongs to another decision: reload the page and decide again.")
    return earlier


def _why_not_held(task_id: int, actor: User, now: datetime) -> str:
    task = ReviewTask.objects.get(pk=task_id)
    if task.status != TaskStatus.OPEN:
        return "This record is decided already. Your answer was not counted."
    if task.lease_holder_id != actor.pk:
        return "This record is not in your hands any more. What you typed is kept as a draft."
    if task.lease_until is not None and task.lease_until <= now:
        return "Your time on this record ran out. What you typed is kept as a draft: take the record again."
    return "This record was handed out again since you opened it. Reload to see it as it stands."
