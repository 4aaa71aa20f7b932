"""Answers that are not what was asked for are set aside; what they say is for the checks."""

from __future__ import annotations

from typing import Any

import pytest

from apps.generation.planning import plan_run
from apps.generation.record_sink import RecordSink
from apps.records.models import Record
from apps.submissions.models import Submission, SubmissionRequest
from apps.submissions.sinks import UnusableAnswerError
from tests.generation.scene import make_ready_project, start

pytestmark = pytest.mark.django_db


@pytest.fixture
def sink() -> RecordSink:
    plan_run(start(make_ready_project(), count=2).pk)
    return RecordSink(Submission.objects.get().pk)


def record(text: object = "x") -> dict[str, Any]:
    return {"input": {"text": text}, "output": {"label": "refund"}}


def test_an_answer_becomes_records_in_its_order(sink: RecordSink) -> None:
    rows = sink.read(SubmissionRequest.objects.get(), {"records": [record("a"), record("b")]})
    assert [(row.input["text"], row.position) for row in rows] == [("a", 0), ("b", 1)]
    sink.write(rows)
    assert Record.objects.candidates().count() == 2


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (None, "not_records"),
        ("text", "not_records"),
        ([], "not_records"),
        ({}, "not_records"),
        ({"records": {}}, "not_records"),
        ({"records": ["x"]}, "not_a_record"),
        ({"records": [record(), {"input": {}}]}, "not_a_record"),
        ({"records": [{"input": "text", "output": {}}]}, "not_a_record"),
        ({"records": [record()] * 5}, "too_many_records"),
    ],
)
def test_an_answer_of_another_shape_is_unusable(sink: RecordSink, answer: Any, reason: str) -> None:
    with pytest.raises(UnusableAnswerError) as caught:
        sink.read(SubmissionRequest.objects.get(), answer)
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    "odd", [record(None), record(7), record(["a"]), {"input": {}, "output": {}}, record("x" * 100_000)]
)
def test_odd_content_comes_in_for_the_checks_to_judge(sink: RecordSink, odd: dict[str, Any]) -> None:
    sink.write(sink.read(SubmissionRequest.objects.get(), {"records": [odd]}))
    assert Record.objects.candidates().get().input == odd["input"]


def test_an_empty_answer_is_no_records(sink: RecordSink) -> None:
    assert sink.read(SubmissionRequest.objects.get(), {"records": []}) == []
