"""Every task type goes round the loop: rows in, generated, checked, reviewed with an edit, released, judged."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import call_command

from apps.datasets.lines import examples_of
from apps.holdout.models import Prediction
from apps.operations.demo import all_tasks
from apps.operations.demo.all_tasks import ASKED, LOOPS
from apps.operations.demo.loops import Loop
from apps.records.models import Record
from apps.records.states import RecordStatus
from apps.specs.models import Role
from apps.task_types import REGISTRY, task_type_of
from tests import factories

DATABASES = ["default", "holdout", "leakage"]


def test_every_task_type_has_a_loop() -> None:
    assert [loop.task_type for loop in LOOPS] == list(REGISTRY)


@pytest.mark.one_engine
@pytest.mark.django_db(databases=DATABASES)
@pytest.mark.parametrize("loop", LOOPS, ids=lambda loop: loop.task_type)
def test_the_loop_goes_round(loop: Loop) -> None:
    task = task_type_of(loop.task_type)
    project = all_tasks.begin(loop, name=task.title)
    assert set(project.records.values_list("label", flat=True)) == {loop.rare, loop.common}

    gap = all_tasks.generate(project, loop)
    made = Record.objects.filter(gap=gap)
    assert made.count() == ASKED
    waiting = made.filter(status=RecordStatus.AWAITING_REVIEW)
    assert waiting.count() >= 2, [(record.status, _said(record)) for record in made]

    reviewer = factories.make_member(project, Role.REVIEWER, Role.LEAD)
    all_tasks.review(project, reviewer, loop)
    edited = made.get(status=RecordStatus.EDITED)
    assert edited.reviewer == reviewer

    release = all_tasks.make_release(project, reviewer)
    line = next(each for each in examples_of(release) if each["id"] == str(edited.uuid))
    wanted = task.to_example(edited.current_input, edited.current_output)
    assert {part: line[part] for part in ("input", "output")} == wanted
    assert line["review_status"] == "edited"

    report = all_tasks.judge(project, reviewer, loop).report
    slices = {each["name"]: each for each in report["slices"]}
    assert (slices[loop.rare]["baseline"], slices[loop.rare]["candidate"]) == (0, 1)
    assert (slices[loop.common]["baseline"], slices[loop.common]["candidate"]) == (1, 1)
    for scores in Prediction.objects.values_list("scores", flat=True):
        assert task.primary_score() in scores
        assert all(0 <= score <= 1 for score in scores.values())
        assert {name.partition(": ")[0] for name in scores} <= set(task.measures)
    shown = {each["title"] for each in report["scores"]}
    assert task.measures[task.primary_score()].title in shown


@pytest.mark.one_engine
@pytest.mark.django_db(databases=DATABASES, transaction=True)
def test_the_demo_counts_what_came_of_each_task(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two tasks of the ten: the others went round above."""
    monkeypatch.setattr(all_tasks, "LOOPS", LOOPS[1:3])
    out = StringIO()
    call_command("demo", headless=True, all_tasks=True, name="Demo", stdout=out, stderr=StringIO())
    tasks = json.loads(out.getvalue())["tasks"]
    assert list(tasks) == ["multi_label", "extraction"]
    for counts in tasks.values():
        assert counts["generated"] == ASKED
        assert counts["passed"] == counts["accepted"] == counts["released"] >= 2
        assert counts["scored"] == 3 * 2 * all_tasks.HOLDOUT_ROWS


def _said(record: Record) -> list[str]:
    return [f"{finding.check_name}: {finding.message}" for finding in record.findings.all()]
