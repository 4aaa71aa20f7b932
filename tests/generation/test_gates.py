"""A large run of a network generator is held until its pilot and its teacher check have passed, or a lead says why."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps.accounts.models import User
from apps.core.errors import DomainError, RefusedError
from apps.generation.gates import gates_of, give_reason, pilot_sample, pilot_states
from apps.generation.models import PromptLanguage, PromptRole, PromptVersion, Run, RunStatus, TeacherCheck
from apps.generation.prompts import create_prompt
from apps.generation.services import draft_run, start_run
from apps.records.models import Record, ReviewMethod
from apps.records.states import RecordStatus
from apps.specs.models import Gap, Role
from apps.submissions.connections import save_connection
from apps.submissions.models import Connection
from apps.submissions.services import ensure_rules_connection
from tests import factories
from tests.generation.scene import make_ready_project, make_run
from tests.providers.matrix import TEMPLATE, worker_environment
from tests.providers.rigs import RIGS, Rig
from tests.submissions.scene import make_submission

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
            f"pilot {number} {status} {connection}",
            generator_provider=connection.provider,
            generator_model=connection.model,
            prompt_version=version.label,
        )
        Record.objects.filter(pk=record.pk).update(
            status=status, review_method=ReviewMethod.PERSON, reviewer=reviewer(), reviewed_at=timezone.now()
        )


def reviewer() -> User:
    return User.objects.filter(username="rita").first() or factories.make_user(name="rita")


def teach(gap: Gap, connection: Connection, *, right: int = 10, answered: int = 10, **values: Any) -> None:
    """A check of ten questions that has ended."""
    spec = gap.project.published_spec()
    submission = make_submission(
        gap.project,
        connection=ensure_rules_connection(),
        purpose="teacher_check",
        finished_at=timezone.now(),
    )
    TeacherCheck.objects.create(
        **{
            "project": gap.project,
            "connection": connection,
            "model": connection.model,
            "submission_uuid": submission.uuid,
            "spec_version": spec.version if spec else None,
            "asked": 10,
            "answered": answered,
            "right": right,
            **values,
        }
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


def test_the_prompt_s_page_says_how_far_its_pilots_are(
    client: Client, gap: Gap, version: PromptVersion, connection: Connection, lead: User
) -> None:
    review(gap, version, connection, [*BAD, *GOOD])
    other = save_connection(name="other", provider_key="anthropic", model="claude-sonnet-5")
    review(gap, version, other, GOOD[:10])
    assert {
        state.model: (state.sample.verdict, state.more_needed)
        for state in pilot_states(gap.project, [version.label])[version.label]
    } == {connection.model: ("refused", 0), other.model: ("undecided", 11)}
    client.force_login(lead)
    page = client.get(reverse("generation:prompt-detail", args=[gap.project.slug, version.prompt_id]))
    assert f"{connection.model}: failed, 3 of 3 rejected" in page.content.decode()
    assert "claude-sonnet-5: undecided, 0 of 10 rejected; 11 or more to review" in page.content.decode()


def test_what_the_offline_generator_made_is_no_pilot(gap: Gap) -> None:
    run = make_run(gap)
    review(gap, run.prompt_version, run.connection, GOOD)
    assert pilot_states(gap.project, [run.prompt_version.label]) == {}


def test_a_written_reason_opens_its_own_gate_alone_and_stays(
    gap: Gap, version: PromptVersion, connection: Connection, lead: User
) -> None:
    run = draft(gap, version, connection)
    give_reason(run=run, gate="teacher", reason="It is the model we know.", actor=lead)
    run.refresh_from_db()
    with pytest.raises(RefusedError) as held:
        start_run(run=run, actor=lead)
    assert [problem.split(":")[0] for problem in held.value.problems] == ["Pilot"]
    give_reason(run=run, gate="pilot", reason="The customer waits.", actor=lead)
    run.refresh_from_db()
    started = start_run(run=run, actor=lead)
    assert (started.status, started.pilot_reason, started.pilot_reason_by) == (
        RunStatus.RUNNING,
        "The customer waits.",
        lead,
    )


def test_nobody_writes_a_reason_ahead(
    gap: Gap, version: PromptVersion, connection: Connection, lead: User
) -> None:
    teach(gap, connection)
    with pytest.raises(DomainError, match="does not hold this run"):
        give_reason(run=draft(gap, version, connection), gate="teacher", reason="Just in case.", actor=lead)
    with pytest.raises(DomainError, match="does not hold this run"):
        give_reason(run=draft(gap, version, connection, 150), gate="pilot", reason="Small.", actor=lead)


@pytest.mark.parametrize("role", [PromptRole.LABEL, PromptRole.REPAIR, PromptRole.PARAPHRASE])
def test_whatever_makes_records_is_held(
    role: PromptRole, gap: Gap, version: PromptVersion, connection: Connection
) -> None:
    run = draft(gap, version, connection)
    run.prompt_version.prompt.role = role
    assert len(gates_of(run)) == 2


def test_what_makes_no_records_is_not_held(gap: Gap, version: PromptVersion, connection: Connection) -> None:
    run = draft(gap, version, connection)
    run.prompt_version.prompt.role = PromptRole.EDGE_CASES
    assert gates_of(run) == []


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
    assert "It has answered 0 of 3 seed rows." in client.get(url).content.decode()
    reason = reverse("generation:run-reason", args=[gap.project.slug, run.pk])
    client.post(reason, {"gate": "pilot", "reason": "  "})
    run.refresh_from_db()
    assert run.pilot_reason == ""
    client.post(reason, {"gate": "pilot", "reason": "It is urgent."})
    page = client.get(url).content.decode()
    assert "lets it start all the same: It is urgent." in page
    assert 'value="teacher"' in page
    assert 'value="pilot"' not in page
