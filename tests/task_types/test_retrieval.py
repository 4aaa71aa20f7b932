"""Retrieval: ranks by hand, and as trec_eval counts them."""

from __future__ import annotations

import pytest

from tests.task_types.scoring import golden, score


@pytest.mark.parametrize(
    ("ranking", "at_1", "at_5", "at_10", "mrr"),
    [
        (["p"], 1, 1, 1, 1),
        (["a", "b", "p"], 0, 1, 1, 1 / 3),
        ([*"abcdefg", "p"], 0, 0, 1, 1 / 8),
        ([*"abcdefghijk", "p"], 0, 0, 0, 1 / 12),
        (["a", "a", "p"], 0, 1, 1, 1 / 2),
        ([], 0, 0, 0, 0),
    ],
)
def test_ranks(ranking: list[str], at_1: float, at_5: float, at_10: float, mrr: float) -> None:
    gold = {"positive": {"id": "p", "text": "x"}, "negatives": []}
    got = score("retrieval", gold, {"ranking": ranking})
    assert got == {"recall_at_1": at_1, "recall_at_5": at_5, "recall_at_10": at_10, "mrr": mrr}


def test_each_query_scores_as_trec_eval_scores_it() -> None:
    cases = golden("21_task_scores")["retrieval"]
    assert len(cases) == 60
    for case in cases:
        gold = {"positive": {"id": case["positive"], "text": "x"}, "negatives": []}
        assert score("retrieval", gold, {"ranking": case["ranking"]}) == pytest.approx(case["expected"])
