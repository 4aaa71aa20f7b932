"""Redaction: spans, kinds and what leaks; by hand and as nervaluate and seqeval count."""

from __future__ import annotations

from typing import Any

import pytest

from tests.task_types.scoring import golden, score


def spans(*each: tuple[int, int, str]) -> dict[str, Any]:
    return {"spans": [{"start": start, "end": end, "kind": kind} for start, end, kind in each]}


def test_spans_and_what_leaks() -> None:
    gold = spans((0, 4, "name"), (10, 20, "mail"), (30, 36, "name"))
    given = spans((0, 4, "name"), (10, 18, "mail"), (30, 36, "place"), (50, 51, "name"))
    got = score("redaction", gold, given)
    # Right is one span of three; of 20 characters two stand outside whatever was marked.
    assert got == {
        "exact": 0,
        "recall": 1 / 3,
        "precision": 1 / 4,
        "f1": 2 / 7,
        "recall: name": 1 / 2,
        "precision: name": 1 / 2,
        "f1: name": 2 / 4,
        "recall: mail": 0,
        "precision: mail": 0,
        "f1: mail": 0,
        "precision: place": 0,
        "f1: place": 0,
        "leak_rate": 2 / 20,
        "no_leak": 0,
    }


def test_a_text_with_nothing_to_redact_has_neither_recall_nor_a_leak_rate() -> None:
    assert score("redaction", spans(), spans()) == {"exact": 1, "f1": 1}


def test_each_text_scores_as_nervaluate_and_seqeval_score_it_strictly() -> None:
    cases = golden("21_task_scores")["redaction"]
    assert len(cases) == 40
    for case in cases:
        got = score("redaction", {"spans": case["gold"]}, {"spans": case["given"]})
        expected = {name: value for name, value in case["expected"].items() if value is not None}
        assert {name: got[name] for name in ("recall", "precision", "f1") if name in got} == pytest.approx(
            expected
        )
