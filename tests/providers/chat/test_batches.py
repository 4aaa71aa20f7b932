"""OpenAI and Azure OpenAI through their SDK, against stand-ins: what their one batch interface has in common."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from apps.core.errors import DomainError
from apps.providers.base import (
    AmbiguousError,
    AnswerStatus,
    Ask,
    Batch,
    BatchState,
    DefiniteRefusalError,
    Endpoint,
    NotOursError,
    ProviderError,
)
from apps.providers.openai import OpenAI
from apps.providers.openai_batches import NONCE as TAG
from apps.providers.openai_batches import Batches
from tests.providers.chat.scene import (
    ASK,
    KEY,
    NONCE,
    OTHER_NONCE,
    answers_of,
    last_poll,
    make_batch,
    sent,
    uploaded,
)
from tests.providers.standins.base import Behaviour, EndAs, Outcome
from tests.providers.standins.openai import PAGE, OpenAIStandIn

CREATE = r"(/openai)?/v1/batches"


def test_a_batch_from_upload_to_answers(provider: Batches, server: OpenAIStandIn, batch: Batch) -> None:
    before = datetime.now(UTC)
    batch = sent(provider, batch)
    assert server.files[batch.upload] == batch.request_file.read_bytes()
    assert server.expiries[batch.upload] == str(30 * 24 * 3600)
    assert [found.batch_id for found in provider.find(batch)] == [batch.batch_id]
    assert provider.poll(batch).state == BatchState.RUNNING
    poll = last_poll(provider, batch)
    assert poll.state == BatchState.ENDED
    assert poll.results_expire_at is not None
    assert timedelta(days=29) < poll.results_expire_at - before < timedelta(days=31)
    answers = answers_of(provider, batch)
    assert sorted(answers) == [f"{NONCE}-{n:06}" for n in range(1, 5)]
    assert {answer.status for answer in answers.values()} == {AnswerStatus.OK}
    assert all(answer.usage.input_tokens and answer.usage.output_tokens for answer in answers.values())
    assert server.posts(CREATE) == server.creates == 1


def test_create_says_what_it_is_and_when_it_may_go(
    provider: Batches, server: OpenAIStandIn, batch: Batch
) -> None:
    batch = sent(provider, batch)
    call = next(call for call in server.calls if call.method == "POST" and call.path.endswith("/batches"))
    assert call.json() == {
        "input_file_id": batch.upload,
        "endpoint": "/v1/chat/completions",
        "completion_window": "24h",
        "metadata": {TAG: NONCE},
        "output_expires_after": {"anchor": "created_at", "seconds": 30 * 24 * 3600},
    }
    assert call.headers["authorization"] == f"Bearer {KEY}"


def test_the_request_line_is_the_documented_one(provider: Batches) -> None:
    line = provider.request_line(f"{NONCE}-000001", ASK, endpoint=Endpoint(model="gpt-4o-mini"))
    record = {
        "type": "object",
        "additionalProperties": False,
        "required": ["text", "label", "tone"],
        "properties": {
            "text": {"type": "string", "description": "at most 200 characters"},
            "label": {"type": "string", "enum": ["refund"]},
            "tone": {"anyOf": [{"type": "string", "enum": ["angry", "calm"]}, {"type": "null"}]},
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
        "method": "POST",
        "url": "/v1/chat/completions",
        "body": {
            "model": "gpt-4o-mini",
            "messages": [{"role": "user", "content": "Write 3 messages for the label refund."}],
            "max_completion_tokens": 900,
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "answer", "strict": True, "schema": schema},
            },
        },
    }


def test_a_prompt_that_is_no_text_is_refused_with_the_label(provider: Batches) -> None:
    with pytest.raises(DomainError, match="'refund'"):
        provider.request_line("x", Ask(prompt={"phrases": []}, label="refund"), endpoint=Endpoint(model="m"))


def test_find_reads_every_page(
    provider: Batches, server: OpenAIStandIn, batch: Batch, tmp_path: Path
) -> None:
    ours = sent(provider, batch)
    other = uploaded(provider, make_batch(provider, server, tmp_path, nonce=OTHER_NONCE))
    for _ in range(PAGE + 3):
        provider.create(other)
    assert [found.batch_id for found in provider.find(ours)] == [ours.batch_id]
    assert server.lists == 2
    # By its upload alone: a vendor that forgets metadata.
    for job in server.jobs.values():
        job.metadata = {}
    found = provider.find(ours)
    assert [batch.batch_id for batch in found] == [ours.batch_id]
    assert abs(found[0].created_at - datetime.now(UTC)) < timedelta(minutes=5)


def test_a_list_that_lags_shows_it_later(provider: Batches, server: OpenAIStandIn, batch: Batch) -> None:
    server.behaviour = Behaviour(listing_lag=2)
    batch = sent(provider, batch)
    assert [len(provider.find(batch)) for _ in range(3)] == [0, 0, 1]


def test_a_list_that_is_down_is_no_empty_list(provider: Batches, server: OpenAIStandIn, batch: Batch) -> None:
    server.behaviour = Behaviour(list_down=True)
    batch = sent(provider, batch)
    with pytest.raises(ProviderError):
        provider.find(batch)


def test_a_batch_that_failed_is_named_only_where_no_other_is(
    provider: Batches, server: OpenAIStandIn, batch: Batch
) -> None:
    server.behaviour = Behaviour(end_as=EndAs.FAILED)
    first = sent(provider, batch)
    assert last_poll(provider, first).state == BatchState.FAILED
    assert [found.batch_id for found in provider.find(first)] == [first.batch_id]
    server.behaviour = Behaviour()
    second = provider.create(first)
    assert [found.batch_id for found in provider.find(first)] == [second.batch_id]


def test_a_batch_that_is_to_be_sent_again_is_never_taken_for_the_next_one(
    provider: Batches, server: OpenAIStandIn, batch: Batch
) -> None:
    """The list shows the old one and not yet the new one: whoever adopted it would send a third time."""
    server.fail_code = "token_limit_exceeded"
    server.behaviour = Behaviour(end_as=EndAs.FAILED)
    batch = sent(provider, batch)
    assert last_poll(provider, batch).state == BatchState.DEFERRED
    server.behaviour = Behaviour(drop_after_accept=True)
    with pytest.raises(AmbiguousError):
        provider.create(batch)
    old, new = server.jobs.values()
    old.calls_at_creation -= 100
    server.behaviour = Behaviour(listing_lag=1)
    assert provider.find(batch) == []
    assert [found.batch_id for found in provider.find(batch)] == [new.id]


def test_a_batch_that_failed_says_why_and_where(
    provider: Batches, server: OpenAIStandIn, batch: Batch
) -> None:
    server.behaviour = Behaviour(end_as=EndAs.FAILED)
    poll = last_poll(provider, sent(provider, batch))
    assert (poll.state, poll.message) == (
        BatchState.FAILED,
        "invalid_json_line: Line 1 is not valid. (line 1)",
    )


def test_a_state_that_nobody_documented_is_no_end(
    provider: Batches, server: OpenAIStandIn, batch: Batch
) -> None:
    batch = sent(provider, batch)
    server.jobs[batch.batch_id].steps = ["thinking", "completed"]
    assert provider.poll(batch).state == BatchState.RUNNING
    assert provider.poll(batch).state == BatchState.ENDED


def test_lines_come_raw_in_any_order_poison_and_doubles_included(
    provider: Batches, server: OpenAIStandIn, batch: Batch
) -> None:
    poison = [b"{", b"\xff\xfe", b'{"custom_id":"\\ud800"}', b'{"a":"\xe2\x80\xa8"}', b""]
    server.behaviour = Behaviour(poison_lines=poison, shuffle=True, duplicate=True)
    batch = sent(provider, batch)
    last_poll(provider, batch)
    lines = Counter(provider.results(batch))
    assert all(lines[line] == 1 for line in poison)
    ours = [json.loads(line)["custom_id"] for line in (lines - Counter(poison)).elements()]
    assert Counter(Counter(ours).values()) == {1: 3, 2: 1}


def test_an_error_file_alone_is_read(provider: Batches, server: OpenAIStandIn, batch: Batch) -> None:
    server.behaviour = Behaviour(error_file_only=True, empty_ids=True)
    batch = sent(provider, batch)
    assert last_poll(provider, batch).state == BatchState.ENDED
    answers = answers_of(provider, batch)
    assert len(answers) == 4
    assert {answer.status for answer in answers.values()} == {AnswerStatus.ERROR}
    assert next(iter(answers.values())).message == "server_error: The model broke."


@pytest.mark.parametrize("are_empty_ids", [True, False])
def test_neither_file_is_no_line(
    provider: Batches, server: OpenAIStandIn, batch: Batch, *, are_empty_ids: bool
) -> None:
    server.behaviour = Behaviour(empty_ids=are_empty_ids)
    batch = sent(provider, batch)
    last_poll(provider, batch)
    job = server.jobs[batch.batch_id]
    job.output_file_id = job.error_file_id = None
    assert list(provider.results(batch)) == []


def test_what_an_expired_batch_did_comes_with_what_it_did_not(
    provider: Batches, server: OpenAIStandIn, batch: Batch
) -> None:
    server.behaviour = Behaviour(end_as=EndAs.EXPIRED, answered=1)
    batch = sent(provider, batch)
    assert last_poll(provider, batch).state == BatchState.EXPIRED
    statuses = Counter(answer.status for answer in answers_of(provider, batch).values())
    assert statuses == {AnswerStatus.OK: 1, AnswerStatus.EXPIRED: 3}


def test_a_cancelled_batch_keeps_what_was_done(
    provider: Batches, server: OpenAIStandIn, batch: Batch
) -> None:
    server.behaviour = Behaviour(answered=2)
    batch = sent(provider, batch)
    provider.cancel(batch)
    assert last_poll(provider, batch).state == BatchState.CANCELLED
    assert len(answers_of(provider, batch)) == 2
    provider.cancel(batch)


def test_a_cancel_that_is_refused_while_it_runs_is_an_error(
    provider: Batches, server: OpenAIStandIn, batch: Batch
) -> None:
    batch = sent(provider, batch)
    with pytest.raises(DefiniteRefusalError):
        provider.cancel(replace(batch, batch_id="batch_9"))
    provider.poll(batch)


def test_somebody_elses_ids_are_not_ours(
    provider: Batches, server: OpenAIStandIn, batch: Batch, tmp_path: Path
) -> None:
    theirs = sent(provider, make_batch(provider, server, tmp_path, nonce=OTHER_NONCE))
    last_poll(provider, theirs)
    with pytest.raises(NotOursError):
        list(provider.results(replace(batch, batch_id=theirs.batch_id)))


def test_refusals_cuts_and_filters_are_told_apart(
    provider: Batches, server: OpenAIStandIn, batch: Batch
) -> None:
    kinds = [Outcome.REFUSAL, Outcome.TRUNCATED, Outcome.FILTERED, Outcome.ERROR]
    server.behaviour = Behaviour(per_request=lambda number, line: kinds[number])
    batch = sent(provider, batch)
    last_poll(provider, batch)
    answers = answers_of(provider, batch)
    assert [answers[f"{NONCE}-{n:06}"].status for n in range(1, 5)] == [
        AnswerStatus.REFUSED,
        AnswerStatus.TRUNCATED,
        AnswerStatus.FILTERED,
        AnswerStatus.ERROR,
    ]
    assert answers[f"{NONCE}-000001"].message == "I cannot help with that."
    assert answers[f"{NONCE}-000002"].usage.output_tokens > 0


def test_a_file_that_is_gone_is_said(provider: Batches, server: OpenAIStandIn, batch: Batch) -> None:
    batch = sent(provider, batch)
    last_poll(provider, batch)
    server.files = {}
    with pytest.raises(DefiniteRefusalError, match="No such file"):
        list(provider.results(batch))


def test_an_answer_now_is_one_post_in_the_form_of_a_result(
    provider: Batches, server: OpenAIStandIn, batch: Batch
) -> None:
    line = provider.request_line(f"{NONCE}-000001", ASK, endpoint=batch.endpoint)
    answer = provider.read_answer(json.loads(provider.answer_now(line, endpoint=batch.endpoint)))
    assert (answer.custom_id, answer.status) == (f"{NONCE}-000001", AnswerStatus.OK)
    assert answer.usage.output_tokens > 0
    assert server.calls[-1].json() == line["body"]
    assert server.posts(r".*/chat/completions") == 1


def test_openai_knows_its_prices_and_limits() -> None:
    provider = OpenAI()
    endpoint = Endpoint(model="gpt-4o-mini")
    assert provider.limits(endpoint).requests == 50_000
    assert provider.limits(endpoint).bytes <= 200_000_000
    full, half = (provider.price("gpt-4o-mini", is_batch=is_batch) for is_batch in (False, True))
    assert full
    assert half
    assert (half.input * 2, half.output * 2, half.is_guess) == (full.input, full.output, False)
    assert provider.price("no-such-model", is_batch=True) is None
    count = provider.count_tokens(provider.request_line("x", ASK, endpoint=endpoint))
    assert count.is_guess
    assert 100 < count.tokens < 300
