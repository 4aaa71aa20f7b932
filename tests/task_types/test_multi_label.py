"""Several labels: the scores of a row, and their means as scikit-learn takes them."""

from __future__ import annotations

import pytest

from apps.task_types import task_type_of
from tests.task_types.scoring import golden, means, score


def test_several_labels() -> None:
    got = score("multi_label", {"labels": ["a", "b", "c"]}, {"labels": ["b", "c", "d", "e"]})
    assert got == {
        **{"exact": 0, "jaccard": 2 / 5, "f1": 4 / 7, "recall": 2 / 3, "precision": 2 / 4},
        **{"recall: a": 0, "recall: b": 1, "recall: c": 1},
        **{"precision: b": 1, "precision: c": 1, "precision: d": 0, "precision: e": 0},
    }
    assert score("multi_label", {"labels": ["a", "b"]}, {"labels": ["b", "a"]})["exact"] == 1
    assert "precision" not in score("multi_label", {"labels": ["a"]}, {"labels": []})


def test_the_means_are_those_of_scikit_learn_over_samples() -> None:
    case = golden("21_task_scores")["multi_label"]
    pairs = zip(case["inputs"]["gold"], case["inputs"]["given"], strict=True)
    got = means([score("multi_label", {"labels": gold}, {"labels": given}) for gold, given in pairs])
    assert {name: got[name] for name in case["expected"]} == pytest.approx(case["expected"], abs=1e-9)
    for label, (precision, recall) in case["labels"].items():
        assert (got[f"precision: {label}"], got[f"recall: {label}"]) == pytest.approx((precision, recall))


def test_a_cell_with_all_labels_becomes_a_list() -> None:
    task = task_type_of("multi_label")
    assert task.normalised({"text": "x"}, {"labels": "refund | billing|refund"})[1] == {
        "labels": ["refund", "billing"]
    }
    assert task.labels_of({}, {"labels": ["refund", "billing"]}) == ("refund", "billing")
    assert task.facet({}, {"labels": ["refund", "billing"]}) == "refund"
