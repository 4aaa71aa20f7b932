"""A server of one's own: chat completions one by one, with a key or without."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from apps.providers.base import (
    AmbiguousError,
    AnswerStatus,
    Batch,
    DefiniteRefusalError,
    Endpoint,
    JsonObject,
    RetryLaterError,
)
from apps.providers.compatible import Compatible
from tests.providers.chat.scene import ASK, KEY, NONCE
from tests.providers.standins.base import Behaviour, Outcome, Reply, Request, Route
from tests.providers.standins.openai import CompatibleStandIn


class Impatient(Compatible):
    answer_within = timedelta(seconds=1)


OWN = Impatient()


@pytest.fixture
def own_server() -> Iterator[CompatibleStandIn]:
    with CompatibleStandIn() as server:
        yield server


@pytest.fixture
def endpoint(own_server: CompatibleStandIn) -> Endpoint:
    return Endpoint(model="qwen3:8b", base_url=own_server.base_url)


@pytest.fixture
def line(endpoint: Endpoint) -> JsonObject:
    return OWN.request_line(f"{NONCE}-000007", ASK, endpoint=endpoint)


def test_its_requests_say_max_tokens_as_such_servers_want_it(line: JsonObject) -> None:
    body = line["body"]
    assert isinstance(body, dict)
    assert body["max_tokens"] == 900
    assert "max_completion_tokens" not in body
    assert isinstance(body["response_format"], dict)
    assert body["response_format"]["type"] == "json_schema"


def test_an_answer_is_one_post_without_a_key(
    own_server: CompatibleStandIn, endpoint: Endpoint, line: JsonObject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    answer = OWN.read_answer(json.loads(OWN.answer_now(line, endpoint=endpoint)))
    assert (answer.custom_id, answer.status) == (f"{NONCE}-000007", AnswerStatus.OK)
    assert own_server.creates == len(own_server.calls) == 1
    assert KEY not in str(own_server.calls)


def test_a_named_key_is_sent(own_server: CompatibleStandIn, endpoint: Endpoint, line: JsonObject) -> None:
    OWN.answer_now(line, endpoint=replace(endpoint, key_name="TEST_CHAT_API_KEY"))
    assert own_server.calls[0].headers["authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize(
    ("outcome", "status"),
    [
        (Outcome.REFUSAL, AnswerStatus.REFUSED),
        (Outcome.TRUNCATED, AnswerStatus.TRUNCATED),
        (Outcome.FILTERED, AnswerStatus.FILTERED),
    ],
)
def test_outcomes_are_told_apart(
    own_server: CompatibleStandIn,
    endpoint: Endpoint,
    line: JsonObject,
    outcome: Outcome,
    status: AnswerStatus,
) -> None:
    own_server.behaviour = Behaviour(per_request=lambda number, request: outcome)
    assert OWN.read_answer(json.loads(OWN.answer_now(line, endpoint=endpoint))).status == status


@pytest.mark.parametrize(
    "fault",
    [
        Behaviour(drop_after_accept=True),
        Behaviour(hang_after_accept=True),
        Behaviour(status_after_accept=500),
        Behaviour(drop_before_accept=True),
    ],
    ids=["dropped after", "hangs", "500", "dropped before"],
)
def test_an_unclear_answer_is_one_post(
    own_server: CompatibleStandIn, endpoint: Endpoint, line: JsonObject, fault: Behaviour
) -> None:
    own_server.behaviour = fault
    with pytest.raises(AmbiguousError):
        OWN.answer_now(line, endpoint=endpoint)
    assert own_server.creates == 1


def test_a_busy_server_is_asked_later_and_a_no_is_a_no(
    own_server: CompatibleStandIn, endpoint: Endpoint, line: JsonObject
) -> None:
    own_server.behaviour = Behaviour(refuse=(429, {"error": "busy"}, {"Retry-After": "9"}))
    with pytest.raises(RetryLaterError, match="busy") as raised:
        OWN.answer_now(line, endpoint=endpoint)
    assert raised.value.after == timedelta(seconds=9)
    own_server.behaviour = Behaviour(refuse=(404, {"error": {"message": "model not found"}}, {}))
    with pytest.raises(DefiniteRefusalError, match="model not found"):
        OWN.answer_now(line, endpoint=endpoint)


@pytest.mark.parametrize(
    ("said", "becomes"),
    [
        (b'{\r\n  "choices": []\n}', b'{    "choices": [] }'),
        (b"<html>\nBad gateway</html>", b"<html> Bad gateway</html>"),
        (b'{"a": NaN, "a": "\xff\x00"}', b'{"a": NaN, "a": "\xff\x00"}'),
        (b"", b"null"),
    ],
    ids=["pretty", "no JSON", "poison", "nothing"],
)
def test_what_a_server_says_reaches_the_strict_reader_as_one_line(said: bytes, becomes: bytes) -> None:
    class Odd(CompatibleStandIn):
        def routes(self) -> list[Route]:
            return [("POST", "/v1/chat/completions", self.say)]

        def say(self, request: Request) -> Reply:
            return Reply(body=said)

    with Odd() as server:
        endpoint = Endpoint(model="m", base_url=server.base_url)
        result = OWN.answer_now(OWN.request_line("x", ASK, endpoint=endpoint), endpoint=endpoint)
    assert result == b'{"custom_id":"x","error":null,"response":{"status_code":200,"body":%b}}' % becomes


def test_it_has_no_batches_no_price_and_no_host_of_its_own(endpoint: Endpoint, tmp_path: Path) -> None:
    batch = Batch(nonce=NONCE, endpoint=endpoint, request_file=tmp_path / "none", request_count=1)
    for call in (OWN.upload, OWN.create, OWN.poll, OWN.results):
        with pytest.raises(DefiniteRefusalError, match="one by one"):
            call(batch)
    assert OWN.find(batch) == []
    OWN.cancel(batch)
    assert not OWN.has_batches
    assert OWN.hosts == ()
    assert OWN.price("qwen3:8b", is_batch=False) is None
    assert OWN.limits(endpoint).requests == 2_000
