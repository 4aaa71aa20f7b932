"""A large run of a network generator is held until its pilot and its teacher check have passed, or a lead says why."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps.accounts.models import User
from apps.core.errors import RefusedError
from apps.generation.gates import gates_of, give_reason, pilot_sample
from apps.generation.models import PromptLanguage, PromptVersion, Run, RunStatus, TeacherCheck
from apps.generation.prompts import create_prompt
from apps.generation.services import draft_run, start_run
from apps.generation.teacher import chosen_rows, start_teacher_check
from apps.operations.work import work_once
from apps.records.models import Record, ReviewMethod, Use
from apps.records.states import RecordStatus
from apps.specs.models import Gap, Role
from apps.submissions.models import Connection, Submission
from apps.submissions.request_files import path_of
from tests import factories
from tests.generation.scene import make_ready_project, make_run, time_passes
from tests.providers.matrix import TEMPLATE, worker_environment
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
def version(gap: Gap) -> PromptVersion:
    return create_prompt(
        project=gap.project, name="write", template=TEMPLATE, language=PromptLanguage.JINJA, actor=None
    )


@pytest.fixture
def lead(gap: Gap) -> User:
    return factories.make_member(gap.project, Role.LEAD, name="lena")


def draft(gap: Gap, version: PromptVersion, connection: Connection, count: int = 151) -> Run:
    return draft_run(gap=gap, prompt_version=version, connection=connection, count=count, actor=None)


def review(gap: Gap, version: PromptVersion, connection: Connection, statuses: list[RecordStatus]) -> None:
    """What people said of the pilot's records, in this order."""
    for number, status in enumerate(statuses):
        record = factories.make_candidate(
            gap,
            f"pilot {number} {status}",
            generator_provider=connection.provider,
            generator_model=connection.model,
            prompt_version=version.label,
        )
        Record.objects.filter(pk=record.pk).update(
            status=status, review_method=ReviewMethod.PERSON, reviewer=reviewer(), reviewed_at=timezone.now()
        )


def reviewer() -> User:
    return User.objects.filter(username="rita").first() or factories.make_user(name="rita")


def teach(gap: Gap, connection: Connection, *, right: int = 10, asked: int = 10) -> None:
    TeacherCheck.objects.create(
        project=gap.project,
        connection=connection,
        submission_uuid=gap.project.uuid,
        asked=asked,
        answered=asked,
        right=right,
    )


GOOD = [RecordStatus.ACCEPTED] * 21
BAD = [RecordStatus.REJECTED] * 3


def test_a_large_run_is_held_and_says_what_opens_it(
    gap: Gap, version: PromptVersion, connection: Connection
) -> None:
    with pytest.raises(RefusedError) as held:
        start_run(run=draft(gap, version, connection), actor=None)
    teacher, pilot = held.value.problems
    assert "has not been asked yet" in teacher
    assert "Undecided: 0 of 0" in pilot
    assert "review 21 or more" in pilot


def test_a_pilot_sized_run_the_offline_generator_and_a_passed_one_start(
    gap: Gap, version: PromptVersion, connection: Connection
) -> None:
    assert start_run(run=draft(gap, version, connection, 150), actor=None).status == RunStatus.RUNNING
    assert gates_of(make_run(gap, count=5_000)) == []
    teach(gap, connection)
    review(gap, version, connection, GOOD)
    assert start_run(run=draft(gap, version, connection), actor=None).status == RunStatus.RUNNING


def test_a_failed_pilot_stays_failed_whatever_is_accepted_later(
    gap: Gap, version: PromptVersion, connection: Connection
) -> None:
    teach(gap, connection)
    review(gap, version, connection, BAD + GOOD + GOOD)
    with pytest.raises(RefusedError) as held:
        start_run(run=draft(gap, version, connection), actor=None)
    assert "Failed: 3 of 3" in held.value.problems[0]


def test_the_pilot_counts_people_alone_and_this_prompt_and_model_alone(
    gap: Gap, version: PromptVersion, connection: Connection
) -> None:
    review(gap, version, connection, GOOD)
    Record.objects.filter(prompt_version=version.label).update(review_method=ReviewMethod.BULK)
    assert pilot_sample(version, connection).reviewed == 0
    other = create_prompt(
        project=gap.project, name="other", template=TEMPLATE, language=PromptLanguage.JINJA, actor=None
    )
    assert pilot_sample(other, connection).reviewed == 0


def test_below_the_bar_the_frontier_model_struggles(
    gap: Gap, version: PromptVersion, connection: Connection
) -> None:
    teach(gap, connection, right=7)
    review(gap, version, connection, GOOD)
    with pytest.raises(RefusedError) as held:
        start_run(run=draft(gap, version, connection), actor=None)
    assert "7 of 10 seed rows right" in held.value.problems[0]
    assert "struggles with your task" in held.value.problems[0]


def test_a_written_reason_lets_it_start_and_stays(
    gap: Gap, version: PromptVersion, connection: Connection, lead: User
) -> None:
    run = draft(gap, version, connection)
    give_reason(run=run, reason="The customer waits.", actor=lead)
    run.refresh_from_db()
    started = start_run(run=run, actor=lead)
    assert (started.status, started.gate_reason, started.gate_reason_by) == (
        RunStatus.RUNNING,
        "The customer waits.",
        lead,
    )


def test_the_page_shows_the_gates_takes_the_reason_and_starts_the_check(
    client: Client, gap: Gap, version: PromptVersion, connection: Connection, lead: User
) -> None:
    run = draft(gap, version, connection)
    client.force_login(lead)
    url = reverse("reports:run-detail", args=[gap.project.slug, run.pk])
    page = client.get(url).content.decode()
    assert "Pilot: closed" in page
    assert "Why it may start all the same" in page
    check = reverse("generation:teacher-check", args=[gap.project.slug, run.pk])
    assert client.post(check).status_code == 302
    assert TeacherCheck.objects.get().asked == 3
    reason = reverse("generation:run-reason", args=[gap.project.slug, run.pk])
    assert client.post(reason, {"reason": "  "}).status_code == 409 or run.gate_reason == ""
    client.post(reason, {"reason": "It is urgent."})
    page = client.get(url).content.decode()
    assert "lets it start all the same: It is urgent." in page


def test_the_model_answers_seed_rows_and_is_scored(gap: Gap, rig: Rig, connection: Connection) -> None:
    """The stand-in says some allowed label; what counts is that right and wrong are counted."""
    factories.make_real(gap.project, "a train row that nobody may see", "refund", use=Use.TRAIN)
    check = start_teacher_check(project=gap.project, connection=connection, actor=None)
    submission = Submission.objects.get()
    sent = path_of(submission.request_file).read_text()
    assert "nobody may see" not in sent
    for _ in range(3):
        time_passes()
        work_once("validation")
        work_once("generation")
    check.refresh_from_db()
    assert check.asked == check.answered == rig.server.creates == 3
    assert 0 <= check.right <= 3


def test_rare_labels_are_asked_as_well_as_common_ones(gap: Gap) -> None:
    for number in range(200):
        factories.make_real(gap.project, f"seed {number}", "refund", use=Use.SEED)
    rows = chosen_rows(gap.project)
    assert len(rows) == 100
    assert {row.label for row in rows[:3]} == {"refund", "billing", "abuse"}
