"""An estimate before anything starts, one start for two people, a stop that stops."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.db import connections

from apps.core.errors import DomainError, RefusedError, StaleStateError
from apps.generation.models import MACHINE, Prompt, PromptLanguage, PromptRole, Run, RunStatus
from apps.generation.planning import plan_run
from apps.generation.selectors import to_finish, to_plan
from apps.generation.services import AlreadyStartedError, draft_run, finish_run, start_run, stop_run
from apps.operations.work import drain
from apps.records.models import Record, Use
from apps.specs.models import Gap, GapStatus, Standing
from apps.submissions.models import Budget, Connection, Submission, SubmissionStatus
from apps.submissions.services import ensure_rules_connection
from tests import factories
from tests.generation.scene import make_prompt, make_ready_project, make_run, start

pytestmark = pytest.mark.django_db(databases=["default", "leakage", "holdout"])


@pytest.fixture
def gap() -> Gap:
    return make_ready_project()


def test_a_draft_shows_what_it_would_ask_for_and_asks_for_nothing(gap: Gap) -> None:
    run = make_run(gap, count=25)
    estimate = run.estimate
    assert run.status == RunStatus.ESTIMATED
    assert (estimate["records"], estimate["requests"], estimate["submissions"]) == (25, 3, 1)
    assert (estimate["money"], estimate["currency"]) == ("0", "USD")
    assert estimate["seconds"] >= 1
    assert not Submission.objects.exists()
    assert to_plan() == []


@pytest.mark.parametrize(("cap", "is_started"), [(None, True), (100, False)])
def test_under_a_cap_a_run_of_unknown_price_does_not_start(
    gap: Gap, cap: int | None, *, is_started: bool
) -> None:
    run = make_run(gap)
    run.estimate |= {"price": {}}
    run.save()
    Budget.objects.create(project=gap.project, month_cap=cap)
    if is_started:
        assert start_run(run=run, actor=None).status == RunStatus.RUNNING
        return
    with pytest.raises(RefusedError, match="Nobody knows what this costs"):
        start_run(run=run, actor=None)


def test_each_run_has_a_seed_of_its_own_unless_one_is_given(gap: Gap) -> None:
    prompt = make_prompt(gap.project)
    first, second = make_run(gap, prompt=prompt), make_run(gap, prompt=prompt)
    assert first.seed != second.seed
    assert make_run(gap, prompt=prompt, seed=0).seed == 0


def test_a_label_with_neither_phrases_nor_seeds_is_named_with_the_remedy() -> None:
    project = factories.make_project()
    factories.make_real(project, "a train row is no seed", "refund", use=Use.TRAIN)
    with pytest.raises(DomainError, match=r"nothing to make 'refund' from.*Add patterns.*as seed"):
        make_run(factories.make_gap(project), prompt=make_prompt(project, template="labels: {}"))


def test_parts_that_do_not_fit_together_are_refused(gap: Gap) -> None:
    prompt = make_prompt(gap.project)
    other = make_prompt(factories.make_project())
    with pytest.raises(DomainError, match="belongs to another project"):
        make_run(gap, prompt=other)
    with pytest.raises(DomainError, match="1 to 1,000,000 records, not 0"):
        make_run(gap, prompt=prompt, count=0)
    Prompt.objects.update(role=PromptRole.JUDGE)
    prompt.prompt.refresh_from_db()
    with pytest.raises(DomainError, match="not for runs"):
        make_run(gap, prompt=prompt)
    Prompt.objects.update(role=PromptRole.GENERATE, language=PromptLanguage.JINJA)
    prompt.prompt.refresh_from_db()
    with pytest.raises(DomainError, match="reads prompts written as phrases"):
        make_run(gap, prompt=prompt)
    assert not Run.objects.exists()


def test_a_switched_off_connection_is_not_offered_a_run(gap: Gap) -> None:
    connection = ensure_rules_connection()
    Connection.objects.update(is_enabled=False)
    connection.refresh_from_db()
    with pytest.raises(DomainError, match="switched off"):
        draft_run(
            gap=gap, prompt_version=make_prompt(gap.project), connection=connection, count=1, actor=None
        )


def test_a_governed_project_is_told_everything_that_is_missing() -> None:
    project = factories.make_project()
    gap = factories.make_gap(project, status=GapStatus.DRAFT)
    run = make_run(gap)
    with pytest.raises(RefusedError, match="cannot start yet") as caught:
        start_run(run=run, actor=None)
    assert [problem.split(":")[0] for problem in caught.value.problems] == [
        "holdout",
        "spec",
        "label guide",
        "gap",
    ]
    run.refresh_from_db()
    assert run.status == RunStatus.ESTIMATED


def test_without_a_frozen_holdout_nothing_is_generated() -> None:
    run = make_run(make_ready_project(is_sealed=False))
    with pytest.raises(RefusedError) as caught:
        start_run(run=run, actor=None)
    (problem,) = caught.value.problems
    assert problem.startswith("holdout: none is frozen yet")


def test_a_sandbox_may_start_without_a_holdout() -> None:
    gap = make_ready_project(standing=Standing.SANDBOX, is_sealed=False, status=GapStatus.DRAFT)
    assert start(gap).status == RunStatus.RUNNING


@pytest.mark.parametrize("standing", Standing.values)
def test_a_closed_gap_gets_no_more_runs(standing: str) -> None:
    run = make_run(make_ready_project(standing=standing, status=GapStatus.CLOSED))
    with pytest.raises(RefusedError, match="cannot start yet"):
        start_run(run=run, actor=None)


def test_the_second_press_on_run_is_told_that_it_runs(gap: Gap) -> None:
    run = make_run(gap)
    start_run(run=Run.objects.get(pk=run.pk), actor=None)
    with pytest.raises(AlreadyStartedError, match="was started already"):
        start_run(run=run, actor=None)
    plan_run(run.pk)
    assert Submission.objects.count() == 1


def at_once(call: Callable[[], str], times: int) -> list[str]:
    ready = Barrier(times)

    def press(_: int) -> str:
        ready.wait()
        try:
            return call()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(times) as pool:
        return sorted(pool.map(press, range(times)))


@pytest.mark.django_db(transaction=True)
def test_two_leads_and_six_impatient_fingers_start_one_run() -> None:
    run = make_run(make_ready_project())

    def press() -> str:
        try:
            start_run(run=Run.objects.select_related("project", "gap").get(pk=run.pk), actor=None)
        except AlreadyStartedError:
            return "already"
        return "started"

    assert at_once(press, 8) == ["already"] * 7 + ["started"]


@pytest.mark.django_db(transaction=True)
def test_without_the_compare_and_swap_each_press_starts_it() -> None:
    """The negative control of the test above."""
    run = make_run(make_ready_project())
    everybody_has_looked = Barrier(4)

    def press() -> str:
        looked = Run.objects.get(pk=run.pk)
        everybody_has_looked.wait()
        if looked.status == RunStatus.ESTIMATED:
            Run.objects.filter(pk=run.pk).update(status=RunStatus.RUNNING)
            return "started"
        return "already"

    assert at_once(press, 4) == ["started"] * 4


def test_a_thrown_away_draft_cannot_start(gap: Gap) -> None:
    run = make_run(gap)
    stop_run(run=run, actor=None)
    with pytest.raises(StaleStateError, match="no longer estimated"):
        start_run(run=Run.objects.get(pk=run.pk), actor=None)


def test_a_stop_drops_what_was_not_sent(gap: Gap) -> None:
    person = factories.make_user(name="lena")
    run = start(gap)
    plan_run(run.pk)
    stopped = stop_run(run=Run.objects.get(pk=run.pk), actor=person)
    assert (stopped.status, stopped.last_error) == (RunStatus.STOPPED, "Stopped by lena.")
    assert Submission.objects.get().status == SubmissionStatus.CANCELLED
    drain()
    assert not Record.objects.candidates().exists()


@pytest.mark.parametrize("status", [RunStatus.DONE, RunStatus.STOPPED])
def test_what_has_ended_cannot_be_stopped(gap: Gap, status: str) -> None:
    run = make_run(gap)
    Run.objects.update(status=status)
    with pytest.raises(StaleStateError):
        stop_run(run=Run.objects.get(pk=run.pk), actor=None)


def test_a_run_is_done_when_every_submission_has_ended(gap: Gap) -> None:
    run = start(gap)
    plan_run(run.pk)
    finish_run(run.pk)
    assert to_finish() == []
    Submission.objects.update(status=SubmissionStatus.FAILED)
    assert to_finish() == [run.pk]
    finish_run(run.pk)
    run.refresh_from_db()
    assert run.status == RunStatus.DONE
    assert run.finished_at is not None


def test_the_whole_way_gives_records_with_all_their_provenance(gap: Gap) -> None:
    Gap.objects.update(axes={"tone": ["angry", "polite"]})
    gap.refresh_from_db()
    run = start(gap, count=30, seed=4)
    drain()
    run.refresh_from_db()
    submission = Submission.objects.get()
    records = list(Record.objects.filter(run_uuid=run.uuid))
    assert (run.status, submission.post_count, len(records)) == (RunStatus.DONE, 1, 30)
    for record in records:
        assert record.gap == gap
        assert record.label == "refund"
        assert (record.source_type, record.generator_provider) == ("synthetic", "rules")
        assert (record.generator_model, record.generator_model_family) == ("rules-1", "rules")
        assert (record.prompt_version, record.schema_version) == ("tickets v1", 1)
        assert record.submission_uuid == submission.uuid
        assert record.request_id.startswith(submission.nonce)
        assert record.axes["tone"] in {"angry", "polite"}
        assert record.seed_uuids == []
    assert len({(record.request_id, record.position) for record in records}) == 30
    assert len({record.canonical_hash for record in records}) == 30


def test_the_same_seed_gives_the_same_records(gap: Gap) -> None:
    def texts_of(**values: Any) -> list[str]:
        run = start(gap, **values)
        drain()
        return list(
            Record.objects.filter(run_uuid=run.uuid).order_by("id").values_list("input__text", flat=True)
        )

    prompt = make_prompt(gap.project)
    first = texts_of(prompt=prompt, seed=5)
    assert texts_of(prompt=prompt, seed=5) == first
    assert texts_of(prompt=prompt, seed=6) != first


@pytest.mark.parametrize(("old", "moves"), MACHINE.moves.items())
def test_a_run_moves_as_its_machine_says(gap: Gap, old: str, moves: frozenset[str]) -> None:
    run = make_run(gap)
    for new in RunStatus.values:
        Run.objects.filter(pk=run.pk).update(status=old)
        if new in moves:
            MACHINE.swap(Run.objects.filter(pk=run.pk), old=old, new=new)
        else:
            with pytest.raises(StaleStateError):
                MACHINE.swap(Run.objects.filter(pk=run.pk), old=old, new=new)
        assert Run.objects.get().status == (new if new in moves else old)
