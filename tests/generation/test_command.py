"""``run_generation`` works without a worker and fails loudly when nothing came of it."""

from __future__ import annotations

import json

import pytest
from django.core.management import CommandError, call_command

from apps.generation.models import Run, RunStatus
from apps.records.models import Record
from apps.specs.models import Gap
from apps.submissions.models import Submission
from tests.generation.scene import make_prompt, make_ready_project

pytestmark = pytest.mark.django_db(databases=["default", "leakage", "holdout"])


@pytest.fixture
def gap() -> Gap:
    return make_ready_project()


def run_generation(gap: Gap, *extra: str, prompt: str = "tickets", count: int = 20) -> None:
    arguments = ["--gap", gap.name, "--provider", "rules", "--prompt", prompt, "--count", str(count)]
    call_command("run_generation", gap.project.name, *arguments, *extra)


def test_with_wait_it_returns_when_the_records_are_made_and_checked(
    gap: Gap, capsys: pytest.CaptureFixture[str]
) -> None:
    make_prompt(gap.project)
    run_generation(gap, "--wait")
    output = capsys.readouterr().out
    assert output.count("\n") == 1
    assert "is done: 20 of 20 records, " in output
    assert not Record.objects.filter(status="generated").exists()


def test_json_is_one_object_with_the_counts(gap: Gap, capsys: pytest.CaptureFixture[str]) -> None:
    make_prompt(gap.project)
    run_generation(gap, "--wait", "--json", "--seed", "3")
    result = json.loads(capsys.readouterr().out)
    run = Run.objects.get()
    assert (run.seed, result["run"], result["status"], result["made"]) == (3, run.pk, "done", 20)
    assert sum(result["records"].values()) == 20
    assert result["submissions"] == {"done": 1}


def test_without_wait_it_leaves_the_work_to_the_workers(gap: Gap, capsys: pytest.CaptureFixture[str]) -> None:
    make_prompt(gap.project)
    run_generation(gap)
    assert "The workers will make them" in capsys.readouterr().out
    assert Run.objects.get().status == RunStatus.RUNNING
    assert not Submission.objects.exists()


def test_a_new_prompt_name_recombines_the_seeds(gap: Gap) -> None:
    run_generation(gap, "--wait", prompt="from seeds")
    assert {record.prompt_version for record in Record.objects.candidates()} == {"from seeds v1"}
    assert all(record.seed_uuids for record in Record.objects.candidates())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nothing", "--gap", "g", "--prompt", "p", "--count", "1"], "no project 'nothing'"),
        (["PROJECT", "--gap", "g", "--prompt", "p", "--count", "1"], "has no gap 'g'"),
        (["PROJECT", "--gap", "GAP", "--prompt", "p", "--count", "0"], "1 to 1,000,000 records"),
        (["PROJECT", "--gap", "GAP", "--prompt", "p", "--count", "1", "--provider", "x"], "no provider 'x'"),
    ],
)
def test_a_mistake_is_one_line_and_an_error(gap: Gap, arguments: list[str], message: str) -> None:
    names = {"PROJECT": gap.project.name, "GAP": gap.name}
    with pytest.raises(CommandError, match=message):
        call_command("run_generation", *(names.get(argument, argument) for argument in arguments))


def test_a_project_without_holdout_is_told_what_is_missing() -> None:
    gap = make_ready_project(is_sealed=False)
    with pytest.raises(CommandError, match=r"cannot start yet[\s\S]*holdout: none is frozen yet"):
        run_generation(gap, "--wait")
