"""The teacher check: can the generator do the task itself? It answers seed rows, and what it answers is counted."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.utils import timezone

from apps.core.errors import DomainError, StaleStateError
from apps.generation.gates import Gate, teacher_gate, teacher_interval
from apps.generation.models import TeacherAnswer, TeacherCheck
from apps.generation.teacher import TeacherSink, chosen_rows, start_teacher_check
from apps.operations.work import work_once
from apps.records.models import Record, Use
from apps.specs.models import Gap
from apps.submissions.models import Connection, Submission
from apps.submissions.request_files import path_of
from apps.submissions.services import ensure_rules_connection
from tests import factories
from tests.generation.scene import SEEDS, make_ready_project, time_passes
from tests.providers.matrix import worker_environment
from tests.providers.rigs import RIGS, Rig

pytestmark = pytest.mark.django_db(databases=["default", "leakage", "holdout"])


@pytest.fixture
def rig() -> Iterator[Rig]:
    with RIGS["openai_compatible"]() as rig, worker_environment(rig):
        yield rig


@pytest.fixture
def gap() -> Gap:
    return make_ready_project()


@pytest.fixture
def connection(rig: Rig) -> Connection:
    return rig.connect()


@pytest.fixture
def check(gap: Gap, connection: Connection) -> TeacherCheck:
    return start_teacher_check(project=gap.project, connection=connection, actor=None)


def answered(check: TeacherCheck, *, right: int, wrong: int = 0, ended: bool = True) -> TeacherCheck:
    """What came back so far."""
    TeacherCheck.objects.filter(pk=check.pk).update(answered=right + wrong, right=right)
    if ended:
        Submission.objects.filter(uuid=check.submission_uuid).update(finished_at=timezone.now())
    check.refresh_from_db()
    return check


def gate(check: TeacherCheck) -> Gate:
    return teacher_gate(check.project, check.connection)


def test_the_model_answers_seed_rows_one_by_one_and_each_answer_is_kept(
    gap: Gap, rig: Rig, connection: Connection
) -> None:
    """The stand-in says some allowed label; what counts is that right and wrong are counted."""
    factories.make_real(gap.project, "a train row that nobody may see", "refund", use=Use.TRAIN)
    check = start_teacher_check(project=gap.project, connection=connection, actor=None)
    sent = path_of(Submission.objects.get().request_file).read_text()
    assert "nobody may see" not in sent
    for _ in range(3):
        time_passes()
        work_once("validation")
        work_once("generation")
    check.refresh_from_db()
    assert check.asked == check.answered == rig.server.creates == len(SEEDS)
    seeds = Record.objects.filter(project=gap.project).seeds()
    assert set(check.answers.values_list("record_uuid", flat=True)) == set(
        seeds.values_list("uuid", flat=True)
    )
    assert check.answers.filter(is_right=True).count() == check.right


def test_an_answer_is_scored_by_the_task_s_own_scorer(check: TeacherCheck) -> None:
    submission = Submission.objects.get(uuid=check.submission_uuid)
    sink = TeacherSink(submission.pk)
    requests = list(submission.requests.order_by("id"))
    labels = [Record.objects.get(pk=request.context["record"]).label for request in requests]
    rows = [sink.read(requests[0], {"label": labels[0]})[0], sink.read(requests[1], {"label": labels[0]})[0]]
    rows += sink.read(requests[2], ["no object"])
    sink.write(rows)
    check.refresh_from_db()
    assert (check.answered, check.right) == (3, 1)
    assert list(TeacherAnswer.objects.order_by("id").values_list("is_right", flat=True)) == [
        True,
        False,
        False,
    ]


def test_rare_labels_are_asked_as_well_as_common_ones(gap: Gap) -> None:
    for number in range(200):
        factories.make_real(gap.project, f"seed {number}", "refund", use=Use.SEED)
    rows = chosen_rows(gap.project)
    assert len(rows) == 100
    assert {row.label for row in rows[:3]} == {"refund", "billing", "abuse"}


def test_a_passed_check_opens_the_gate_with_its_interval(check: TeacherCheck) -> None:
    passed = gate(answered(check, right=3))
    assert passed.is_open
    assert "3 of 3 seed rows right (44% to 100%); the spec's bar is 80%." in passed.words


def test_below_the_bar_the_frontier_model_struggles(check: TeacherCheck) -> None:
    closed = gate(answered(check, right=2, wrong=1))
    assert not closed.is_open
    assert "2 of 3 seed rows right" in closed.words
    assert "struggles with your task" in closed.remedy


def test_first_answers_that_are_right_do_not_open_the_gate(check: TeacherCheck) -> None:
    closed = gate(answered(check, right=1, ended=False))
    assert not closed.is_open
    assert "answered 1 of 3" in closed.words
    # The negative control: the same answers once there is nothing more to come, as many as were asked.
    TeacherCheck.objects.filter(pk=check.pk).update(asked=1)
    assert gate(answered(check, right=1)).is_open


def test_a_question_without_an_answer_was_not_answered_right(check: TeacherCheck) -> None:
    closed = gate(answered(check, right=1))
    assert not closed.is_open
    assert "1 of 3 seed rows right" in closed.words
    assert "2 gave no answer" in closed.words
    assert teacher_interval(check).high < 1


def test_a_check_without_any_answer_says_nothing_of_the_model(check: TeacherCheck) -> None:
    closed = gate(answered(check, right=0))
    assert "None of 3" in closed.words
    assert "Look at the connection" in closed.remedy


def test_another_model_on_the_same_connection_has_not_been_asked(check: TeacherCheck) -> None:
    answered(check, right=3)
    Connection.objects.filter(pk=check.connection_id).update(model="another-model")
    check.connection.refresh_from_db()
    assert "has not been asked yet" in gate(check).words


def test_a_new_version_of_the_spec_asks_again(check: TeacherCheck) -> None:
    answered(check, right=3)
    factories.make_spec(check.project)
    assert "another version of the spec than v2" in gate(check).words


def test_a_double_click_asks_once(check: TeacherCheck) -> None:
    with pytest.raises(StaleStateError, match="answering the seed rows"):
        start_teacher_check(project=check.project, connection=check.connection, actor=None)
    assert Submission.objects.count() == TeacherCheck.objects.count() == 1
    answered(check, right=0)
    start_teacher_check(project=check.project, connection=check.connection, actor=None)
    assert TeacherCheck.objects.count() == 2


def test_without_seed_rows_or_with_the_offline_generator_there_is_nothing_to_check(
    gap: Gap, connection: Connection
) -> None:
    with pytest.raises(DomainError, match="cannot be asked"):
        start_teacher_check(project=gap.project, connection=ensure_rules_connection(), actor=None)
    with pytest.raises(DomainError, match="no seed row"):
        start_teacher_check(project=factories.make_project(), connection=connection, actor=None)
