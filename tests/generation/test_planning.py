"""What is asked, of whom, with which seeds; and what never leaves this machine."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from apps.core.strict_json import loads_line
from apps.generation import planning
from apps.generation.jobs.generate import SEEDS_PER_REQUEST
from apps.generation.models import Run, RunStatus
from apps.generation.planning import plan_run
from apps.generation.services import stop_run
from apps.records.models import Record, Use
from apps.specs.models import Gap
from apps.submissions.models import Submission, SubmissionStatus
from apps.submissions.request_files import freeze, path_of
from tests import factories
from tests.generation.scene import SEEDS, make_prompt, make_ready_project, make_run, start, time_passes

pytestmark = pytest.mark.django_db

SEEDS_ONLY = "labels: {}\nnoise: {}"


@pytest.fixture
def gap() -> Gap:
    return make_ready_project(
        labels=("refund", "billing"), axes={"tone": ["angry", "polite"]}, realism=["typos"]
    )


def planned(gap: Gap, **values: Any) -> Run:
    run = start(gap, **values)
    plan_run(run.pk)
    run.refresh_from_db()
    return run


def lines_of(run: Run) -> list[dict[str, Any]]:
    return [
        loads_line(line)["request"]  # type: ignore[index,call-overload,misc]
        for submission in Submission.objects.of_run(run.uuid).order_by("id")
        for line in path_of(submission.request_file).read_bytes().splitlines()
    ]


def test_a_started_run_becomes_submissions_with_every_request_written_down(gap: Gap) -> None:
    run = planned(gap, count=40)
    submission = Submission.objects.get()
    assert run.planned_at is not None
    assert (submission.status, submission.purpose, submission.run_uuid) == (
        SubmissionStatus.INTENT,
        "generate",
        run.uuid,
    )
    assert submission.requests.count() == submission.request_count == len(lines_of(run))
    assert sum(line["count"] for line in lines_of(run)) == 40


def test_a_large_run_is_cut_by_the_provider_s_limits(gap: Gap) -> None:
    planned(gap, count=10_010)
    assert list(Submission.objects.order_by("id").values_list("request_count", flat=True)) == [334, 334, 334]


def test_axes_and_realism_of_the_gap_reach_the_request_and_its_context(gap: Gap) -> None:
    run = planned(gap, count=40)
    assert Counter(line["axes"]["tone"] for line in lines_of(run)) == {"angry": 2, "polite": 2}
    assert all(line["realism"] == ["typos"] for line in lines_of(run))
    contexts = Submission.objects.get().requests.order_by("id").values_list("context", flat=True)
    assert [context["axes"] for context in contexts] == [line["axes"] for line in lines_of(run)]


def test_only_seed_rows_of_the_label_are_shown(gap: Gap) -> None:
    run = planned(gap, prompt=make_prompt(gap.project, template=SEEDS_ONLY))
    assert {(line["label"], *line["seeds"]) for line in lines_of(run)} == {
        ("refund", SEEDS["refund"]),
        ("billing", SEEDS["billing"]),
    }


def test_a_train_row_s_text_never_enters_a_request(gap: Gap) -> None:
    for number in range(30):
        factories.make_real(gap.project, f"CANARY train row {number}", "refund", use=Use.TRAIN)
    other = factories.make_project()
    factories.make_real(other, "CANARY seed of another project", "refund", use=Use.SEED)
    factories.make_candidate(gap, "CANARY candidate")
    planned(gap, count=100, prompt=make_prompt(gap.project, template=SEEDS_ONLY))
    (submission,) = Submission.objects.all()
    assert "CANARY" not in path_of(submission.request_file).read_text()


def test_seeds_are_their_records_provenance_only_where_they_were_shown(gap: Gap) -> None:
    planned(gap)
    seeds = {
        record.label: [str(record.uuid)] for record in Record.objects.filter(project=gap.project).seeds()
    }
    shown = {
        (request.context["label"], *request.context["seed_uuids"])
        for request in Submission.objects.get().requests.all()
    }
    assert shown == {("refund",), ("billing", *seeds["billing"])}, "refund has phrases, billing has none"


def test_many_seeds_are_shown_block_by_block(gap: Gap) -> None:
    for number in range(30):
        factories.make_real(gap.project, f"seed number {number}", "refund", use=Use.SEED)
    run = planned(gap, count=200, prompt=make_prompt(gap.project, template=SEEDS_ONLY))
    blocks = [tuple(line["seeds"]) for line in lines_of(run) if line["label"] == "refund"]
    assert all(len(block) <= SEEDS_PER_REQUEST for block in blocks)
    assert len(set(blocks)) == 3
    assert len({seed for block in blocks for seed in block}) == 31


def test_planning_twice_plans_once(gap: Gap) -> None:
    run = planned(gap)
    Run.objects.update(next_attempt_at=run.started_at)
    plan_run(run.pk)
    assert Submission.objects.count() == 1


def test_of_two_planners_one_commits_and_the_other_leaves_no_file(
    gap: Gap, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    run = start(gap)

    def plan_in_between(*args: Any, **options: Any) -> Any:
        monkeypatch.undo()
        time_passes()
        plan_run(run.pk)
        return freeze(*args, **options)

    monkeypatch.setattr(planning, "freeze", plan_in_between)
    plan_run(run.pk)
    assert Submission.objects.count() == 1
    assert len(list((settings.FILES_DIR / "submissions").iterdir())) == 1


def test_a_run_that_was_stopped_is_not_planned(gap: Gap) -> None:
    run = start(gap)
    stop_run(run=run, actor=None)
    plan_run(run.pk)
    assert not Submission.objects.exists()


def test_what_goes_wrong_in_planning_is_written_on_the_run(gap: Gap) -> None:
    run = make_run(gap)
    Gap.objects.filter(pk=gap.pk).update(target_labels=["refund", "abuse", "nothing known of this"])
    Run.objects.filter(pk=run.pk).update(
        status=RunStatus.RUNNING, started_at=run.created_at, next_attempt_at=run.created_at
    )
    plan_run(run.pk)
    run.refresh_from_db()
    assert (run.planned_at, run.attempts) == (None, 1)
    assert "nothing to make 'nothing known of this' from" in run.last_error
    assert not Submission.objects.exists()
