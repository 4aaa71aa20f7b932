"""Where Azure OpenAI is not like OpenAI. What they share is in the other files of this folder."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from apps.core.errors import DomainError
from apps.providers.azure import AzureOpenAI
from apps.providers.base import AnswerStatus, BatchState, DefiniteRefusalError, Endpoint
from apps.providers.network import check_base_url
from tests.providers.chat.scene import ASK, NONCE, answers_of, last_poll, make_batch, sent
from tests.providers.standins.base import Behaviour, EndAs
from tests.providers.standins.openai import AzureStandIn

AZURE = AzureOpenAI()
ENDPOINT = Endpoint(model="our-batch-deployment")


@pytest.fixture
def azure_server() -> Iterator[AzureStandIn]:
    with AzureStandIn() as server:
        yield server


def nested(levels: int) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(levels):
        schema = {"type": "object", "properties": {"inner": schema}, "required": ["inner"]}
    return schema


def test_lines_without_id_and_an_empty_error_file_are_read(
    azure_server: AzureStandIn, tmp_path: Path
) -> None:
    azure_server.behaviour = Behaviour(empty_ids=True)
    batch = sent(AZURE, make_batch(AZURE, azure_server, tmp_path))
    last_poll(AZURE, batch)
    job = azure_server.jobs[batch.batch_id]
    assert azure_server.files[str(job.error_file_id)] == b""
    assert b'"id": "batch_req' not in azure_server.files[str(job.output_file_id)]
    assert {answer.status for answer in answers_of(AZURE, batch).values()} == {AnswerStatus.OK}


def test_the_request_file_has_no_byte_order_mark_and_names_the_deployment(
    azure_server: AzureStandIn, tmp_path: Path
) -> None:
    batch = make_batch(AZURE, azure_server, tmp_path)
    line = AZURE.request_line("x", ASK, endpoint=ENDPOINT)
    assert batch.request_file.read_bytes().startswith(b"{")
    assert isinstance(line["body"], dict)
    assert line["body"]["model"] == "our-batch-deployment"


def test_a_full_queue_after_validation_is_to_be_sent_again(
    azure_server: AzureStandIn, tmp_path: Path
) -> None:
    azure_server.fail_code = "token_limit_exceeded"
    azure_server.behaviour = Behaviour(end_as=EndAs.FAILED)
    poll = last_poll(AZURE, sent(AZURE, make_batch(AZURE, azure_server, tmp_path)))
    assert poll.state == BatchState.DEFERRED
    assert poll.message.startswith("token_limit_exceeded: ")


def test_a_batch_that_azure_never_expires_is_said_to_be_late(
    azure_server: AzureStandIn, tmp_path: Path
) -> None:
    batch = sent(AZURE, make_batch(AZURE, azure_server, tmp_path))
    assert AZURE.poll(batch).message == ""
    late = replace(batch, sent_at=datetime.now(UTC) - timedelta(days=3))
    poll = AZURE.poll(late)
    assert poll.state == BatchState.RUNNING
    assert "3 days" in poll.message
    assert "cancel" in poll.message


def test_a_filtered_prompt_is_an_answer_and_any_other_no_is_a_refusal(azure_server: AzureStandIn) -> None:
    endpoint = Endpoint(model="m", base_url=azure_server.base_url, key_name="TEST_CHAT_API_KEY")
    line = AZURE.request_line(f"{NONCE}-000001", ASK, endpoint=endpoint)
    filtered = {"error": {"code": "content_filter", "message": "The prompt was filtered."}}
    azure_server.behaviour = Behaviour(refuse=(400, filtered, {}))
    answer = AZURE.read_answer(json.loads(AZURE.answer_now(line, endpoint=endpoint)))
    assert (answer.custom_id, answer.status) == (f"{NONCE}-000001", AnswerStatus.FILTERED)
    azure_server.behaviour = Behaviour(refuse=(400, {"error": {"message": "no such deployment"}}, {}))
    with pytest.raises(DefiniteRefusalError, match="no such deployment"):
        AZURE.answer_now(line, endpoint=endpoint)
    assert azure_server.creates == 2


def test_a_schema_that_azure_refuses_is_refused_before_it_is_sent() -> None:
    AZURE.request_line("x", replace(ASK, schema=nested(5)), endpoint=ENDPOINT)
    wide: dict[str, Any] = {
        "type": "object",
        "properties": {f"field_{n}": {"type": "string"} for n in range(101)},
    }
    circle: dict[str, Any] = {
        "$ref": "#/$defs/node",
        "$defs": {"node": {"properties": {"next": {"$ref": "#/$defs/node"}}}},
    }
    rooted: dict[str, Any] = {
        "type": "object",
        "properties": {"node": {"$ref": "#/$defs/node"}},
        "$defs": circle["$defs"],
    }
    for schema in (nested(6), wide, rooted):
        with pytest.raises(DomainError, match="100 fields and 5 levels"):
            AZURE.request_line("x", replace(ASK, schema=schema), endpoint=ENDPOINT)


@pytest.mark.parametrize(
    ("url", "is_taken"),
    [
        ("https://ours.openai.azure.com/openai/v1/", True),
        ("https://ours.cognitiveservices.azure.com/openai/v1/", True),
        ("https://ours.services.ai.azure.com/openai/v1/", True),
        ("http://ours.openai.azure.com/openai/v1/", False),
        ("https://ours.openai.azure.com.example.net/openai/v1/", False),
        ("https://openai.azure.com/openai/v1/", False),
    ],
)
def test_its_address_is_at_azure(url: str, *, is_taken: bool) -> None:
    assert AZURE.needs_base_url
    if is_taken:
        check_base_url(url, hosts=AZURE.hosts)
        return
    with pytest.raises(DomainError):
        check_base_url(url, hosts=AZURE.hosts)


def test_its_prices_are_openais_and_called_guesses() -> None:
    full, half = (AZURE.price("gpt-4o-mini", is_batch=is_batch) for is_batch in (False, True))
    assert full
    assert half
    assert (half.input * 2, full.is_guess, half.is_guess) == (full.input, True, True)
    assert AZURE.price("our-batch-deployment", is_batch=True) is None
    assert AZURE.limits(ENDPOINT).requests == 100_000
