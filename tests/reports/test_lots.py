"""A lead puts a lot under a plan, sees how it decides, and lifts the pause of a prompt."""

from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from apps.core.errors import RefusedError
from apps.core.statistics.sequential import Plan
from apps.generation.models import PromptPause
from apps.generation.pauses import pause_prompt
from apps.generation.services import start_run
from apps.reports.lots import characteristic
from apps.review.models import Action, Lot, ReviewTask
from apps.review.plan_models import PlanKind, PlanStatus, SamplingPlan
from apps.review.plans import advance_plan
from apps.specs.models import Role
from tests import factories
from tests.generation.scene import make_ready_project, make_run
from tests.review.scene import Scene, make_scene

pytestmark = pytest.mark.django_db(databases=["default", "leakage", "holdout"])

CHOICE = {"kind": "sequential", "good": "5", "poor": "15", "risk_share": "", "share": ""}


@pytest.fixture
def scene() -> Scene:
    return make_scene()


@pytest.fixture
def lead(scene: Scene, client: Client) -> Client:
    client.force_login(factories.make_member(scene.project, Role.LEAD))
    return client


def go_on(times: int = 4) -> SamplingPlan:
    for _ in range(times):
        SamplingPlan.objects.exclude(next_attempt_at=None).update(next_attempt_at=timezone.now())
        advance_plan(SamplingPlan.objects.get().pk)
    return SamplingPlan.objects.get()


def address(scene: Scene, name: str, *args: object) -> str:
    return reverse(f"reports:{name}", args=[scene.project.slug, *args])


def test_a_lead_sees_how_a_plan_decides_and_begins_it(scene: Scene, lead: Client) -> None:
    scene.add_waiting(40)
    lot = Lot.objects.get()
    assert "p v1 × rules-1" in lead.get(address(scene, "lot-list")).content.decode()
    detail = address(scene, "lot-detail", lot.pk)
    assert "40 records wait here" in lead.get(detail).content.decode()
    body = lead.get(detail, CHOICE).content.decode()
    assert "How often it accepts a lot" in body
    assert "Begin with 40 records" in body
    body = lead.post(address(scene, "plan-start", lot.pk), CHOICE, follow=True).content.decode()
    assert "setting records aside" in body
    go_on()
    body = lead.get(detail).content.decode()
    assert "Undecided: 21 more good records in a row would let the lot pass." in body
    assert "Put it under a plan" not in body
    for _ in range(3):
        scene.decide(scene.claim_one(), Action.REJECTED)
    go_on()
    body = lead.get(detail).content.decode()
    assert "at most" in body
    assert str(SamplingPlan.objects.get().seed) in body


def test_a_plan_that_cannot_be_is_answered_on_the_form(scene: Scene, lead: Client) -> None:
    scene.add_waiting(3)
    start = address(scene, "plan-start", Lot.objects.get().pk)
    answer = lead.post(start, CHOICE)
    assert answer.status_code == 422
    assert "review them all" in answer.content.decode()
    answer = lead.post(start, CHOICE | {"kind": "share"})
    assert answer.status_code == 422
    assert "Say which share." in answer.content.decode()
    answer = lead.post(start, CHOICE | {"poor": "4"})
    assert "More than the share that is fine." in answer.content.decode()
    assert not SamplingPlan.objects.exists()


def test_a_lead_stops_a_plan(scene: Scene, lead: Client) -> None:
    scene.add_waiting(40)
    lead.post(address(scene, "plan-start", Lot.objects.get().pk), CHOICE)
    plan = go_on()
    body = lead.post(address(scene, "plan-stop", plan.pk), follow=True).content.decode()
    assert "Stopped." in body
    assert go_on().status == PlanStatus.RETURNED


def test_a_manager_looks_and_changes_nothing(scene: Scene, client: Client) -> None:
    scene.add_waiting(40)
    lot = Lot.objects.get()
    client.force_login(factories.make_member(scene.project, Role.MANAGER))
    body = client.get(address(scene, "lot-detail", lot.pk), CHOICE).content.decode()
    assert "Begin with" not in body
    assert client.post(address(scene, "plan-start", lot.pk), CHOICE).status_code == 403


def test_a_lot_of_another_project_is_not_there(scene: Scene, lead: Client) -> None:
    other = make_scene()
    other.add_waiting(1)
    assert lead.get(address(scene, "lot-detail", other.project.lots.get().pk)).status_code == 404


def test_a_paused_prompt_starts_no_run_until_a_lead_lifts_it(client: Client) -> None:
    run = make_run(make_ready_project())
    pause = pause_prompt(
        project=run.project,
        label=run.prompt_version.label,
        model=run.connection.model,
        reason="Its lot was refused.",
    )
    assert pause is not None
    with pytest.raises(RefusedError) as caught:
        start_run(run=run, actor=None)
    assert "Its lot was refused." in " ".join(caught.value.problems)
    client.force_login(factories.make_member(run.project, Role.LEAD))
    of_run = client.get(reverse("reports:run-detail", args=[run.project.slug, run.pk])).content.decode()
    assert "Its lot was refused." in of_run
    lots = reverse("reports:lot-list", args=[run.project.slug])
    assert "Its lot was refused." in client.get(lots).content.decode()
    lift = reverse("reports:pause-lift", args=[run.project.slug, pause.pk])
    assert "why this prompt may run" in client.post(lift, follow=True).content.decode()
    assert "may run with" in client.post(lift, {"because": "mended"}, follow=True).content.decode()
    assert not PromptPause.objects.standing().exists()
    start_run(run=run, actor=None)


def test_the_chart_says_the_numbers() -> None:
    found = characteristic(Plan(), kind=PlanKind.SEQUENTIAL, share=None, population=1)
    rows = {row.share_percent: row for row in found.points}
    assert rows["5.0%"].accepts_percent.startswith("96")
    assert round(rows["5.0%"].reviews) == 42
    assert "5% fine" in found.chart


def test_the_list_costs_the_same_for_more_lots(
    scene: Scene, lead: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    scene.add_waiting(1)
    with django_assert_num_queries(11, using="default"):
        lead.get(address(scene, "lot-list"))
    for number in range(5):
        scene.add_waiting(1, start=10 + number, prompt_version=f"p v{number + 2}")
    with django_assert_num_queries(11, using="default"):
        lead.get(address(scene, "lot-list"))


def test_the_command_begins_a_plan(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    scene.add_waiting(40)
    words = [scene.project.slug, "--prompt", "p v1", "--model", "rules-1"]
    with pytest.raises(CommandError, match="0 open lots"):
        call_command("sample_lot", scene.project.slug, "--prompt", "p v9", "--model", "rules-1")
    call_command("sample_lot", *words, "--share", "0.25", "--seed", "3")
    assert "has set 40 records aside (seed 3)" in capsys.readouterr().out
    assert go_on().status == PlanStatus.SAMPLING
    assert ReviewTask.objects.open().count() == 10


def test_a_lead_begins_the_next_batch_and_lets_later_ones_begin_by_themselves(
    scene: Scene, lead: Client
) -> None:
    scene.add_waiting(40)
    lot = Lot.objects.get()
    detail = address(scene, "lot-detail", lot.pk)
    assert "What came in since" not in lead.get(detail).content.decode()
    lead.post(address(scene, "plan-start", lot.pk), CHOICE | {"kind": "share", "share": "60"})
    go_on()
    for _ in range(24):
        (task,) = scene.claim()
        scene.decide(task)
    go_on()
    scene.add_waiting(30, start=100)
    page = lead.get(detail).content.decode()
    assert "1 passed, 0 refused; the last one passed, so a tenth is enough" in page
    assert "Begin the next plan with 30 records" in page
    follow = address(scene, "batch-follow", lot.pk)
    assert "A batch has 20" in lead.post(follow, {"batch_size": "3"}, follow=True).content.decode()
    assert "whole number" in lead.post(follow, {"batch_size": "x"}, follow=True).content.decode()
    assert "Every 50 records" in lead.post(follow, {"batch_size": "50"}, follow=True).content.decode()
    assert "Later records go to people." in lead.post(follow, follow=True).content.decode()
    begun = lead.post(address(scene, "batch-start", lot.pk), follow=True).content.decode()
    assert "a tenth, because the batches before it passed, 10.0%" in begun
    again = lead.post(address(scene, "batch-start", lot.pk), follow=True).content.decode()
    assert "below 20, review them all" in again or "under a plan already" in again
