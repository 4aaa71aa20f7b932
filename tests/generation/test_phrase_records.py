"""Phrases that would make no records of the task are refused before anything is generated, with what to write."""

from __future__ import annotations

import pytest

from apps.core.errors import DomainError, RefusedError
from apps.generation.phrase_records import missing_record, record_problems
from apps.generation.prompts import create_prompt
from apps.generation.services import draft_run
from apps.operations.demo.all_tasks import LOOPS
from apps.operations.demo.loops import Loop
from apps.providers.rules_phrases import parse_phrases
from apps.specs.models import Project
from apps.submissions.services import ensure_rules_connection
from apps.task_types import REGISTRY, TaskType
from apps.task_types.base import SpecView
from tests import factories

PLAIN = """
labels:
  receipt:
    patterns: ["{shop} total {total}"]
    slots: {shop: [Harbour Bakery], total: ["7.05"]}
"""
WITH_RECORD = (
    PLAIN
    + """\
    record: {input: {text: "{text}", kind: receipt}, output: {total: "{total}"}}
"""
)


@pytest.fixture
def project() -> Project:
    project = factories.make_project(task_type="extraction")
    factories.make_guide(project, "receipt", "letter")
    schema = {"type": "object", "required": ["total"], "properties": {"total": {"type": "string"}}}
    factories.make_spec(project, output_schema=schema)
    return project


@pytest.mark.django_db
def test_phrases_without_a_record_are_refused_with_what_a_record_is(project: Project) -> None:
    with pytest.raises(RefusedError) as caught:
        create_prompt(project=project, name="phrases", template=PLAIN, actor=None)
    (problem,) = caught.value.problems
    assert problem.startswith("labels.receipt: a record of this task is more than a text and a label")
    assert "`record:`" in problem
    assert 'A record is {"input": {"text": the document' in problem
    assert create_prompt(project=project, name="phrases", template=WITH_RECORD, actor=None).version == 1


@pytest.mark.django_db
def test_a_record_that_does_not_fit_the_spec_is_refused_with_its_place(project: Project) -> None:
    wrong = WITH_RECORD.replace("output: {total:", "output: {sum:")
    with pytest.raises(RefusedError) as caught:
        create_prompt(project=project, name="phrases", template=wrong, actor=None)
    (problem,) = caught.value.problems
    assert problem.startswith("labels.receipt.record: /output does not fit")
    assert "total" in problem


@pytest.mark.django_db
def test_seeds_alone_make_no_record_of_a_rich_task(project: Project) -> None:
    gap = factories.make_gap(project, labels=("receipt",))
    prompt = create_prompt(project=project, name="seeds", template="labels: {}\n", actor=None)
    with pytest.raises(DomainError, match=r"seeds v1 makes no records of 'receipt'.*`record:`"):
        draft_run(
            gap=gap, prompt_version=prompt, connection=ensure_rules_connection(), count=5, seed=1, actor=None
        )


@pytest.mark.parametrize("loop", LOOPS, ids=lambda loop: loop.task_type)
def test_every_prompt_of_the_demo_fits_its_task(loop: Loop) -> None:
    view = SpecView(labels=(loop.rare, loop.common), output_schema=loop.spec.get("output_schema"))
    assert list(record_problems(parse_phrases(loop.template), REGISTRY[loop.task_type], view)) == []


@pytest.mark.parametrize("task", REGISTRY.values(), ids=lambda task: task.name)
def test_where_a_text_and_a_label_are_enough_nothing_is_missing(task: TaskType) -> None:
    enough = {"classification", "multi_label", "dialogue"}
    assert (missing_record("refund", task, SpecView(labels=("refund",))) == "") is (task.name in enough)
