"""One POST, whatever answers it: OpenAI and Azure OpenAI through their SDK, against stand-ins that misbehave."""

from __future__ import annotations

import logging
import socket
from dataclasses import replace
from datetime import timedelta

import openai
import pytest
from pytest_django import Settings

from apps.providers.base import (
    AmbiguousError,
    Batch,
    DefiniteRefusalError,
    RetryLaterError,
)
from apps.providers.keys import MissingKeyError
from apps.providers.openai_batches import Batches
from apps.providers.openai_errors import WAIT_FOR_CREDIT, WAIT_FOR_FILE, WAIT_FOR_TOKENS
from tests.providers.chat.scene import (
    KEY,
    sent,
    uploaded,
)
from tests.providers.standins.base import Behaviour
from tests.providers.standins.openai import OpenAIStandIn

CREATE = r"(/openai)?/v1/batches"


@pytest.mark.parametrize(
    ("fault", "made"),
    [
        (Behaviour(drop_after_accept=True), 1),
        (Behaviour(hang_after_accept=True), 1),
        (Behaviour(status_after_accept=500), 1),
        (Behaviour(status_after_accept=503), 1),
        (Behaviour(status_after_accept=408), 1),
        (Behaviour(status_after_accept=409), 1),
        (Behaviour(drop_before_accept=True), 0),
    ],
    ids=["dropped after", "hangs", "500", "503", "408", "409", "dropped before"],
)
def test_an_unclear_answer_is_one_post_and_found_by_listing(
    provider: Batches, server: OpenAIStandIn, batch: Batch, fault: Behaviour, made: int
) -> None:
    batch = uploaded(provider, batch)
    server.behaviour = fault
    with pytest.raises(AmbiguousError):
        provider.create(batch)
    assert server.posts(CREATE) == 1
    assert [found.batch_id for found in provider.find(batch)] == list(server.jobs)
    assert len(server.jobs) == made


def test_the_sdk_left_to_itself_posts_three_times(server: OpenAIStandIn) -> None:
    """The negative control of the test above: without max_retries=0 the same fault makes three batches."""
    server.files["file-1"] = b""
    server.behaviour = Behaviour(drop_after_accept=True, every_time=True)
    with (
        openai.OpenAI(api_key=KEY, base_url=server.base_url) as client,
        pytest.raises(openai.APIConnectionError),
    ):
        client.batches.create(
            input_file_id="file-1", endpoint="/v1/chat/completions", completion_window="24h"
        )
    assert server.posts(CREATE) == len(server.jobs) == 3


@pytest.mark.parametrize(
    ("status", "error", "headers", "after"),
    [
        (429, {"message": "Slow down."}, {"Retry-After": "77"}, timedelta(seconds=77)),
        (429, {"message": "Slow down."}, {}, timedelta(minutes=1)),
        (429, {"message": "No credit.", "code": "insufficient_quota"}, {}, WAIT_FOR_CREDIT),
        (400, {"message": "Too many.", "code": "token_limit_exceeded"}, {}, WAIT_FOR_TOKENS),
        (400, {"message": "Enqueued token limit reached for gpt-4o-mini."}, {}, WAIT_FOR_TOKENS),
        (400, {"message": "Cannot find file file-1, or it is not accessible."}, {}, WAIT_FOR_FILE),
    ],
)
def test_not_now_made_nothing_and_says_how_long_to_wait(
    provider: Batches,
    server: OpenAIStandIn,
    batch: Batch,
    status: int,
    error: dict[str, str],
    headers: dict[str, str],
    after: timedelta,
) -> None:
    batch = uploaded(provider, batch)
    server.behaviour = Behaviour(refuse=(status, {"error": error}, headers))
    with pytest.raises(RetryLaterError, match=error["message"][:8]) as raised:
        provider.create(batch)
    assert raised.value.after == after
    assert (server.creates, len(server.jobs)) == (1, 0)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 422])
def test_a_definite_no_carries_the_reason_and_never_the_key(
    provider: Batches, server: OpenAIStandIn, batch: Batch, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    batch = uploaded(provider, batch)
    server.behaviour = Behaviour(refuse=(status, {"error": {"message": f"Bad key {KEY}.", "code": None}}, {}))
    with (
        caplog.at_level(logging.DEBUG),
        pytest.raises(DefiniteRefusalError, match=r"Bad key \[key\]") as raised,
    ):
        provider.create(batch)
    assert KEY not in repr(raised.value) + caplog.text
    assert raised.value.__cause__ is None
    assert raised.value.__suppress_context__
    assert server.creates == 1


@pytest.mark.parametrize(
    "reply",
    [
        (200, {}, {}),
        (200, {"id": ""}, {}),
        (302, {}, {"Location": "/v1/elsewhere"}),
        (307, {}, {"Location": "/v1/elsewhere"}),
    ],
    ids=["no id", "empty id", "302", "307"],
)
def test_what_cannot_be_understood_is_unclear_and_no_redirect_is_followed(
    provider: Batches,
    server: OpenAIStandIn,
    batch: Batch,
    reply: tuple[int, dict[str, str], dict[str, str]],
) -> None:
    batch = uploaded(provider, batch)
    server.behaviour = Behaviour(refuse=reply)
    with pytest.raises(AmbiguousError):
        provider.create(batch)
    assert server.calls[-1].path.endswith("/batches")


def test_nothing_is_sent_to_a_host_that_the_operator_did_not_list(
    provider: Batches, server: OpenAIStandIn, batch: Batch, settings: Settings
) -> None:
    batch = uploaded(provider, batch)
    settings.PROVIDER_HOSTS = ()
    with pytest.raises(DefiniteRefusalError, match="PROVIDER_HOSTS"):
        provider.create(batch)
    assert server.creates == 0


def test_no_connection_is_no_post(provider: Batches, batch: Batch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    nowhere = replace(batch.endpoint, base_url=f"http://127.0.0.1:{port}/v1")
    with pytest.raises(RetryLaterError, match="Nothing was sent"):
        provider.create(replace(batch, endpoint=nowhere, upload="file-1"))


def test_a_missing_key_names_its_variable(
    provider: Batches, batch: Batch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TEST_CHAT_API_KEY")
    with pytest.raises(MissingKeyError, match="TEST_CHAT_API_KEY"):
        provider.upload(batch)


def test_the_environment_of_the_sdk_changes_neither_address_nor_key(
    provider: Batches, server: OpenAIStandIn, batch: Batch, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {
        "OPENAI_API_KEY": "canary-other-key",
        "OPENAI_ADMIN_KEY": "canary-other-key",
        "OPENAI_ORG_ID": "canary-organisation",
        "OPENAI_PROJECT_ID": "canary-project",
        "OPENAI_BASE_URL": "http://127.0.0.1:9/elsewhere",
        "OPENAI_CUSTOM_HEADERS": "Authorization: Bearer canary-other-key",
    }.items():
        monkeypatch.setenv(name, value)
    sent(provider, batch)
    for call in server.calls:
        assert call.headers["authorization"] == f"Bearer {KEY}"
        assert "canary-o" not in str(call.headers).replace(KEY, "")
        assert "canary-p" not in str(call.headers)
