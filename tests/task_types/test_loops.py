"""Every task type goes round the loop: rows in, generated, checked, reviewed with an edit, released, judged."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any
from uuid import uuid4

import pytest

from apps.accounts.models import User
from apps.core.uploads import Upload
from apps.datasets.lines import examples_of
from apps.datasets.services import build_release, request_release
from apps.evaluation.launch import create_launch_review
from apps.evaluation.models import Training
from apps.evaluation.services import upload_predictions
from apps.generation.prompts import create_prompt
from apps.generation.services import draft_run, start_run
from apps.holdout.models import HoldoutRecord, Prediction
from apps.holdout.rules import FreezeTerms
from apps.holdout.services import begin_freeze, continue_freeze
from apps.intake.examples import publish_guide
from apps.operations.imports import import_holdout, import_rows
from apps.operations.work import drain
from apps.records.models import Record
from apps.records.states import RecordStatus
from apps.review.decisions import decide
from apps.review.leases import claim_next
from apps.review.models import Action
from apps.review.payloads import current_payload
from apps.specs.guide_files import GuideDraft, LabelDraft
from apps.specs.models import Gap, Project, Role
from apps.specs.services import create_gap, create_project, draft_guide, open_gap
from apps.submissions.services import ensure_rules_connection
from apps.task_types import REGISTRY, task_type_of
from tests import factories
from tests.task_types.loops import LOOPS, Loop

pytestmark = pytest.mark.django_db(databases=["default", "holdout", "leakage"])
HOLDOUT_ROWS = 4
"""Of each label."""
ASKED = 6


def test_every_task_type_has_a_loop() -> None:
    assert {loop.task_type for loop in LOOPS} | {"classification"} == set(REGISTRY), (
        "the demo is classification's"
    )


@pytest.mark.parametrize("loop", LOOPS, ids=lambda loop: loop.task_type)
def test_the_loop_goes_round(loop: Loop) -> None:
    project = create_project(name=loop.task_type, task_type=loop.task_type, actor=None)
    _begin(project, loop)
    gap = _open_gap(project, loop)
    _generate(gap, loop)
    made = Record.objects.filter(gap=gap)
    assert made.count() == ASKED
    waiting = made.filter(status=RecordStatus.AWAITING_REVIEW)
    assert waiting.count() >= 2, [(record.status, _said(record)) for record in made]
    reviewer = factories.make_member(project, Role.REVIEWER, Role.LEAD)
    edited = _review(project, reviewer, loop)
    release = request_release(project=project, actor=reviewer)
    build_release(release.pk)
    release.refresh_from_db()
    lines = {example["id"]: example for example in examples_of(release)}
    wanted = task_type_of(loop.task_type).to_example(edited.current_input, edited.current_output)
    assert {part: lines[str(edited.uuid)][part] for part in ("input", "output")} == wanted
    assert lines[str(edited.uuid)]["review_status"] == "edited"
    _judge(project, reviewer, loop)


def _begin(project: Project, loop: Loop) -> None:
    """Spec, guide with its examples as seeds, train rows, frozen holdout."""
    factories.make_spec(project, **loop.spec)
    labels = [
        LabelDraft(
            name=label,
            definition=f"What is {label}.",
            counts=["This"],
            does_not_count=["That"],
            commonness="common" if label == loop.common else "rare",
            examples=[json.dumps(loop.row(label, 1))],
        )
        for label in (loop.rare, loop.common)
    ]
    guide = draft_guide(project=project, draft=GuideDraft("Do it.", labels), actor=None)
    publish_guide(guide=guide, actor=None)
    assert set(project.records.values_list("label", flat=True)) == {loop.rare, loop.common}
    rows = [loop.row(label, number) for label in (loop.rare, loop.common) for number in (2, 3)]
    brought = import_rows(
        project=project,
        role="train",
        upload=_file(rows),
        mapping=loop.mapping,
        drop_near=False,
        strict=True,
    )
    assert brought.imported == len(rows)
    frozen = [
        loop.row(label, number) | {"id": f"{label}-{number}"}
        for label in (loop.rare, loop.common)
        for number in range(10, 10 + HOLDOUT_ROWS)
    ]
    import_holdout(project=project, upload=_file(frozen), mapping=(*loop.mapping, "id=id"), strict=True)
    terms = FreezeTerms(rare=[loop.rare], common=[loop.common], delta=0.1, alpha=0.05, looks=2)
    continue_freeze(holdout=begin_freeze(project=project, terms=terms, actor=None))


def _open_gap(project: Project, loop: Loop) -> Gap:
    gap = create_gap(project=project, name="gap", target_labels=[loop.rare], target_count=20, actor=None)
    return open_gap(gap=gap, actor=None)


def _generate(gap: Gap, loop: Loop) -> None:
    prompt = create_prompt(project=gap.project, name="phrases", template=loop.template, actor=None)
    connection = ensure_rules_connection()
    run = draft_run(gap=gap, prompt_version=prompt, connection=connection, count=ASKED, seed=3, actor=None)
    start_run(run=run, actor=None)
    drain()


def _review(project: Project, reviewer: User, loop: Loop) -> Record:
    """The first record is edited, the others are accepted; what was edited."""
    edited = None
    while tasks := claim_next(project=project, user=reviewer, session_key="s", count=1):
        (task,) = tasks
        values: dict[str, Any] = {"action": Action.ACCEPTED}
        if edited is None:
            edited = task.record
            payload = loop.edit(current_payload(task.record))
            assert payload != current_payload(task.record)
            values = {"action": Action.EDITED, "payload": payload}
        decide(task_id=task.pk, actor=reviewer, fence=task.fence, key=uuid4(), **values)
    assert edited is not None
    edited.refresh_from_db()
    assert edited.status == RecordStatus.EDITED
    return edited


def _judge(project: Project, actor: User, loop: Loop) -> None:
    """A model that is wrong on the gap, and one that has it: the slices say so."""
    models = {
        name: upload_predictions(
            project=project,
            name=name,
            upload=_file(_answers(loop, wrong_on)),
            trained_on=Training.UNKNOWN,
            actor=actor,
        )
        for name, wrong_on in (("before", loop.rare), ("reweighted", loop.rare), ("after", ""))
    }
    review = create_launch_review(
        project=project,
        baseline=models["before"],
        control=models["reweighted"],
        candidate=models["after"],
        actor=actor,
    )
    slices = {each["name"]: each for each in review.report["slices"]}
    assert (slices[loop.rare]["baseline"], slices[loop.rare]["candidate"]) == (0, 1)
    assert (slices[loop.common]["baseline"], slices[loop.common]["candidate"]) == (1, 1)
    primary = task_type_of(loop.task_type).primary_score()
    for scores in Prediction.objects.values_list("scores", flat=True):
        assert primary in scores
        assert all(0 <= score <= 1 for score in scores.values())


def _answers(loop: Loop, wrong_on: str) -> Iterable[dict[str, Any]]:
    for record in HoldoutRecord.objects.order_by("pk"):
        is_wrong = record.label == wrong_on
        answer = loop.wrong if is_wrong else loop.answer(record.gold)
        more = loop.more_answers(record.gold, is_wrong)
        yield {"id": record.source_id, loop.answer_column: answer} | more


def _file(rows: Iterable[dict[str, Any]]) -> Upload:
    return Upload("rows.jsonl", "\n".join(json.dumps(row) for row in rows).encode())


def _said(record: Record) -> list[str]:
    return [f"{finding.check_name}: {finding.message}" for finding in record.findings.all()]
