"""Records that two people decide, neither knowing of the other: which they are, and what comes of the answers."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from apps.core.errors import StaleStateError
from apps.records.models import Record
from apps.review.models import Action, Decision, ReviewTask, TaskKind
from apps.review.rules import ReviewRules
from apps.specs.models import Project


@dataclass(frozen=True)
class Answers:
    """What the people of one round said. ``deciding``: the decision by which the record moves, if it moves."""

    is_complete: bool
    deciding: Decision | None

    @property
    def is_disputed(self) -> bool:
        return self.is_complete and self.deciding is None


def reviewed_by_two(records: Iterable[Record]) -> set[int]:
    """Which of ``records`` two people are to decide, by the rules of their projects.

    By a hash of the record's random uuid: nobody chooses, and asking again gives the same answer.
    """
    records = list(records)
    projects = Project.objects.filter(pk__in={record.project_id for record in records})
    shares = {project.pk: ReviewRules.of(project).overlap for project in projects.only("review_rules")}
    return {record.pk for record in records if _lot_of(record.uuid) < shares[record.project_id]}


def lock_round(task: ReviewTask) -> None:
    """Two who decide about one record at once do so one after the other: exactly one of them is the last.

    On SQLite the transaction is exclusive from its start.
    """
    Record.objects.select_for_update(of=("self",)).only("pk").get(pk=task.record_id)


def answers_of(decision: Decision) -> Answers:
    """Where the round of ``decision``, just made, stands. Call it under ``lock_round``.

    Whoever asks a lead is not outvoted: a flag decides. StaleStateError when this person answered already.
    """
    task = decision.task
    given = list(
        Decision.objects.standing()
        .filter(record=decision.record_id, task__round=task.round)
        .exclude(pk=decision.pk)
        .select_related("record", "reviewer", "project", "task")
        .order_by("id")
    )
    if any(other.reviewer_id == decision.reviewer_id for other in given):
        raise StaleStateError(
            "You decided this record already; somebody else gives the second opinion. Take the next one."
        )
    if ReviewTask.objects.open().of_same_round(task).exists():
        return Answers(is_complete=False, deciding=None)
    given.append(decision)
    flags = [each for each in given if each.action == Action.FLAGGED]
    return Answers(is_complete=True, deciding=flags[-1] if flags else decision if agree(given) else None)


def agree(decisions: Sequence[Decision]) -> bool:
    """Whether all say the same; two edits do when they come to the same text and answer."""
    first = decisions[0]
    return all(
        (each.action, each.edited_input, each.edited_output)
        == (first.action, first.edited_input, first.edited_output)
        for each in decisions
    )


def waits_for_others(decision: Decision) -> bool:
    """Whether somebody else still has to answer in the round of ``decision``: its record has not moved by it."""
    task = decision.task
    return task.kind == TaskKind.OVERLAP and ReviewTask.objects.open().of_same_round(task).exists()


def moved_by(record: Record, decision: Decision) -> Decision | None:
    """The decision by which ``record`` stands where it is, if it is ``decision`` or says the same in its round."""
    if record.decision_uuid == decision.uuid:
        return decision
    if decision.task.kind != TaskKind.OVERLAP or record.decision_uuid is None:
        return None
    same_round = Decision.objects.standing().filter(record=record, task__round=decision.task.round)
    return same_round.select_related("task").filter(uuid=record.decision_uuid).first()


def was_agreed(decision: Decision) -> bool:
    """Whether the record moved as ``decision`` says: it was asked of one person alone, or all said the same."""
    if decision.task.kind != TaskKind.OVERLAP:
        return True
    return agree(
        list(Decision.objects.standing().filter(record=decision.record_id, task__round=decision.task.round))
    )


def _lot_of(uuid: UUID) -> float:
    """A number from 0 to 1, the same for this record every time."""
    digest = hashlib.sha256(b"overlap" + uuid.bytes).digest()
    return int.from_bytes(digest[:8], "big") / (1 << 64)
