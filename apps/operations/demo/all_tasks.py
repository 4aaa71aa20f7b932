"""The loop for every task type, small and offline: rows in, generated, checked, reviewed, released, judged."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import uuid4

from apps.accounts.models import User
from apps.core.uploads import Upload
from apps.datasets.lines import examples_of
from apps.datasets.models import Release
from apps.datasets.services import build_release, request_release
from apps.evaluation.launch import create_launch_review
from apps.evaluation.models import LaunchReview, Training
from apps.evaluation.predictions import frozen_holdout
from apps.evaluation.services import upload_predictions
from apps.generation.prompts import create_prompt
from apps.generation.services import draft_run, start_run
from apps.holdout.models import HoldoutRecord, Prediction
from apps.holdout.rules import FreezeTerms
from apps.holdout.services import begin_freeze, continue_freeze
from apps.intake.examples import publish_guide
from apps.operations.demo import loops_of_data, loops_of_text
from apps.operations.demo.loops import Loop, Parts
from apps.operations.imports import import_holdout, import_rows
from apps.operations.projects import MemberWish, add_members
from apps.operations.work import drain
from apps.records.models import Record, ReviewMethod
from apps.records.states import RecordStatus
from apps.review.claiming import claim_next
from apps.review.decisions import decide
from apps.review.models import Action
from apps.review.opening import open_tasks
from apps.review.payloads import current_payload
from apps.specs import services as specs
from apps.specs.guide_files import GuideDraft, LabelDraft
from apps.specs.models import Gap, Project, Role
from apps.submissions.services import ensure_rules_connection
from apps.task_types import task_type_of
from apps.validation.settings_of_checks import publish_spec

LOOPS: tuple[Loop, ...] = (
    loops_of_text.CLASSIFICATION,
    loops_of_text.MULTI_LABEL,
    loops_of_data.EXTRACTION,
    loops_of_data.TOOL_CALL,
    loops_of_data.REDACTION,
    loops_of_data.CODE_REPAIR,
    loops_of_text.POLICY,
    loops_of_text.DIALOGUE,
    loops_of_text.INSTRUCTION,
    loops_of_text.RETRIEVAL,
)
HOLDOUT_ROWS = 4
"""Of each label."""
ASKED = 6
SEED = 3
SCRIPT = "scripted-reviewer"
NOTE = "Decided by the script of the demo."
SESSION = "scripted reviewer of all tasks"
PARTS = (("baseline", True), ("control", True), ("candidate", False))
"""Which of the three models are wrong on the gap."""


def load_all_tasks(*, name: str, members: Sequence[MemberWish]) -> list[Project]:
    """A project for each task type whose candidates wait for whoever tries the demo; what is there stays."""
    projects = []
    for loop in LOOPS:
        title = _name_of(name, loop)
        if (project := Project.objects.filter(name=title).first()) is None:
            project = begin(loop, name=title)
            add_members(project, members)
            generate(project, loop)
        projects.append(project)
    return projects


def run_all_tasks(*, name: str) -> dict[str, dict[str, int]]:
    """By task type how many records were generated, passed the checks, were accepted, released, and rows scored."""
    reviewer, _ = User.objects.get_or_create(username=SCRIPT, defaults={"is_script": True})
    counts = {}
    for loop in LOOPS:
        project = begin(loop, name=_name_of(name, loop))
        specs.set_member(project=project, user=reviewer, roles=[Role.REVIEWER, Role.LEAD], actor=None)
        gap = generate(project, loop)
        review(project, reviewer, loop)
        release = make_release(project, reviewer)
        judge(project, reviewer, loop)
        counts[loop.task_type] = _counts(gap, release)
    return counts


def begin(loop: Loop, *, name: str) -> Project:
    """A project with spec, guide and its examples as seeds, train rows, and a frozen holdout."""
    project = specs.create_project(name=name, task_type=loop.task_type, actor=None)
    publish_spec(spec=specs.draft_spec(project=project, actor=None, task=loop.task, **loop.spec), actor=None)
    guide = GuideDraft("", [_label(loop, name) for name in (loop.rare, loop.common)])
    publish_guide(guide=specs.draft_guide(project=project, draft=guide, actor=None), actor=None)
    rows = _rows(loop, range(2, 4))
    import_rows(
        project=project, role="train", upload=_file(rows), mapping=loop.mapping, drop_near=False, strict=True
    )
    frozen = _rows(loop, range(10, 10 + HOLDOUT_ROWS))
    mapping = (*loop.mapping, "id=id")
    import_holdout(project=project, upload=_file(frozen), mapping=mapping, strict=True)
    terms = FreezeTerms(rare=[loop.rare], common=[loop.common], delta=0.1, alpha=0.05, looks=2)
    continue_freeze(holdout=begin_freeze(project=project, terms=terms, actor=None))
    return project


def generate(project: Project, loop: Loop) -> Gap:
    """Opens the gap and lets the offline generator fill it; the checks have spoken when it returns."""
    gap = specs.create_gap(
        project=project, name=loop.rare, target_labels=[loop.rare], target_count=ASKED, actor=None
    )
    specs.open_gap(gap=gap, actor=None)
    run = draft_run(
        gap=gap,
        prompt_version=create_prompt(project=project, name="phrases", template=loop.template, actor=None),
        connection=ensure_rules_connection(),
        count=ASKED,
        seed=SEED,
        actor=None,
    )
    start_run(run=run, actor=None)
    drain()
    return gap


def review(project: Project, reviewer: User, loop: Loop) -> None:
    """Edits the first record that waits and accepts the others."""
    open_tasks(project=project)
    is_first = True
    while tasks := claim_next(project=project, user=reviewer, session_key=SESSION, count=1):
        (task,) = tasks
        values: dict[str, Any] = {"action": Action.ACCEPTED}
        if is_first:
            values = {"action": Action.EDITED, "payload": loop.edit(current_payload(task.record))}
        decide(task=task, actor=reviewer, fence=task.fence, key=uuid4(), note=NOTE, **values)
        is_first = False


def make_release(project: Project, actor: User) -> Release:
    """A release that takes what a script accepted as well."""
    admit = [*project.release_policy["admit"], ReviewMethod.BULK]
    release = request_release(project=project, actor=actor, policy_override={"admit": admit})
    build_release(release.pk)
    release.refresh_from_db()
    return release


def judge(project: Project, actor: User, loop: Loop) -> LaunchReview:
    """Baseline and control miss the gap, the candidate has it: what the slices have to show."""
    models = {
        part: upload_predictions(
            project=project,
            name=f"{part} of the demo",
            upload=_file(_answers(project, loop, wrong_on=loop.rare if is_wrong else "")),
            trained_on=Training.UNKNOWN,
            actor=actor,
        )
        for part, is_wrong in PARTS
    }
    return create_launch_review(project=project, actor=actor, **models)


def _answers(project: Project, loop: Loop, *, wrong_on: str) -> Iterable[Parts]:
    holdout, _ = frozen_holdout(project)
    for record in HoldoutRecord.objects.filter(holdout=holdout).order_by("pk"):
        is_wrong = record.label == wrong_on
        answer = loop.wrong if is_wrong else loop.answer(record.gold)
        yield {"id": record.source_id, loop.answer_column: answer} | loop.more_answers(record.gold, is_wrong)


def _counts(gap: Gap, release: Release) -> dict[str, int]:
    made = Record.objects.filter(gap=gap)
    accepted = set(
        made.filter(status__in=[RecordStatus.ACCEPTED, RecordStatus.EDITED]).values_list("uuid", flat=True)
    )
    holdout, _ = frozen_holdout(gap.project)
    return {
        "generated": made.count(),
        "passed": made.exclude(status__in=[RecordStatus.FAILED_CHECKS, RecordStatus.NOT_CHECKED]).count(),
        "accepted": len(accepted),
        "released": len({str(uuid) for uuid in accepted} & {line["id"] for line in examples_of(release)}),
        "scored": Prediction.objects.filter(prediction_set__holdout=holdout).exclude(scores={}).count(),
    }


def _name_of(name: str, loop: Loop) -> str:
    return f"{name}: {task_type_of(loop.task_type).title.lower()}"


def _label(loop: Loop, name: str) -> LabelDraft:
    return LabelDraft(
        name=name,
        definition=loop.means[name],
        counts=["What its example shows"],
        does_not_count=["Anything else"],
        commonness="common" if name == loop.common else "rare",
        examples=[_example(loop, name)],
    )


def _example(loop: Loop, label: str) -> str:
    """The text, where it says all the rest together with its label; else the whole record."""
    row, task = loop.row(label, 1), task_type_of(loop.task_type)
    text = task.text_of(row["input"])
    return text if task.example(text, label) == (row["input"], row["output"]) else json.dumps(row)


def _rows(loop: Loop, numbers: Iterable[int]) -> list[Mapping[str, Any]]:
    return [
        loop.row(label, number) | {"id": f"{label}-{number}"}
        for label in (loop.rare, loop.common)
        for number in numbers
    ]


def _file(rows: Iterable[Mapping[str, Any]]) -> Upload:
    return Upload("rows.jsonl", "\n".join(json.dumps(row) for row in rows).encode())
