"""Cards: everything the review room shows of one task, loaded for several tasks at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from apps.accounts.models import User
from apps.core.prepared import Among, Prepared
from apps.core.text import flatten_strings
from apps.records.models import Record, SourceType
from apps.records.states import RecordStatus
from apps.review.drafts import drafts_of
from apps.review.gold_queue import dress
from apps.review.models import Action, Decision, ReviewTask, TaskKind
from apps.review.payloads import current_payload, schema_of
from apps.review.reading import Reading, reading_of
from apps.review.record_forms import RecordForm
from apps.review.references import called, name_of, reference_of
from apps.review.rules import ReviewRules
from apps.similarity.models import Neighbour
from apps.specs.models import Project
from apps.task_types import task_type_of
from apps.validation.pipeline import checks_of, make_batch
from apps.validation.selectors import check_lines, findings_for_review

MAX_NEIGHBOURS = 4
EXCERPT = 400


@dataclass(frozen=True)
class NearRecord:
    """A record that is near the one under review. ``similarity``: Jaccard of character 5-grams, 0 to 1."""

    name: str
    kind: str
    status: str
    label: str
    similarity: float
    text: str


@dataclass(frozen=True)
class Question:
    """What a reviewer asked the lead about this record in an earlier round."""

    asked_by: str
    note: str


@dataclass(frozen=True)
class Card:
    """One task as it stands on the screen."""

    task: ReviewTask
    record: Record
    name: str
    """How the record is called."""
    template: str
    reading: Reading
    form: RecordForm
    original_form: RecordForm | None
    """The form without the draft that ``form`` shows: what discarding it goes back to."""
    neighbours: list[NearRecord]
    questions: list[Question]
    made_by: list[str]
    """Prompt and model; empty under blind review."""

    @property
    def reference(self) -> int:
        """What stands for the task in the page."""
        return reference_of(self.task.pk)

    @property
    def has_draft(self) -> bool:
        return self.original_form is not None

    @property
    def label(self) -> str:
        """The label in question: the one the guide opens."""
        return self.record.label


def cards_of(*, project: Project, user: User, tasks: Sequence[ReviewTask]) -> list[Card]:
    """The cards of ``tasks``, whose records are as they were read with them, in the order given.

    In a number of queries that does not grow with them.
    """
    if not tasks:
        return []
    records = {task.record_id: task.record for task in tasks}
    found = findings_for_review(project, records)
    dress(tasks, records)
    drafts = drafts_of(user=user, tasks=tasks)
    near = _neighbours(project, list(records))
    # A flag ends a round: in the first there is none.
    asked = _questions([task.record_id for task in tasks if task.round > 1])
    rules, review_rules = make_batch(project, []), ReviewRules.of(project)
    schema = schema_of(rules)
    titles = [(check.name, check.title) for check in checks_of(rules)]
    template = task_type_of(project.task_type).reading_template
    return [
        Card(
            task=task,
            record=(record := records[task.record_id]),
            name=name_of(record, review_rules),
            template=template,
            reading=reading_of(
                record,
                check_lines(record, found[record.pk], titles),
                prefix=f"mark-{reference_of(task.pk)}-",
            ),
            form=_edit_form(schema, record, task, drafts.get(task.pk)),
            original_form=_edit_form(schema, record, task, None) if task.pk in drafts else None,
            neighbours=near[task.record_id],
            questions=asked[task.record_id],
            made_by=_made_by(project, record),
        )
        for task in tasks
    ]


def _edit_form(
    schema: dict[str, Any], record: Record, task: ReviewTask, draft: dict[str, Any] | None
) -> RecordForm:
    return RecordForm(
        schema, current_payload(record), draft=draft, auto_id=f"task-{reference_of(task.pk)}-%s"
    )


def _made_by(project: Project, record: Record) -> list[str]:
    if project.blind_review:
        return []
    return [name for name in (record.prompt_version, record.generator_model) if name]


def _neighbours(project: Project, record_ids: Sequence[int]) -> dict[int, list[NearRecord]]:
    """The nearest first. Only records stand here: of protected data nothing is ever shown."""
    text_of, rules = task_type_of(project.task_type).text_of, ReviewRules.of(project)
    near: dict[int, list[NearRecord]] = defaultdict(list)
    for record_id, similarity, other, uuid, source, status, label, written, edited in _NEIGHBOURS.rows(
        records=record_ids
    ):
        if len(near[record_id]) < MAX_NEIGHBOURS:
            near[record_id].append(
                NearRecord(
                    name=called(other, uuid, rules),
                    kind=SourceType(source).label,
                    status="" if source == SourceType.REAL else RecordStatus(status).label,
                    label=label,
                    similarity=similarity,
                    text=_excerpt(written if edited is None else edited, text_of),
                )
            )
    return near


_NEIGHBOURS = Prepared(
    lambda: (
        Neighbour.objects.filter(Among("record", "records"))
        .order_by("-similarity", "id")
        .values_list(
            "record_id",
            "similarity",
            "other_id",
            "other__uuid",
            "other__source_type",
            "other__status",
            "other__label",
            "other__input",
            "other__edited_input",
        )
    )
)


def _excerpt(input_: dict[str, Any], text_of: Callable[[Any], str]) -> str:
    text = text_of(input_) or " · ".join(value for _, value in flatten_strings(input_))
    return text if len(text) <= EXCERPT else f"{text[: EXCERPT - 1]}…"


def _questions(record_ids: Sequence[int]) -> dict[int, list[Question]]:
    asked: dict[int, list[Question]] = defaultdict(list)
    if not record_ids:
        return asked
    flags = (
        Decision.objects.standing()
        .disclosed()
        .filter(record__in=record_ids, action=Action.FLAGGED)
        .exclude(task__kind=TaskKind.GOLD)
        .select_related("reviewer")
        .order_by("id")
    )
    for flag in flags:
        asked[flag.record_id].append(Question(str(flag.reviewer), flag.note))
    return asked
