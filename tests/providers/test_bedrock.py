"""Bedrock: a token makes create idempotent, results lie in S3, and answers are asked for in words alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from apps.core.strict_json import canonical_dumps
from apps.providers.base import AnswerStatus, Ask, Batch, BatchState, DefiniteRefusalError, RetryLaterError
from apps.providers.bedrock import Bedrock
from apps.submissions.request_files import custom_id_of
from tests.providers.matrix import worker_environment
from tests.providers.rigs import RIGS, Rig
from tests.providers.standins.base import Behaviour, EndAs

ASK = Ask(prompt="Write 2 messages.", schema={"type": "object", "properties": {"a": {"type": "string"}}})
NONCE = "ab" * 16


@pytest.fixture
def rig() -> Iterator[Rig]:
    with RIGS["bedrock"]() as rig, worker_environment(rig):
        yield rig


@pytest.fixture
def batch(rig: Rig, tmp_path: Path, db: None) -> Batch:
    endpoint = rig.connect().endpoint
    file = tmp_path / "requests.jsonl"
    lines = [Bedrock().request_line(custom_id_of(NONCE, n), ASK, endpoint=endpoint) for n in range(1, 6)]
    file.write_bytes(b"".join(canonical_dumps(line) + b"\n" for line in lines))
    batch = Batch(
        nonce=NONCE, endpoint=endpoint, request_file=file, request_count=5, sent_at=datetime.now(UTC)
    )
    return replace(batch, upload=Bedrock().upload(batch))


def test_making_it_twice_makes_one(rig: Rig, batch: Batch) -> None:
    assert Bedrock().create(batch) == Bedrock().create(batch)
    assert len(Bedrock().find(batch)) == 1


def test_the_schema_stands_in_the_prompt_and_a_fence_is_not_repaired(batch: Batch) -> None:
    line = json.loads(batch.request_file.read_text().splitlines()[0])
    text = line["modelInput"]["messages"][0]["content"][0]["text"]
    assert "JSON Schema" in text
    assert "no Markdown" in text
    answer = Bedrock().read_answer(result('```json\n{"a": "b"}\n```'))
    assert (answer.status, answer.reason) == (AnswerStatus.UNREADABLE, "fenced_json")
    assert Bedrock().read_answer(result('{"a": "b"}')).value == {"a": "b"}


def result(text: str) -> Any:
    return {
        "recordId": custom_id_of(NONCE, 1),
        "modelOutput": {"output": {"message": {"content": [{"text": text}]}}, "stopReason": "end_turn"},
    }


def test_a_model_s_minimum_is_a_setting_and_a_hundred_by_default(batch: Batch) -> None:
    assert Bedrock().limits(batch.endpoint).minimum_requests == 5
    plain = replace(batch.endpoint, settings={**batch.endpoint.settings, "minimum_records": ""})
    assert Bedrock().limits(plain).minimum_requests == 100


@pytest.mark.parametrize(
    ("end_as", "state"),
    [
        (EndAs.COMPLETED, BatchState.ENDED),
        (EndAs.PARTIALLY_SUCCEEDED, BatchState.ENDED),
        (EndAs.EXPIRED, BatchState.EXPIRED),
        (EndAs.CANCELLED, BatchState.CANCELLED),
    ],
)
def test_every_end_gives_what_it_has(rig: Rig, batch: Batch, end_as: EndAs, state: BatchState) -> None:
    rig.server.behaviour = Behaviour(end_as=end_as, answered=3)
    sent = replace(batch, batch_id=Bedrock().create(batch).batch_id)
    while (poll := Bedrock().poll(sent)).state in {BatchState.WAITING, BatchState.RUNNING}:
        pass
    assert poll.state == state
    assert len(list(Bedrock().results(sent))) == 3


def test_throttling_waits_and_a_validation_error_is_a_no(rig: Rig, batch: Batch) -> None:
    for code, error in (
        ("ThrottlingException", RetryLaterError),
        ("ValidationException", DefiniteRefusalError),
    ):
        rig.server.behaviour = Behaviour(refuse=(400, {"message": "no"}, {"x-amzn-errortype": code}))
        with pytest.raises(error):
            Bedrock().create(batch)
    assert rig.server.creates == 2
