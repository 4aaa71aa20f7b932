"""freeze_holdout from the command line, and the walk that engineers script with real public data."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from apps.holdout.models import HoldoutRecord, HoldoutSet
from apps.specs.models import HoldoutSeal, Project
from tests import factories
from tests.holdout.rows import ROWS

pytestmark = pytest.mark.django_db(databases=["default", "leakage", "holdout"])

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"


def run(command: str, *arguments: object) -> str:
    out = StringIO()
    call_command(command, *map(str, arguments), stdout=out)
    return out.getvalue()


def test_freezing_prints_the_hash(collecting: Project) -> None:
    line = run("freeze_holdout", collecting.slug, "--rare", "refund", "--common", "billing", "abuse")
    seal = HoldoutSeal.objects.get()
    assert f"4 rows under {seal.content_hash}" in line
    assert seal.commonness == {"abuse": "common", "billing": "common", "refund": "rare"}


def test_without_common_the_most_frequent_other_labels_of_the_train_rows_are_taken(
    collecting: Project,
) -> None:
    for number in range(3):
        factories.make_real(collecting, f"train row {number}", "refund")
    factories.make_real(collecting, "another train row", "abuse")
    outcome = json.loads(run("freeze_holdout", collecting.slug, "--rare", "refund", "--looks", "2", "--json"))
    assert outcome["commonness"] == {"abuse": "common", "billing": "other", "refund": "rare"}
    assert (outcome["rows"], outcome["alpha_per_look"]) == (4, 0.025)


def test_what_is_missing_is_said_and_nothing_is_frozen(collecting: Project) -> None:
    with pytest.raises(CommandError, match="Rare label 'nothing' is not in label guide v1"):
        run("freeze_holdout", collecting.slug, "--rare", "nothing")
    with pytest.raises(CommandError, match="write ROLE=SHARE"):
        run("freeze_holdout", collecting.slug, "--rare", "refund", "--share", "rare")
    assert HoldoutSet.objects.get().status == "collecting"


def test_overlaps_are_named_and_dropped_on_request(collecting: Project) -> None:
    record = factories.make_real(collecting, ROWS[0][0], "refund")
    with pytest.raises(CommandError, match=rf"row-1 .*train row #{record.pk} \(up to case\)"):
        run("freeze_holdout", collecting.slug, "--rare", "refund")
    outcome = json.loads(
        run("freeze_holdout", collecting.slug, "--rare", "refund", "--drop-overlaps", "--json")
    )
    assert (outcome["rows"], outcome["dropped"]) == (3, 1)


@pytest.fixture
def banking77() -> tuple[Path, Path]:
    """The public files, where they lie beside the repository."""
    files = (DATA / "banking77-train.csv", DATA / "banking77-test.csv")
    if not all(file.exists() for file in files):
        pytest.skip(f"NOT RUN: {DATA} is missing, so the imports were not tried on real data")
    return files


# The six test rows of banking77 that stand in its training file but for case and white space around them.
UP_TO_CASE = {
    "How do I unblock my PIN?",
    "What businesses accept this card?",
    "Where can I use my card?",
    "There are a few transaction that I don't recognize, I think someone managed to get my card details and use it.",
    "At which ATMs can I use this card?",
    "Which cash machines will allow me to change my PIN?",
}


@pytest.mark.one_engine
def test_the_six_rows_of_banking77_that_stand_in_its_train_file_are_refused_up_to_case(
    banking77: tuple[Path, Path],
) -> None:
    train, test = banking77
    project = factories.make_project()
    columns = ["--map", "input.text=text", "--map", "output.label=category", "--json"]
    imported = json.loads(run("import_real", project.slug, train, "--role", "train", *columns))
    assert (imported["imported"], len(imported["refused"])) == (9974, 29)
    outcome = json.loads(run("import_real", project.slug, test, "--role", "holdout", *columns))
    assert (outcome["imported"], len(outcome["refused"])) == (3055, 25)
    refused = {row["line"] for row in outcome["refused"] if row["reason"].endswith("(up to case).")}
    lines = test.read_text(encoding="utf-8").split("\n")
    assert len(refused) == 6
    assert all(any(text in line for line in lines) for text in UP_TO_CASE)
    kept = {row["text"].strip() for row in HoldoutRecord.objects.values_list("input", flat=True)}
    assert not kept & UP_TO_CASE
    assert all(any(text in " ".join(lines[line - 1 : line + 2]) for text in UP_TO_CASE) for line in refused)
