"""The teacher check: can the generator do the task itself? It answers real seed rows whose labels are known.

Seed rows alone: a generator may see them anyway. Train rows and the holdout are never shown.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import chain, zip_longest

from django.db import transaction
from django.db.models import F

from apps.accounts.models import User
from apps.core.errors import DomainError, StaleStateError
from apps.core.strict_json import JsonValue
from apps.generation.jobs.label import LabelInputs, output_schema
from apps.generation.languages import SAMPLE, compile_template
from apps.generation.models import PromptLanguage, TeacherAnswer, TeacherCheck
from apps.providers import provider_of
from apps.providers.base import Ask, Volume
from apps.providers.structured import without_added_nulls
from apps.records.models import Record
from apps.specs.models import Project
from apps.specs.selectors import current_guide, spec_view
from apps.submissions.estimates import count_tokens, estimate, reservation_for
from apps.submissions.models import Connection, Delivery, Submission, SubmissionRequest
from apps.submissions.request_files import PlannedRequest, custom_id_of, freeze
from apps.submissions.services import plan_submission
from apps.task_types import task_type_of

PURPOSE = "teacher_check"
MOST_ROWS = 100


def start_teacher_check(*, project: Project, connection: Connection, actor: User | None) -> TeacherCheck:
    """Asks up to 100 seed rows, labels in turn, each by itself and one by one.

    DomainError when there is no seed row, when this generator cannot answer, or while it is answering already.
    """
    provider = provider_of(connection.provider)
    if not provider.has_synchronous or provider.offline_model:
        raise DomainError(f"{provider.title} cannot be asked single questions.")
    rows = chosen_rows(project)
    if not rows:
        raise DomainError(f"{project} has no seed row with a known label: import some first.")
    requests = _requests(project, rows)
    sample = provider.request_line(custom_id_of("0" * 32, 1), requests[0].ask, endpoint=connection.endpoint)
    volume = Volume(requests=len(requests), records=len(requests), request_bytes=0)
    tokens = count_tokens(
        provider=provider,
        sample=sample,
        volume=volume,
        history=Submission.objects.filter(purpose=PURPOSE, connection=connection),
    )
    kept = estimate(
        connection=connection, delivery=Delivery.SYNCHRONOUS, volume=volume, submissions=1, tokens=tokens
    )
    frozen, *more = freeze(connection, requests, total=len(requests), is_batch=False)
    if more:
        raise DomainError(f"{provider.title} takes fewer than {MOST_ROWS} requests at once.")
    spec = project.published_spec()
    try:
        with transaction.atomic():
            _refuse_second(project, connection)
            submission = plan_submission(
                frozen=frozen,
                project=project,
                connection=connection,
                purpose=PURPOSE,
                delivery=Delivery.SYNCHRONOUS,
                reservation=reservation_for(kept, requests=len(requests)),
            )
            return TeacherCheck.objects.create(
                project=project,
                connection=connection,
                model=connection.model,
                submission_uuid=submission.uuid,
                spec_version=spec.version if spec else None,
                asked=len(requests),
                created_by=actor,
            )
    except Exception:
        frozen.discard()
        raise


def _refuse_second(project: Project, connection: Connection) -> None:
    """A double click pays once: whoever comes second sees the check of the first."""
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    if TeacherCheck.objects.under_way().filter(project=project, connection=connection).exists():
        raise StaleStateError(f"{connection} is answering the seed rows of {project} already: wait for it.")


def chosen_rows(project: Project) -> list[Record]:
    """Labels in turn, so that a rare one is asked as well as a common one."""
    by_label: dict[str, list[Record]] = defaultdict(list)
    for row in Record.objects.filter(project=project).seeds().exclude(label="").order_by("id").iterator():
        by_label[row.label].append(row)
    turns = chain.from_iterable(zip_longest(*(by_label[label] for label in sorted(by_label))))
    return [row for row in turns if row is not None][:MOST_ROWS]


def _requests(project: Project, rows: Sequence[Record]) -> list[PlannedRequest]:
    task_type, view, guide = task_type_of(project.task_type), spec_view(project), current_guide(project)
    spec = project.published_spec()
    schema = output_schema(task_type.record_schema(view))
    render = compile_template(PromptLanguage.JINJA, LabelInputs.starter)
    context = SAMPLE.replaced(
        task=spec.task if spec else "",
        labels={
            label.name: label.definition
            for label in (guide.labels.all() if guide else ())
            if not label.is_rejected
        },
        answer=task_type.prompt_parts(view).get("answer", ""),
    )
    return [
        PlannedRequest(
            Ask(prompt=render(context.replaced(source=task_type.shown(row.input))).prompt, schema=schema),
            {"record": row.pk, "seed_uuids": [str(row.uuid)]},
        )
        for row in rows
    ]


class TeacherSink:
    """Scores each answer by the task's own scorer."""

    def __init__(self, submission_id: int) -> None:
        submission = Submission.objects.select_related("project").get(pk=submission_id)
        self.check_pk = TeacherCheck.objects.values_list("pk", flat=True).get(submission_uuid=submission.uuid)
        self.task_type = task_type_of(submission.project.task_type)
        self.view = spec_view(submission.project)
        self.schema = output_schema(self.task_type.record_schema(self.view))

    def read(self, request: SubmissionRequest, answer: JsonValue) -> list[TeacherAnswer]:
        row = Record.objects.get(pk=request.context["record"])
        given = without_added_nulls(answer, self.schema)
        item = {"input": row.input, "output": row.output}
        scores = self.task_type.score(item, given if isinstance(given, dict) else {}, self.view)
        is_right = scores[self.task_type.primary_score()] == 1.0
        return [TeacherAnswer(check_asked_id=self.check_pk, record_uuid=row.uuid, is_right=is_right)]

    def write(self, rows: Sequence[TeacherAnswer]) -> None:
        TeacherAnswer.objects.bulk_create(rows)
        TeacherCheck.objects.filter(pk=self.check_pk).update(
            answered=F("answered") + len(rows), right=F("right") + sum(row.is_right for row in rows)
        )
