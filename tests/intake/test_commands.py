"""import_real and import_candidates: what they print, and how they end."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from apps.intake.models import Import
from apps.records.models import Record
from apps.specs.models import Project, Standing
from tests import factories

pytestmark = pytest.mark.django_db(databases=["default", "leakage", "holdout"])

MAP = ["--map", "input.text=text", "--map", "output.label=category"]
CANDIDATE: dict[str, Any] = {
    "input": {"text": "please give me the money for the renewal back"},
    "output": {"label": "refund"},
    "generator_provider": "elsewhere",
    "generator_model": "m-1",
    "generator_model_family": "m",
    "prompt_version": "p v1",
}


@pytest.fixture
def project() -> Project:
    project = factories.make_project(name="Ticket router", standing=Standing.SANDBOX)
    factories.make_guide(project, "refund", "billing")
    factories.make_spec(project)
    return project


def run(command: str, *arguments: object) -> str:
    out = StringIO()
    call_command(command, *map(str, arguments), stdout=out)
    return out.getvalue()


def file_of(tmp_path: Path, content: str, name: str = "tickets.csv") -> Path:
    path = tmp_path / name
    path.write_text(content)
    return path


def test_good_rows_come_in_and_the_refused_are_listed(project: Project, tmp_path: Path) -> None:
    path = file_of(tmp_path, "text,category\nwhere is it,refund\n,refund\nsomething,nonsense\n")
    lines = run("import_real", "Ticket router", path, "--role", "train", *MAP).splitlines()
    assert lines == [
        "Imported 1 train rows of tickets.csv into Ticket router: 2 refused.",
        "  line 3: 'text' is empty.",
        "  line 4: The label 'nonsense' is not in label guide v1.",
    ]
    assert Record.objects.get().use == "train"


def test_the_project_may_be_named_by_its_slug(project: Project, tmp_path: Path) -> None:
    path = file_of(tmp_path, "text,category\nwhere is it,refund\n")
    run("import_real", "ticket-router", path, "--role", "seed", *MAP)
    assert Record.objects.get().use == "seed"
    with pytest.raises(CommandError, match="There is: Ticket router"):
        run("import_real", "nothing", path, "--role", "seed", *MAP)


def test_twenty_refused_rows_are_printed_and_all_of_them_with_json(project: Project, tmp_path: Path) -> None:
    path = file_of(tmp_path, "text,category\ngood,refund\n" + ",refund\n" * 30)
    lines = run("import_real", project.slug, path, "--role", "train", *MAP).splitlines()
    assert len(lines) == 22
    assert lines[-1] == "  … and 10 more (all of them with --json)"
    path = file_of(tmp_path, "text,category\nanother good one,refund\n" + ",refund\n" * 30)
    outcome = json.loads(run("import_real", project.slug, path, "--role", "train", "--json", *MAP))
    assert (outcome["imported"], len(outcome["refused"]), outcome["role"]) == (1, 30, "train")
    assert outcome["refused"][0] == {"line": 3, "reason": "'text' is empty."}


def test_strict_imports_nothing_when_a_row_is_refused(project: Project, tmp_path: Path) -> None:
    path = file_of(tmp_path, "text,category\ngood,refund\n,refund\n")
    with pytest.raises(CommandError, match=r"1 rows are refused(.|\n)*line 3: 'text' is empty"):
        run("import_real", project.slug, path, "--role", "train", "--strict", *MAP)
    assert not Record.objects.exists()
    assert not Import.objects.exists()


def test_a_file_of_which_nothing_is_left_ends_in_an_error(project: Project, tmp_path: Path) -> None:
    path = file_of(tmp_path, "text,category\n,refund\n")
    with pytest.raises(CommandError, match="No row of tickets"):
        run("import_real", project.slug, path, "--role", "train", *MAP)
    assert not Import.objects.exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["--role", "train", "--map", "input.text=words", "--map", "output.label=category"],
            "no column 'words'",
        ),
        (["--role", "train", "--map", "input.text"], "write TARGET=COLUMN"),
        (["--role", "holdout", "--drop-near", *MAP], "--drop-near is for seed and train rows"),
    ],
)
def test_mistakes_are_named(project: Project, tmp_path: Path, arguments: list[str], message: str) -> None:
    path = file_of(tmp_path, "text,category\ngood,refund\n")
    with pytest.raises(CommandError, match=message):
        run("import_real", project.slug, path, *arguments)


def test_a_missing_file_is_named(project: Project, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"Cannot read .*nowhere\.csv: No such file"):
        run("import_real", project.slug, tmp_path / "nowhere.csv", "--role", "train", *MAP)


def test_holdout_then_train_refuses_the_same_text_and_drops_near_rows_on_request(
    project: Project, tmp_path: Path
) -> None:
    holdout = file_of(
        tmp_path, "text,category\nI was charged twice. What should I do now?,refund\n", "holdout.csv"
    )
    assert "Imported 1 holdout rows" in run("import_real", project.slug, holdout, "--role", "holdout", *MAP)
    train = file_of(
        tmp_path,
        "text,category\n"
        "i was charged TWICE. what should i do now?,refund\n"
        "My phone fell into the sea. What should I do now?,refund\n"
        "please send me the invoice,billing\n",
    )
    lines = run("import_real", project.slug, train, "--role", "train", "--drop-near", *MAP).splitlines()
    assert lines == [
        "Imported 1 train rows of tickets.csv into Ticket router: 1 refused, "
        "1 nearly like a holdout row (left out).",
        "  line 2: The same text stands in the holdout (up to case).",
    ]


def test_candidates_are_imported_and_checked(project: Project, tmp_path: Path) -> None:
    factories.make_gap(project, name="refund gap")
    dropped = CANDIDATE | {"input": {"text": "a ticket with a wrong label"}, "output": {"label": "nonsense"}}
    content = "\n".join([json.dumps(CANDIDATE), json.dumps(dropped), '{"input": 1}'])
    path = file_of(tmp_path, content, "candidates.jsonl")
    out = run("import_candidates", project.slug, path, "--gap", "refund gap", "--origin", "a vendor")
    assert "Imported 2 candidates of candidates.jsonl" in out
    assert "Checked: 1 wait for review, 1 were dropped by the checks." in out
    assert "line 3: 'input' must be an object." in out
    assert set(Record.objects.values_list("status", flat=True)) == {"awaiting_review", "failed_checks"}
    assert Import.objects.get().origin == "a vendor"


def test_candidates_of_a_governed_project_that_is_not_ready_say_what_to_do_first(tmp_path: Path) -> None:
    project = factories.make_project()
    gap = factories.make_gap(project)
    path = file_of(tmp_path, json.dumps(CANDIDATE), "candidates.jsonl")
    with pytest.raises(CommandError, match="import one and freeze it"):
        run("import_candidates", project.slug, path, "--gap", gap.name)
    with pytest.raises(CommandError, match="has no gap"):
        run("import_candidates", project.slug, path, "--gap", "another")
