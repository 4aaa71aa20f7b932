"""evaluate, build_release and launch_report, as a script calls them."""

from __future__ import annotations

import hashlib
import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from apps.evaluation.models import Comparison
from apps.records.services import move_records
from apps.records.states import RecordStatus
from apps.review.bulk import bulk_decide
from apps.specs.models import Standing
from tests import factories
from tests.evaluation.scene import DATABASES, Court, make_court, sentence

pytestmark = pytest.mark.django_db(databases=DATABASES)

SMALL = {"refund": 40, "billing": 60, "abuse": 10}


@pytest.fixture
def court(db: None) -> Court:
    court = make_court(rows=SMALL)
    court.add_train_rows(refund=2, billing=9, abuse=6)
    return court


def command(name: str, *arguments: object, **options: Any) -> str:
    out = StringIO()
    call_command(name, *map(str, arguments), stdout=out, **options)
    return out.getvalue()


def as_json(name: str, *arguments: object) -> Any:
    return json.loads(command(name, *arguments, "--json"))


def accept_in_bulk(court: Court, count: int = 10) -> None:
    records = [
        factories.make_candidate(court.gap, sentence("refund", n, "you took my money")) for n in range(count)
    ]
    now = records[0].created_at
    move_records(records=records, to=RecordStatus.AWAITING_REVIEW, actor=None, due_at=now)
    bulk_decide(project=court.project, actor=court.lead)


def test_release_evaluate_and_launch_report_in_a_row(court: Court, tmp_path: Path) -> None:
    accept_in_bulk(court)
    release = as_json("build_release", court.project.slug, "--out", tmp_path / "out", "--admit", "bulk,lot")
    data = (tmp_path / "out" / "dataset.jsonl").read_bytes()
    assert release["content_hash"] == hashlib.sha256(data).hexdigest()
    assert release["records"] == 27 == len(data.splitlines())
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "dataset.jsonl",
        "training.jsonl",
        "manifest.json",
        "card.md",
    }

    evaluation = as_json("evaluate", court.project.slug, "--learner", "--folds", "2")
    assert list(evaluation["arms"]) == ["real", "control", "synthetic", "blended"]
    for scores in evaluation["arms"].values():
        assert scores["scored_on"] == "cross-validation on real rows"
        assert scores["overall"]["n"] == 17
        assert {"name", "role", "n", "recall", "f1"} <= set(scores["slices"][0])

    report = as_json(
        "launch_report", court.project.slug,
        "--baseline", "real", "--control", "control", "--candidate", "blended",
    )  # fmt: skip
    assert report["verdict"] in {"SHIP", "DO_NOT_SHIP", "NOT_PROVEN"}
    assert {"verdict", "reasons", "gates", "overall", "slices"} <= set(report)
    assert {"name", "role", "n", "baseline", "candidate", "fixed", "broken"} <= set(report["slices"][0])
    assert report["trained_on"]["candidate"]["releases"] == [1]


def test_without_json_each_says_what_it_did_in_one_line(court: Court, tmp_path: Path) -> None:
    accept_in_bulk(court)
    line = command("build_release", court.project.name, "--out", tmp_path, "--admit", "bulk")
    assert line.startswith(
        f"Release 1 of {court.project}: 27 records (17 real, 10 synthetic) in {tmp_path}, sha256 "
    )
    line = command("evaluate", court.project.name, "--learner", "--arms", "real,blended", "--folds", "2")
    assert line.strip().endswith("(cross-validation on real rows)")
    court.upload_three()
    line = command(
        "launch_report", court.project.name,
        "--baseline", "before", "--control", "reweighted", "--candidate", "after",
    )  # fmt: skip
    assert line.strip().endswith("(1 of 2 looks used)")


def test_a_release_of_a_sandbox_says_so(court: Court, tmp_path: Path) -> None:
    court.project.standing = Standing.SANDBOX
    court.project.save()
    accept_in_bulk(court)
    line = command("build_release", court.project.slug, "--out", tmp_path, "--admit", "bulk")
    assert "SANDBOX: it cannot reach a launch review." in line
    assert "Sandbox project" in (tmp_path / "card.md").read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["build_release", "{}", "--out", "x"], "review method bulk"),
        (["evaluate", "{}"], "Say --learner"),
        (["evaluate", "{}", "--learner", "--arms", "blended"], "build a release first"),
        (["launch_report", "{}", "--baseline", "a", "--control", "b", "--candidate", "c"], "No model 'a'"),
        (["evaluate", "nowhere", "--learner"], "There is no project 'nowhere'"),
    ],
)
def test_a_failure_is_said_and_exits_non_zero(court: Court, arguments: list[str], message: str) -> None:
    accept_in_bulk(court)
    with pytest.raises(CommandError, match=message):
        command(*[argument.format(court.project.slug) for argument in arguments])


def test_an_error_of_the_learner_is_said(court: Court, monkeypatch: pytest.MonkeyPatch) -> None:
    def out_of_memory(*arguments: Any, **values: Any) -> Any:
        raise MemoryError

    monkeypatch.setattr("apps.evaluation.learner.predict", out_of_memory)
    with pytest.raises(CommandError, match="The comparison stopped: MemoryError"):
        command("evaluate", court.project.slug, "--learner", "--arms", "real")
    assert Comparison.objects.get().status == "queued"


@pytest.mark.parametrize("name", ["build_release", "evaluate", "launch_report"])
def test_help_has_an_example(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        call_command(name, "--help")
    assert "example:\n  manage.py" in capsys.readouterr().out
