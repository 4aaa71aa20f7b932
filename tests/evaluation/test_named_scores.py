"""Every named score of a task with its change and interval, and whether confidences are to be believed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import uuid4

import pytest

from apps.core.statistics.paired import tango_interval
from apps.evaluation.named_scores import calibration, macro_f1_change, named_scores
from apps.evaluation.scores_page import scores_page
from apps.evaluation.scoring import PARTS, Scored, f1_by_label, precision_by_label
from apps.evaluation.slices import Roles
from apps.task_types import task_type_of
from tests.task_types.scoring import golden

ROLES = Roles(({"label_in": ["odd"]},), {"often": "common"})
Scores = Mapping[str, float]


def row(
    label: str,
    before: Scores,
    after: Scores,
    *,
    right: tuple[bool, bool] = (True, True),
    sure: float | None = None,
) -> Scored:
    """The control answers as the baseline does."""
    was, is_ = right
    return Scored(
        uuid4(),
        label,
        dict(zip(PARTS, (was, was, is_), strict=True)),
        dict.fromkeys(PARTS, label),
        dict(zip(PARTS, (before, before, after), strict=True)),
        dict.fromkeys(PARTS, sure),
    )


def lines_of(rows: Sequence[Scored], task: str, name: str) -> dict[str, dict[str, Any]]:
    scores = {each["name"]: each for each in named_scores(rows, ROLES, task_type_of(task))}
    return {line["slice"]: line for line in scores[name]["lines"]}


def test_all_rows_the_gap_the_common_labels_and_each_label_have_a_line() -> None:
    rows = [row("odd", {"f1": 0.0}, {"f1": 0.5})] * 40 + [row("often", {"f1": 0.5}, {"f1": 0.5})] * 60
    lines = lines_of(rows, "redaction", "f1")
    assert list(lines) == ["overall", "rare", "common", "odd", "often"]
    assert (lines["overall"]["baseline"], lines["overall"]["candidate"]) == pytest.approx((0.3, 0.5))
    assert lines["common"]["change"] == 0
    assert (lines["rare"]["low"], lines["rare"]["high"]) == pytest.approx((0.5, 0.5))


def test_yes_and_no_on_the_same_rows_gets_the_score_interval() -> None:
    yes, no = {"no_leak": 1.0}, {"no_leak": 0.0}
    rows = [row("odd", no, yes)] * 9 + [row("odd", yes, no)] * 2 + [row("odd", yes, yes)] * 29
    line = lines_of(rows, "redaction", "no_leak")["overall"]
    expected = tango_interval(9, 2, 40)
    assert (line["low"], line["high"]) == (expected.low, expected.high)
    assert (line["change"], line["changed"]) == (pytest.approx(7 / 40), 11)


def test_a_row_without_the_score_is_not_in_its_mean() -> None:
    rows = [row("odd", {"refusal_precision": 1.0}, {})] * 30 + [
        row("odd", {}, {"refusal_precision": 0.0})
    ] * 40
    line = lines_of(rows, "policy", "refusal_precision")["overall"]
    assert line["n"] == {"baseline": 30, "control": 30, "candidate": 40}
    assert (line["baseline"], line["candidate"], line["change"]) == (1, 0, -1)
    assert (line["low"], line["high"]) == (-1, -1)


@pytest.mark.parametrize(
    ("n", "has_change", "has_interval"), [(19, False, False), (29, True, False), (30, True, True)]
)
def test_few_rows_get_no_change_and_no_interval(n: int, has_change: bool, has_interval: bool) -> None:  # noqa: FBT001
    line = lines_of([row("odd", {"mrr": 0.2}, {"mrr": 0.5})] * n, "retrieval", "mrr")["overall"]
    assert (line["change"] is not None, line["low"] is not None) == (has_change, has_interval)
    assert line["candidate"] == pytest.approx(0.5)


def test_a_kind_has_a_line_of_its_own_under_the_measure_of_its_score() -> None:
    rows = [row("odd", {"recall": 1.0, "recall: mail": 1.0}, {"recall": 1.0, "recall: mail": 0.0})] * 3
    scores = named_scores(rows, ROLES, task_type_of("redaction"))
    assert [(each["name"], each["title"]) for each in scores] == [
        ("recall", "Span recall"),
        ("recall: mail", "Span recall: mail"),
    ]


def test_lower_is_better_turns_the_arrow() -> None:
    rows = [row("odd", {"leak_rate": 0.4}, {"leak_rate": 0.1})] * 30
    report = {"scores": named_scores(rows, ROLES, task_type_of("redaction")), "calibration": {}, "groups": {}}
    (table,) = scores_page(report).groups
    assert [line.outcome for line in table.lines] == ["gain", "gain"]
    assert table.lines[0].change == "−0.300"


def test_changes_of_fewer_than_four_rows_have_no_arrow() -> None:
    yes, no = {"exact": 1.0}, {"exact": 0.0}
    rows = [row("odd", no, yes)] * 3 + [row("odd", yes, yes)] * 27
    report = {"scores": named_scores(rows, ROLES, task_type_of("redaction")), "groups": {}}
    assert scores_page(report).groups[0].lines[0].outcome == ""


def test_reviews_of_before_there_were_scores_have_none() -> None:
    page = scores_page({"groups": {"overall": {}}})
    assert (page.groups, page.calibration) == ([], [])


def test_confidences_are_judged_where_every_row_has_one_between_0_and_1() -> None:
    rows = [row("odd", {}, {}, right=(True, number % 4 > 0), sure=0.75) for number in range(240)]
    found = calibration(rows)
    assert found["candidate"]["ece"] == pytest.approx(0)
    assert found["candidate"]["brier"] == pytest.approx(0.1875)
    assert found["candidate"]["slope"] is None
    assert found["baseline"]["ece"] == pytest.approx(0.25)
    assert calibration(rows[:199])["candidate"]["ece"] is None
    assert calibration([*rows, row("odd", {}, {})]) == {}
    assert calibration([*rows, row("odd", {}, {}, sure=1.5)]) == {}
    brier = lines_of(rows, "classification", "brier")["overall"]
    assert (brier["baseline"], brier["candidate"]) == pytest.approx((0.0625, 0.1875))


def test_precision_recall_and_macro_f1_are_those_of_scikit_learn() -> None:
    case = golden("21_task_scores")["classification"]
    rows = [
        Scored(uuid4(), gold, dict.fromkeys(PARTS, gold == given), dict.fromkeys(PARTS, given))
        for gold, given in zip(case["inputs"]["gold"], case["inputs"]["given"], strict=True)
    ]
    f1, precision = f1_by_label(rows, "candidate"), precision_by_label(rows, "candidate")
    for label, expected in case["expected"]["labels"].items():
        members = [each for each in rows if each.label == label]
        assert f1[label] == pytest.approx(expected["f1"])
        assert precision[label] == pytest.approx(expected["precision"])
        assert sum(each.right["candidate"] for each in members) / len(members) == pytest.approx(
            expected["recall"]
        )
    assert sum(f1.values()) / len(f1) == pytest.approx(case["expected"]["macro_f1"])
    change = macro_f1_change(rows)
    assert change is not None
    assert (change.low, change.high) == (0, 0)
