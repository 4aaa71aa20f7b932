"""One turn of the loop for a task type, in pieces, so that a script or a person in a browser can be the reviewer."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import QuerySet

from apps.accounts.models import User
from apps.datasets.lines import examples_of
from apps.holdout.models import Prediction
from apps.operations.demo import all_tasks
from apps.operations.demo.all_tasks import ASKED
from apps.operations.demo.loops import Loop
from apps.records.models import Record
from apps.records.states import RecordStatus
from apps.specs.models import Project, Role
from apps.task_types import task_type_of
from tests import factories


@dataclass
class Round:
    """Rows are in, candidates are made and checked, and somebody has to look at them."""

    loop: Loop
    project: Project
    reviewer: User
    made: QuerySet[Record]


def begin_round(loop: Loop) -> Round:
    project = all_tasks.begin(loop, name=task_type_of(loop.task_type).title)
    assert set(project.records.values_list("label", flat=True)) == {loop.rare, loop.common}
    gap = all_tasks.generate(project, loop)
    made = Record.objects.filter(gap=gap)
    assert made.count() == ASKED
    waiting = made.filter(status=RecordStatus.AWAITING_REVIEW)
    assert waiting.count() >= 2, [(record.status, _said(record)) for record in made]
    return Round(loop, project, factories.make_member(project, Role.REVIEWER, Role.LEAD), made)


def finish_round(round_: Round) -> Record:
    """Releases what was accepted, lets three models predict, judges them by slice. Returns a record that was edited."""
    loop, task = round_.loop, task_type_of(round_.loop.task_type)
    edited = round_.made.filter(status=RecordStatus.EDITED).order_by("pk")[0]
    assert edited.reviewer == round_.reviewer
    release = all_tasks.make_release(round_.project, round_.reviewer)
    line = next(each for each in examples_of(release) if each["id"] == str(edited.uuid))
    wanted = task.to_example(edited.current_input, edited.current_output)
    assert {part: line[part] for part in ("input", "output")} == wanted
    assert line["review_status"] == "edited"
    report = all_tasks.judge(round_.project, round_.reviewer, loop).report
    slices = {each["name"]: each for each in report["slices"]}
    assert (slices[loop.rare]["baseline"], slices[loop.rare]["candidate"]) == (0, 1)
    assert (slices[loop.common]["baseline"], slices[loop.common]["candidate"]) == (1, 1)
    for scores in Prediction.objects.values_list("scores", flat=True):
        assert task.primary_score() in scores
        assert all(0 <= score <= 1 for score in scores.values())
        assert {name.partition(": ")[0] for name in scores} <= set(task.measures)
    shown = {each["title"] for each in report["scores"]}
    assert task.measures[task.primary_score()].title in shown
    return edited


def _said(record: Record) -> list[str]:
    return [f"{finding.check_name}: {finding.message}" for finding in record.findings.all()]
