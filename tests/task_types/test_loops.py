"""Every task type goes round the loop: rows in, generated, checked, reviewed with an edit, released, judged."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import call_command

from apps.operations.demo import all_tasks
from apps.operations.demo.all_tasks import ASKED, LOOPS
from apps.operations.demo.loops import Loop
from apps.task_types import REGISTRY
from tests.task_types.rounds import begin_round, finish_round

DATABASES = ["default", "holdout", "leakage"]


def test_every_task_type_has_a_loop() -> None:
    assert [loop.task_type for loop in LOOPS] == list(REGISTRY)


@pytest.mark.one_engine
@pytest.mark.django_db(databases=DATABASES)
@pytest.mark.parametrize("loop", LOOPS, ids=lambda loop: loop.task_type)
def test_the_loop_goes_round(loop: Loop) -> None:
    round_ = begin_round(loop)
    all_tasks.review(round_.project, round_.reviewer, loop)
    finish_round(round_)


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
