"""The Gemini Developer API through its SDK, against a stand-in."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from pytest_django import Settings

from apps.core.errors import DomainError
from apps.core.strict_json import JsonValue, canonical_dumps, loads_line
from apps.providers.base import (
    AmbiguousError,
    AnswerStatus,
    Ask,
    Batch,
    BatchState,
    DefiniteRefusalError,
    Endpoint,
    NotOursError,
    RetryLaterError,
)
from apps.providers.gemini import Gemini
from apps.providers.google_calls import genai_client
from tests.providers.standins.base import Behaviour, EndAs, Outcome
from tests.providers.standins.google import PAGE, GeminiStandIn

KEY = "canary-gemini-key-77aa01"
NONCE = "0123456789abcdef0123456789abcdef"
CREATE = r"/v1/models/gemini-2.5-flash:batchGenerateContent"
SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["records"],
    "properties": {
        "records": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["text", "label"],
                "properties": {
                    "text": {"type": "string", "maxLength": 200},
                    "label": {"const": "refund"},
                    "tone": {"enum": ["angry", None]},
                },
            },
        }
    },
}
ASK = Ask(
    prompt="Write 3 messages for the label refund.", schema=SCHEMA, label="refund", max_output_tokens=900
)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> Iterator[GeminiStandIn]:
    monkeypatch.setenv("GEMINI_API_KEY", KEY)
    settings.PROVIDER_HOSTS = ("127.0.0.1",)
    with GeminiStandIn() as running:
        yield running


@pytest.fixture
def batch(server: GeminiStandIn, tmp_path: Path) -> Batch:
    return make_batch(server, tmp_path)


def make_batch(server: GeminiStandIn, folder: Path, *, nonce: str = NONCE, count: int = 4) -> Batch:
    endpoint = Endpoint(model="gemini-2.5-flash", base_url=server.base_url)
    file = folder / f"{nonce}.jsonl"
    lines = [Gemini().request_line(f"{nonce}-{n:06}", ASK, endpoint=endpoint) for n in range(1, count + 1)]
    file.write_bytes(b"".join(canonical_dumps(line) + b"\n" for line in lines))
    return Batch(nonce=nonce, endpoint=endpoint, request_file=file, request_count=count)


def sent(batch: Batch) -> Batch:
    uploaded = replace(batch, upload=Gemini().upload(batch))
    return replace(uploaded, batch_id=Gemini().create(uploaded).batch_id)


def ended(batch: Batch) -> BatchState:
    for _ in range(10):
        state = Gemini().poll(batch).state
        if state not in {BatchState.WAITING, BatchState.RUNNING}:
            return state
    raise AssertionError("It never ends.")


def lines_of(batch: Batch) -> list[JsonValue]:
    return [loads_line(line) for line in Gemini().results(batch)]


class Impatient(Gemini):
    call_within = timedelta(seconds=1)


def test_a_batch_from_upload_to_answers(server: GeminiStandIn, batch: Batch) -> None:
    batch = sent(batch)
    assert Gemini().poll(batch).state == BatchState.RUNNING
    last = Gemini().poll(batch)
    assert last.state == BatchState.ENDED
    assert last.results_expire_at is not None
    answers = [Gemini().read_answer(line) for line in lines_of(batch)]
    assert [answer.custom_id for answer in answers] == [f"{NONCE}-{n:06}" for n in range(1, 5)]
    assert {answer.status for answer in answers} == {AnswerStatus.OK}
    assert all(len(cast("dict[str, list[Any]]", answer.value)["records"]) == 3 for answer in answers)
    assert all(answer.usage.input_tokens and answer.usage.output_tokens > 7 for answer in answers)
    assert server.posts(CREATE) == server.creates == 1


def test_the_request_line_is_the_documented_one() -> None:
    line = Gemini().request_line(f"{NONCE}-000001", ASK, endpoint=Endpoint(model="gemini-2.5-flash"))
    record = {
        "type": "object",
        "additionalProperties": False,
        "required": ["text", "label", "tone"],
        "propertyOrdering": ["text", "label", "tone"],
        "properties": {
            "text": {"type": "string", "description": "at most 200 characters"},
            "label": {"type": "string", "enum": ["refund"]},
            "tone": {
                "anyOf": [
                    {"anyOf": [{"type": "string", "enum": ["angry"]}, {"type": "null"}]},
                    {"type": "null"},
                ]
            },
        },
    }
    assert line == {
        "key": f"{NONCE}-000001",
        "request": {
            "contents": [{"role": "user", "parts": [{"text": "Write 3 messages for the label refund."}]}],
            "generationConfig": {
                "maxOutputTokens": 900,
                "responseMimeType": "application/json",
                "responseJsonSchema": {
                    "type": "object",
                    "additionalProperties": False,
                    "required": ["records"],
                    "propertyOrdering": ["records"],
                    "properties": {"records": {"type": "array", "items": record}},
                },
            },
        },
    }


def test_a_prompt_without_text_is_refused_with_its_label() -> None:
    with pytest.raises(DomainError, match="'refund'"):
        Gemini().request_line("id", replace(ASK, prompt={"phrases": []}), endpoint=Endpoint(model="m"))


@pytest.mark.parametrize("fault", ["drop_before_accept", "drop_after_accept", "hang_after_accept"])
def test_a_lost_answer_is_one_post_and_nobody_knows(server: GeminiStandIn, batch: Batch, fault: str) -> None:
    uploaded = replace(batch, upload=Gemini().upload(batch))
    server.behaviour = Behaviour(**cast("dict[str, Any]", {fault: True, "every_time": True}))
    with pytest.raises(AmbiguousError):
        Impatient().create(uploaded)
    assert server.posts(CREATE) == 1
    assert len(Gemini().find(batch)) == (0 if fault == "drop_before_accept" else 1)


@pytest.mark.parametrize("status", [408, 409, 500, 503])
def test_a_status_that_says_nothing_of_the_batch_is_one_post(
    server: GeminiStandIn, batch: Batch, status: int
) -> None:
    uploaded = replace(batch, upload=Gemini().upload(batch))
    server.behaviour = Behaviour(status_after_accept=status, every_time=True)
    with pytest.raises(AmbiguousError):
        Gemini().create(uploaded)
    assert server.posts(CREATE) == len(Gemini().find(batch)) == 1


def test_a_redirect_is_not_followed(server: GeminiStandIn, batch: Batch) -> None:
    uploaded = replace(batch, upload=Gemini().upload(batch))
    with GeminiStandIn() as elsewhere:
        server.behaviour = Behaviour(refuse=(307, {}, {"Location": f"{elsewhere.url}/v1/models/m"}))
        with pytest.raises(AmbiguousError):
            Gemini().create(uploaded)
        assert not elsewhere.calls
    assert server.posts(CREATE) == 1


@pytest.mark.parametrize(
    ("headers", "details", "seconds"),
    [
        ({"Retry-After": "42"}, [], 42),
        ({}, [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34s"}], 34),
        ({}, [], 60),
    ],
)
def test_too_many_is_not_now(
    server: GeminiStandIn, batch: Batch, headers: dict[str, str], details: list[Any], seconds: int
) -> None:
    uploaded = replace(batch, upload=Gemini().upload(batch))
    error = {"code": 429, "message": "Enqueued tokens.", "status": "RESOURCE_EXHAUSTED", "details": details}
    server.behaviour = Behaviour(refuse=(429, {"error": error}, headers))
    with pytest.raises(RetryLaterError, match="Enqueued tokens") as caught:
        Gemini().create(uploaded)
    assert caught.value.after == timedelta(seconds=seconds)
    assert (server.posts(CREATE), server.jobs) == (1, {})


def test_a_definite_no_keeps_the_key_to_itself(
    server: GeminiStandIn, batch: Batch, caplog: pytest.LogCaptureFixture
) -> None:
    uploaded = replace(batch, upload=Gemini().upload(batch))
    server.behaviour = Behaviour(refuse=(400, {"error": {"message": f"Bad key {KEY}.", "code": 400}}, {}))
    with caplog.at_level("DEBUG"), pytest.raises(DefiniteRefusalError, match=r"Bad key \[key\]") as caught:
        Gemini().create(uploaded)
    assert caught.value.__cause__ is None
    assert KEY not in caplog.text
    # The control: it was sent, in a header, and never in a URL.
    assert server.calls[-1].headers["x-goog-api-key"] == KEY
    assert not any(KEY in f"{call.path}{call.query}" for call in server.calls)


def test_a_missing_key_is_a_no_before_anything_is_sent(
    server: GeminiStandIn, batch: Batch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GEMINI_API_KEY")
    with pytest.raises(DefiniteRefusalError, match="set GEMINI_API_KEY"):
        Gemini().create(replace(batch, upload="files/x"))
    assert not server.calls


def test_a_host_that_is_not_listed_is_never_called(
    server: GeminiStandIn, batch: Batch, settings: Settings
) -> None:
    settings.PROVIDER_HOSTS = ()
    with pytest.raises(DefiniteRefusalError, match="PROVIDER_HOSTS"):
        Gemini().create(replace(batch, upload="files/x"))
    assert not server.calls


def test_an_upload_does_not_go_where_an_answer_points(server: GeminiStandIn, batch: Batch) -> None:
    with GeminiStandIn() as elsewhere:
        server.upload_host = elsewhere.url
        name = Gemini().upload(batch)
        assert not elsewhere.calls
    assert server.files[name] == batch.request_file.read_bytes()


def test_an_upload_may_be_repeated(server: GeminiStandIn, batch: Batch) -> None:
    first, second = Gemini().upload(batch), Gemini().upload(batch)
    assert server.files[first] == server.files[second]
    assert server.creates == 0


def test_find_reads_every_page(server: GeminiStandIn, batch: Batch, tmp_path: Path) -> None:
    batch = sent(batch)
    for number in range(PAGE + 5):
        server.add(f"batches/other{number}", f"synthreview-{number:032x}", batch.upload)
    assert [found.batch_id for found in Gemini().find(batch)] == [batch.batch_id]
    assert sum(call.path == "/v1/batches" for call in server.calls) == 2


def test_an_empty_page_in_the_middle_is_not_the_last(
    server: GeminiStandIn, batch: Batch, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = sent(batch)
    paged = server.page

    def first_is_empty(request: Any, size_name: str = "pageSize") -> Any:
        return paged(request) if request.query.get("pageToken") else ([], {"nextPageToken": "0"})

    monkeypatch.setattr(server, "page", first_is_empty)
    assert [found.batch_id for found in Gemini().find(batch)] == [batch.batch_id]


def test_a_list_that_lags_or_is_down_finds_nothing_or_fails(server: GeminiStandIn, batch: Batch) -> None:
    server.behaviour = Behaviour(listing_lag=1, list_down=True)
    batch = sent(batch)
    with pytest.raises(AmbiguousError, match="503"):
        Gemini().find(batch)
    server.behaviour.list_down = False
    assert Gemini().find(batch) == []
    assert len(Gemini().find(batch)) == 1


@pytest.mark.parametrize("end_as", [EndAs.EXPIRED, EndAs.CANCELLED])
@pytest.mark.parametrize("answered", [0, 2])
def test_what_ended_early_gives_what_it_has_or_no_file(
    server: GeminiStandIn, batch: Batch, end_as: EndAs, answered: int
) -> None:
    server.behaviour = Behaviour(end_as=end_as, answered=answered)
    batch = sent(batch)
    assert ended(batch).value == end_as.value
    assert len(lines_of(batch)) == answered


def test_a_failed_batch_says_why(server: GeminiStandIn, batch: Batch) -> None:
    server.behaviour = Behaviour(end_as=EndAs.FAILED)
    poll = Gemini().poll(sent(batch))
    assert (poll.state, poll.message) == (BatchState.FAILED, "Line 1 is not valid.")


def test_a_batch_may_succeed_with_every_request_failed(server: GeminiStandIn, batch: Batch) -> None:
    server.behaviour = Behaviour(per_request=lambda number, line: Outcome.ERROR)
    batch = sent(batch)
    assert ended(batch) == BatchState.ENDED
    answers = [Gemini().read_answer(line) for line in lines_of(batch)]
    assert {(answer.status, answer.message) for answer in answers} == {
        (AnswerStatus.ERROR, "The model broke. (code 13)")
    }


def test_poison_goes_on_raw(server: GeminiStandIn, batch: Batch) -> None:
    poison = [b"\xff\xfe{", b'{"key": NaN}', '{"key":"\u2028"}'.encode()]
    server.behaviour = Behaviour(poison_lines=poison, shuffle=True)
    batch = sent(batch)
    ended(batch)
    lines = list(Gemini().results(batch))
    assert len(lines) == 4 + len(poison)
    assert set(poison) < set(lines)


def test_results_with_another_nonce_are_not_ours(server: GeminiStandIn, batch: Batch, tmp_path: Path) -> None:
    other = sent(make_batch(server, tmp_path, nonce="f" * 32))
    ended(other)
    with pytest.raises(NotOursError):
        list(Gemini().results(replace(other, nonce=NONCE)))
    assert len(list(Gemini().results(other))) == 4


def test_cancelling_is_harmless_when_it_is_over(server: GeminiStandIn, batch: Batch) -> None:
    batch = sent(batch)
    Gemini().cancel(batch)
    assert ended(batch) == BatchState.CANCELLED
    Gemini().cancel(batch)
    with pytest.raises(DefiniteRefusalError):
        Gemini().cancel(replace(batch, batch_id="batches/unknown"))


def test_an_answer_now_is_one_post_and_a_result_line(server: GeminiStandIn, batch: Batch) -> None:
    line = cast("dict[str, Any]", loads_line(batch.request_file.read_bytes().splitlines()[0]))
    answer = Gemini().read_answer(loads_line(Gemini().answer_now(line, endpoint=batch.endpoint)))
    assert (answer.custom_id, answer.status) == (f"{NONCE}-000001", AnswerStatus.OK)
    # The SDK passes on what a batch would have sent.
    assert server.calls[-1].json() == line["request"]
    server.behaviour = Behaviour(drop_after_accept=True, every_time=True)
    with pytest.raises(AmbiguousError):
        Gemini().answer_now(line, endpoint=batch.endpoint)
    assert server.creates == 2


def test_the_sdk_does_not_go_on_by_itself(
    server: GeminiStandIn, batch: Batch, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = cast("dict[str, Any]", loads_line(batch.request_file.read_bytes().splitlines()[0]))
    unfinished = {"candidates": [{"finishReason": "CONTINUATION", "continuationToken": "bW9yZQ=="}]}
    said = iter([unfinished, unfinished, {"candidates": [{"finishReason": "STOP"}]}])
    monkeypatch.setattr("tests.providers.standins.google.response", lambda *_, **__: next(said))
    answer = Gemini().read_answer(loads_line(Gemini().answer_now(line, endpoint=batch.endpoint)))
    assert (answer.status, server.creates) == (AnswerStatus.ERROR, 1)
    # The control: left to itself it posts again.
    who: dict[str, Any] = {"vertexai": False, "api_key": KEY, "api_version": "v1"}
    with genai_client(Gemini.hosts, within=timedelta(seconds=9), base_url=server.base_url, **who) as client:
        client.models.generate_content(model="gemini-2.5-flash", contents=line["request"]["contents"])
    assert server.creates == 3


def test_price_limits_and_tokens() -> None:
    now = Gemini().price("models/gemini-2.5-flash", is_batch=False)
    batched = Gemini().price("gemini-2.5-flash", is_batch=True)
    assert now is not None
    assert batched is not None
    assert batched.output * 2 == now.output
    assert not batched.is_guess
    assert Gemini().limits(Endpoint(model="m")).bytes < 2_000_000_000
    line = Gemini().request_line("id", ASK, endpoint=Endpoint(model="m"))
    count = Gemini().count_tokens(line)
    assert (count.tokens, count.is_guess) == (
        -(-len(json.dumps(line["request"], separators=(",", ":"))) // 4),
        True,
    )
