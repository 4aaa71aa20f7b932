"""What people disagreed about: a lead sees what each of them said and gives one verdict, with a reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID, uuid4

from django.core.paginator import Page, Paginator

from apps.accounts.models import User
from apps.core.errors import RefusedError, StaleStateError
from apps.records.models import Record
from apps.review.decisions import decide
from apps.review.diffs import FieldDiff, diff_of
from apps.review.leases import release_leases, take
from apps.review.models import Action, Decision, ReviewTask, TaskKind
from apps.review.payloads import Payload, current_payload
from apps.specs.models import LabelGuide, Project
from apps.specs.services import add_case
from apps.task_types import task_type_of

PER_PAGE = 10
SETTLED_SHOWN = 20


@dataclass(frozen=True)
class Side:
    """What one person said; ``diffs``: how their edit changes the record."""

    decision: Decision
    reasons: list[str]
    diffs: list[FieldDiff]

    @property
    def is_edit(self) -> bool:
        return self.decision.action == Action.EDITED


@dataclass(frozen=True)
class Case:
    """A record that a lead has to decide. ``between``: from the first edit to the second, if both edited."""

    task: ReviewTask
    record: Record
    sides: list[Side]
    between: list[FieldDiff]
    key: UUID = field(default_factory=uuid4)
    """Of the verdict that its form gives: sent twice, it is one."""


@dataclass(frozen=True)
class AdjudicationPage:
    page: Page[ReviewTask]
    cases: list[Case]
    settled: list[Decision]
    """The latest verdicts, newest first."""


def adjudicate(
    *,
    task: ReviewTask,
    actor: User,
    key: UUID,
    action: Action,
    why: str,
    reasons: Sequence[str] = (),
    edit_of: Decision | None = None,
) -> Decision:
    """The verdict of ``actor`` on ``task``: a decision like any other, in the same ledger, that says why.

    ``edit_of``: the edit to take over, for the action *edited*. RefusedError without a reason, or where a check
    refuses the edit now; StaleStateError when another lead has the case or has decided it.
    """
    if not why.strip():
        raise RefusedError(
            "Say why: the two who disagreed read it, and it may become an example in the guide."
        )
    if task.kind != TaskKind.ADJUDICATION:
        raise StaleStateError("Nobody disagreed about this record: it is decided in the review room.")
    fence = take(task=task, user=actor)
    try:
        return decide(
            task=task,
            actor=actor,
            fence=fence,
            key=key,
            action=action,
            reasons=reasons,
            note=why,
            payload=_payload_of(edit_of) if edit_of else None,
        )
    except RefusedError:
        release_leases(project=task.project, user=actor, fences={task.pk: fence})
        raise


def make_example(*, verdict: Decision, actor: User) -> LabelGuide:
    """Puts the case into the draft of the next label guide, with the reason; returns that draft.

    It is shown to people as a decided case: the text is no real row, so it becomes no seed.
    """
    record = verdict.record
    return add_case(
        project=verdict.project,
        label_name=record.label,
        text=task_type_of(verdict.project.task_type).text_of(record.current_input),
        says=f"{verdict.get_action_display()}: {verdict.note}",
        record_uuid=record.uuid,
        actor=actor,
    )


def adjudication_page(*, project: Project, number: str | None) -> AdjudicationPage:
    """Open cases, oldest first. Five queries, however many cases."""
    waiting = (
        ReviewTask.objects.to_adjudicate().filter(project=project).select_related("record").order_by("id")
    )
    page = Paginator(waiting, PER_PAGE).get_page(number)
    said = _last_answers([task.record_id for task in page.object_list])
    words = {reason["code"]: reason["text"] for reason in project.reject_reasons}
    settled = Decision.objects.standing().filter(project=project, task__kind=TaskKind.ADJUDICATION)
    settled = settled.filter(task__assignee=None).select_related("record", "reviewer")
    return AdjudicationPage(
        page=page,
        cases=[_case(task, said.get(task.record_id, []), words) for task in page.object_list],
        settled=list(settled.order_by("-id")[:SETTLED_SHOWN]),
    )


def _last_answers(record_ids: Sequence[int]) -> dict[int, list[Decision]]:
    """What was said in the last round that two people shared, by record."""
    shared = (
        Decision.objects.standing()
        .filter(record__in=record_ids, task__kind=TaskKind.OVERLAP)
        .select_related("reviewer", "task")
        .order_by("task__round", "id")
    )
    last: dict[int, list[Decision]] = {}
    for decision in shared:
        given = last.setdefault(decision.record_id, [])
        if given and given[-1].task.round != decision.task.round:
            given.clear()
        given.append(decision)
    return last


def _case(task: ReviewTask, said: list[Decision], words: dict[str, str]) -> Case:
    before = current_payload(task.record)
    sides = [
        Side(
            decision,
            [words.get(code, code) for code in decision.reasons],
            diff_of(before, _payload_of(decision)) if decision.action == Action.EDITED else [],
        )
        for decision in said
    ]
    edits = [side.decision for side in sides if side.is_edit]
    between = diff_of(_payload_of(edits[0]), _payload_of(edits[1])) if len(edits) == 2 else []
    return Case(task, task.record, sides, between)


def _payload_of(decision: Decision) -> Payload:
    return {"input": decision.edited_input, "output": decision.edited_output}
