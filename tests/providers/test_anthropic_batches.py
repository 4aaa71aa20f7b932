"""Anthropic's batches from request line to answer: every fault of the wire, and whose results they are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import anthropic
import pytest
from pytest_django import Settings

from apps.core.errors import DomainError
from apps.core.strict_json import JsonValue, canonical_dumps, loads_line
from apps.providers.anthropic import CLOCK_DIFFERENCE, Anthropic
from apps.providers.anthropic_schema import MOST_UNIONS, anthropic_schema
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
    Usage,
)
from apps.providers.structured import strict_schema
from tests.providers.standins.anthropic import AnthropicStandIn, Job
from tests.providers.standins.base import Behaviour, EndAs, Outcome

KEY = "canary-anthropic-key-5d20e9"
NONCE = "0123456789abcdef0123456789abcdef"
CREATE = r"/v1/messages/batches"
RECORD: dict[str, Any] = {
    "type": "object",
    "required": ["text", "label"],
    "properties": {
        "text": {"type": "string", "maxLength": 200},
        "label": {"const": "refund"},
        "tone": {"type": "string", "description": "How it sounds"},
    },
}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["records"],
    "properties": {"records": {"type": "array", "items": RECORD}},
}
ASK = Ask(
    prompt="Write 3 messages for the label refund.", schema=SCHEMA, label="refund", max_output_tokens=900
)
# Ids as somebody else may write them, and as another submission of ours has them.
FOREIGN_IDS = ["request-{}", "f" * 32 + "-{:06}"]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> Iterator[AnthropicStandIn]:
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    settings.PROVIDER_HOSTS = ("127.0.0.1",)
    with AnthropicStandIn() as running:
        yield running


@pytest.fixture
def batch(server: AnthropicStandIn, tmp_path: Path) -> Batch:
    endpoint = Endpoint(model="claude-sonnet-5", base_url=server.base_url)
    file = tmp_path / "requests.jsonl"
    lines = [Anthropic().request_line(f"{NONCE}-{n:06}", ASK, endpoint=endpoint) for n in range(1, 5)]
    file.write_bytes(b"".join(canonical_dumps(line) + b"\n" for line in lines))
    return Batch(
        nonce=NONCE, endpoint=endpoint, request_file=file, request_count=4, sent_at=datetime.now(UTC)
    )


def sent(batch: Batch) -> Batch:
    return replace(batch, batch_id=Anthropic().create(batch).batch_id)


def ended(batch: Batch) -> BatchState:
    for _ in range(10):
        state = Anthropic().poll(batch).state
        if state not in {BatchState.WAITING, BatchState.RUNNING}:
            return state
    raise AssertionError("It never ends.")


def lines_of(batch: Batch) -> list[JsonValue]:
    return [loads_line(line) for line in Anthropic().results(batch)]


def stranger(server: AnthropicStandIn, ids: str) -> Job:
    """An ended batch as large as ours that somebody else of the workspace made."""
    params = {"model": "claude-sonnet-5", "messages": [{"role": "user", "content": "Hello."}]}
    job = server.add([{"custom_id": ids.format(n), "params": params} for n in range(4)])
    server.finish(job)
    return job


class Impatient(Anthropic):
    call_within = timedelta(seconds=1)


def test_a_batch_from_create_to_answers(server: AnthropicStandIn, batch: Batch) -> None:
    assert Anthropic().upload(batch) == ""
    batch = sent(batch)
    assert Anthropic().poll(batch).state == BatchState.RUNNING
    last = Anthropic().poll(batch)
    assert last.state == BatchState.ENDED
    assert last.results_expire_at == server.jobs[batch.batch_id].created_at + timedelta(days=29)
    answers = [Anthropic().read_answer(line) for line in lines_of(batch)]
    assert [answer.custom_id for answer in answers] == [f"{NONCE}-{n:06}" for n in range(1, 5)]
    assert {answer.status for answer in answers} == {AnswerStatus.OK}
    assert all(len(cast("dict[str, list[Any]]", answer.value)["records"]) == 3 for answer in answers)
    assert all(answer.usage.input_tokens and answer.usage.output_tokens for answer in answers)
    assert server.posts(CREATE) == server.creates == 1


def test_what_is_sent_is_what_was_screened(server: AnthropicStandIn, batch: Batch) -> None:
    sent(batch)
    lines = [loads_line(line) for line in batch.request_file.read_bytes().splitlines()]
    assert server.calls[-1].json() == {"requests": lines}


def test_the_request_line_is_the_documented_one() -> None:
    line = Anthropic().request_line(f"{NONCE}-000001", ASK, endpoint=Endpoint(model="claude-sonnet-5"))
    record = {
        "type": "object",
        "additionalProperties": False,
        "required": ["text", "label", "tone"],
        "properties": {
            "text": {"type": "string", "description": "at most 200 characters"},
            "label": {"const": "refund"},
            # Its description once, and not in each alternative again.
            "tone": {"anyOf": [{"type": "string"}, {"type": "null"}], "description": "How it sounds"},
        },
    }
    schema = {
        "type": "object",
        "additionalProperties": False,
        "required": ["records"],
        "properties": {"records": {"type": "array", "items": record}},
    }
    assert line == {
        "custom_id": f"{NONCE}-000001",
        "params": {
            "model": "claude-sonnet-5",
            "max_tokens": 900,
            "messages": [{"role": "user", "content": "Write 3 messages for the label refund."}],
            "output_config": {"format": {"type": "json_schema", "schema": schema}},
        },
    }


def test_a_prompt_without_text_is_refused_with_its_label() -> None:
    with pytest.raises(DomainError, match="'refund'"):
        Anthropic().request_line("id", replace(ASK, prompt={"phrases": []}), endpoint=Endpoint(model="m"))


def test_choices_alternatives_and_definitions_are_trimmed_as_the_sdk_would() -> None:
    schema = {
        "type": "object",
        "required": ["a", "b", "c", "d"],
        "properties": {
            "a": {"enum": ["x", 1, None], "description": "A choice"},
            "b": {"anyOf": [{"type": "string", "minLength": 3}, {"type": "null"}]},
            "c": {"type": "array", "items": {"$ref": "#/$defs/part"}},
            "d": {"type": "number", "minimum": 0, "description": "How sure"},
        },
        "$defs": {"part": {"type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}}}},
    }
    assert anthropic_schema(schema) == anthropic.transform_schema(strict_schema(schema))


def test_a_schema_beyond_the_caps_is_refused_before_it_is_sent() -> None:
    optional = {f"field{n}": {"type": "string"} for n in range(MOST_UNIONS)}
    assert anthropic_schema({"type": "object", "properties": optional})
    with pytest.raises(DomainError, match=f"has {MOST_UNIONS + 1}"):
        anthropic_schema({"type": "object", "properties": {**optional, "more": {"type": "string"}}})
    node = {"type": "object", "required": ["next"], "properties": {"next": {"$ref": "#/$defs/node"}}}
    with pytest.raises(DomainError, match="'node' refers to itself"):
        anthropic_schema({**node, "$defs": {"node": node}})


@pytest.mark.parametrize("fault", ["drop_before_accept", "drop_after_accept", "hang_after_accept"])
def test_a_lost_answer_is_one_post_and_nobody_knows(
    server: AnthropicStandIn, batch: Batch, fault: str
) -> None:
    server.behaviour = Behaviour(**cast("dict[str, Any]", {fault: True, "every_time": True}))
    with pytest.raises(AmbiguousError):
        Impatient().create(batch)
    assert server.posts(CREATE) == 1
    assert len(Anthropic().find(batch)) == (0 if fault == "drop_before_accept" else 1)


@pytest.mark.parametrize("status", [408, 409, 500, 529])
def test_a_status_that_says_nothing_of_the_batch_is_one_post(
    server: AnthropicStandIn, batch: Batch, status: int
) -> None:
    server.behaviour = Behaviour(status_after_accept=status, every_time=True)
    with pytest.raises(AmbiguousError):
        Anthropic().create(batch)
    assert server.posts(CREATE) == len(Anthropic().find(batch)) == 1


def test_an_answer_that_is_no_batch_is_ambiguous(server: AnthropicStandIn, batch: Batch) -> None:
    server.behaviour = Behaviour(refuse=(200, {}, {}), every_time=True)
    with pytest.raises(AmbiguousError):
        Anthropic().create(batch)


def test_a_redirect_is_not_followed(server: AnthropicStandIn, batch: Batch) -> None:
    with AnthropicStandIn() as elsewhere:
        server.behaviour = Behaviour(refuse=(307, {}, {"Location": f"{elsewhere.url}/v1/messages/batches"}))
        with pytest.raises(AmbiguousError):
            Anthropic().create(batch)
        assert not elsewhere.calls
    assert server.posts(CREATE) == 1


@pytest.mark.parametrize(("headers", "seconds"), [({"Retry-After": "42"}, 42), ({}, 60)])
def test_too_many_is_not_now(
    server: AnthropicStandIn, batch: Batch, headers: dict[str, str], seconds: int
) -> None:
    server.behaviour = Behaviour(refuse=(429, server.error_body(429, "Too many tokens in batches."), headers))
    with pytest.raises(RetryLaterError, match="Too many tokens") as caught:
        Anthropic().create(batch)
    assert caught.value.after == timedelta(seconds=seconds)
    assert (server.posts(CREATE), server.jobs) == (1, {})


@pytest.mark.parametrize("status", [400, 401, 403, 413])
def test_a_definite_no_keeps_the_key_to_itself(
    server: AnthropicStandIn, batch: Batch, caplog: pytest.LogCaptureFixture, status: int
) -> None:
    server.behaviour = Behaviour(refuse=(status, server.error_body(status, f"Bad key {KEY}."), {}))
    with caplog.at_level("DEBUG"), pytest.raises(DefiniteRefusalError, match=r"Bad key \[key\]") as caught:
        Anthropic().create(batch)
    assert caught.value.__suppress_context__
    assert KEY not in caplog.text
    # The control: it was sent.
    assert server.calls[-1].headers["authorization"] == f"Bearer {KEY}"


def test_a_host_that_is_not_listed_is_never_called(
    server: AnthropicStandIn, batch: Batch, settings: Settings
) -> None:
    settings.PROVIDER_HOSTS = ()
    with pytest.raises(DefiniteRefusalError, match="PROVIDER_HOSTS"):
        Anthropic().create(batch)
    assert not server.calls


@pytest.mark.parametrize("ids", FOREIGN_IDS)
def test_a_strangers_ended_batch_is_not_found(server: AnthropicStandIn, batch: Batch, ids: str) -> None:
    stranger(server, ids)
    batch = sent(batch)
    ended(batch)
    assert [found.batch_id for found in Anthropic().find(batch)] == [batch.batch_id]


def test_ours_is_known_behind_a_line_that_cannot_be_read(server: AnthropicStandIn, batch: Batch) -> None:
    batch = sent(batch)
    ended(batch)
    job = server.jobs[batch.batch_id]
    job.lines = [b"\xff{", *job.lines]
    assert [found.is_certain for found in Anthropic().find(batch)] == [True]


@pytest.mark.parametrize("ids", FOREIGN_IDS)
def test_results_without_our_nonce_are_not_ours(server: AnthropicStandIn, batch: Batch, ids: str) -> None:
    """It may have been adopted while it ran, by time and size alone."""
    job = stranger(server, ids)
    with pytest.raises(NotOursError):
        list(Anthropic().results(replace(batch, batch_id=job.id)))


@pytest.mark.parametrize(
    ("shift", "is_found"),
    [
        (-CLOCK_DIFFERENCE + timedelta(minutes=1), True),
        (-CLOCK_DIFFERENCE - timedelta(minutes=1), False),
        (Anthropic.create_within + CLOCK_DIFFERENCE - timedelta(minutes=1), True),
        (Anthropic.create_within + CLOCK_DIFFERENCE + timedelta(minutes=1), False),
    ],
)
def test_a_batch_is_looked_for_around_the_time_it_was_sent(
    server: AnthropicStandIn, batch: Batch, shift: timedelta, *, is_found: bool
) -> None:
    """An hour both ways, for clocks differ; a batch of long after is somebody else's."""
    batch = sent(batch)
    server.jobs[batch.batch_id].created_at += shift
    assert bool(Anthropic().find(batch)) == is_found


def test_a_list_that_lags_or_is_down_finds_nothing_or_fails(server: AnthropicStandIn, batch: Batch) -> None:
    server.behaviour = Behaviour(listing_lag=1, list_down=True)
    batch = sent(batch)
    with pytest.raises(AmbiguousError, match="503"):
        Anthropic().find(batch)
    server.behaviour.list_down = False
    assert Anthropic().find(batch) == []
    assert len(Anthropic().find(batch)) == 1


@pytest.mark.parametrize(
    ("end_as", "status"),
    [(EndAs.EXPIRED, AnswerStatus.EXPIRED), (EndAs.CANCELLED, AnswerStatus.CANCELLED)],
)
def test_what_ended_early_has_a_line_for_every_request(
    server: AnthropicStandIn, batch: Batch, end_as: EndAs, status: AnswerStatus
) -> None:
    server.behaviour = Behaviour(end_as=end_as, answered=3)
    batch = sent(batch)
    assert ended(batch).value == end_as.value
    statuses = [Anthropic().read_answer(line).status for line in lines_of(batch)]
    assert statuses == [AnswerStatus.OK] * 3 + [status]


def test_results_that_were_deleted_are_said_to_be(
    server: AnthropicStandIn, batch: Batch, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = sent(batch)
    ended(batch)
    shown = server.shown
    gone = {"results_url": None, "archived_at": "2026-11-01T00:00:00Z"}
    monkeypatch.setattr(server, "shown", lambda job: shown(job) | gone)
    poll = Anthropic().poll(batch)
    assert (poll.state, poll.message) == (BatchState.FAILED, "Anthropic deleted the results on 2026-11-01.")
    # Whose it was cannot be told any more.
    assert [found.is_certain for found in Anthropic().find(batch)] == [False]


def test_outcomes_are_told_apart(server: AnthropicStandIn, batch: Batch) -> None:
    kinds = [Outcome.OK, Outcome.REFUSAL, Outcome.TRUNCATED, Outcome.ERROR]
    server.behaviour = Behaviour(per_request=lambda number, line: kinds[number])
    batch = sent(batch)
    ended(batch)
    answers = [Anthropic().read_answer(line) for line in lines_of(batch)]
    statuses = [AnswerStatus.OK, AnswerStatus.REFUSED, AnswerStatus.TRUNCATED, AnswerStatus.ERROR]
    assert [answer.status for answer in answers] == statuses
    # A want of credit comes like a bad prompt; the words tell.
    assert answers[3].message == "invalid_request_error: Your credit balance is too low."


def test_input_tokens_are_the_sum_of_three() -> None:
    counts = {"input_tokens": 10, "cache_creation_input_tokens": 20, "cache_read_input_tokens": 30}
    usage = {**counts, "output_tokens": 4}
    message = {"content": [{"type": "text", "text": "{}"}], "stop_reason": "end_turn", "usage": usage}
    line = cast("JsonValue", {"custom_id": "a", "result": {"type": "succeeded", "message": message}})
    assert Anthropic().read_answer(line).usage == Usage(input_tokens=60, output_tokens=4, cached_tokens=30)


def test_poison_goes_on_raw(server: AnthropicStandIn, batch: Batch) -> None:
    poison = [b"\xff\xfe{", b'{"custom_id": NaN}', '{"custom_id":"\u2028"}'.encode()]
    server.behaviour = Behaviour(poison_lines=poison, shuffle=True, duplicate=True)
    batch = sent(batch)
    ended(batch)
    lines = list(Anthropic().results(batch))
    assert len(lines) == 5 + len(poison)
    assert set(poison) < set(lines)


def test_cancelling_is_harmless_when_it_is_over(server: AnthropicStandIn, batch: Batch) -> None:
    batch = sent(batch)
    Anthropic().cancel(batch)
    assert ended(batch) == BatchState.CANCELLED
    Anthropic().cancel(batch)
    with pytest.raises(DefiniteRefusalError):
        Anthropic().cancel(replace(batch, batch_id="msgbatch_unknown"))


def test_an_answer_now_is_one_post_and_a_result_line(server: AnthropicStandIn, batch: Batch) -> None:
    line = cast("dict[str, Any]", loads_line(batch.request_file.read_bytes().splitlines()[0]))
    answer = Anthropic().read_answer(loads_line(Anthropic().answer_now(line, endpoint=batch.endpoint)))
    assert (answer.custom_id, answer.status) == (f"{NONCE}-000001", AnswerStatus.OK)
    # The SDK passes on what a batch would have sent.
    assert server.calls[-1].json() == line["params"]
    server.behaviour = Behaviour(drop_after_accept=True, every_time=True)
    with pytest.raises(AmbiguousError):
        Anthropic().answer_now(line, endpoint=batch.endpoint)
    assert server.creates == 2
