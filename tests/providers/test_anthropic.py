"""Anthropic's batches carry no tag: what is ours is told by time, size and, once ended, by the ids in the results."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import anthropic
import pytest

from apps.core.strict_json import canonical_dumps
from apps.providers.anthropic import Anthropic
from apps.providers.anthropic_schema import anthropic_schema
from apps.providers.base import AmbiguousError, Ask, Batch, NotOursError, ProviderError
from apps.providers.structured import records_schema, strict_schema
from apps.submissions.request_files import custom_id_of
from tests.providers.matrix import worker_environment
from tests.providers.rigs import KEY, RIGS, Rig
from tests.providers.standins.anthropic import AnthropicStandIn
from tests.providers.standins.base import Behaviour, Reply, Request, Route, StandIn

ASK = Ask(
    prompt="Write 2 messages.",
    schema=records_schema(
        {
            "type": "object",
            "required": ["input", "output"],
            "properties": {
                "input": {"type": "object", "required": ["text"], "properties": {"text": {"type": "string"}}},
                "output": {"type": "object", "properties": {"note": {"type": "string", "maxLength": 9}}},
            },
        }
    ),
)
NONCE = "ab" * 16


@pytest.fixture
def rig() -> Iterator[Rig]:
    with RIGS["anthropic"]() as rig, worker_environment(rig):
        yield rig


@pytest.fixture
def server(rig: Rig) -> AnthropicStandIn:
    assert isinstance(rig.server, AnthropicStandIn)
    return rig.server


@pytest.fixture
def batch(rig: Rig, tmp_path: Path, db: None) -> Batch:
    endpoint = rig.connect().endpoint
    file = tmp_path / "requests.jsonl"
    lines = [Anthropic().request_line(custom_id_of(NONCE, n), ASK, endpoint=endpoint) for n in (1, 2)]
    file.write_bytes(b"".join(canonical_dumps(line) + b"\n" for line in lines))
    return Batch(
        nonce=NONCE, endpoint=endpoint, request_file=file, request_count=2, sent_at=datetime.now(UTC)
    )


def strangers(server: AnthropicStandIn, number: int) -> None:
    """Batches of another user of the workspace, as large as ours."""
    for _ in range(number):
        server.add([{"custom_id": custom_id_of("cd" * 16, n), "params": line_of(n)} for n in (1, 2)])


def line_of(number: int) -> dict[str, object]:
    return {
        "model": "claude-sonnet-5",
        "max_tokens": 9,
        "messages": [{"role": "user", "content": str(number)}],
    }


def end_all(server: AnthropicStandIn) -> None:
    for job in server.jobs.values():
        server.finish(job)


def test_while_they_run_all_of_our_size_are_likely_and_none_is_certain(
    batch: Batch, server: AnthropicStandIn
) -> None:
    strangers(server, 1)
    made = Anthropic().create(batch)
    found = Anthropic().find(batch)
    assert {each.is_certain for each in found} == {False}
    assert made.batch_id in {each.batch_id for each in found}
    assert len(found) == 2


def test_once_ended_only_ours_is_found_on_whatever_page(batch: Batch, server: AnthropicStandIn) -> None:
    made = Anthropic().create(batch)
    strangers(server, 25)
    end_all(server)
    (found,) = Anthropic().find(batch)
    assert (found.batch_id, found.is_certain) == (made.batch_id, True)


def test_older_and_other_sized_ones_are_nobody_of_ours(batch: Batch, server: AnthropicStandIn) -> None:
    strangers(server, 1)
    next(iter(server.jobs.values())).created_at -= timedelta(hours=2)
    server.add([{"custom_id": "x", "params": line_of(1)}])
    assert Anthropic().find(batch) == []


def test_results_with_other_ids_are_not_ours(batch: Batch, server: AnthropicStandIn) -> None:
    strangers(server, 1)
    end_all(server)
    theirs = replace(batch, batch_id=next(iter(server.jobs)))
    with pytest.raises(NotOursError):
        list(Anthropic().results(theirs))


class Elsewhere(StandIn):
    """Another host that would take a key."""

    def routes(self) -> list[Route]:
        return [("GET", ".*", self.take)]

    def take(self, request: Request) -> Reply:
        return Reply(body=b"")


def test_the_key_goes_to_no_other_host_that_a_batch_names(
    batch: Batch, server: AnthropicStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """results_url is asked as it stands, with the key, and this one is on a host that the operator allows: for a
    server of their own, whose business this vendor's key is not (threat 39)."""
    sent = replace(batch, batch_id=Anthropic().create(batch).batch_id)
    end_all(server)
    with Elsewhere() as other:
        server.results_host = other.url
        with pytest.raises(ProviderError, match="Nothing was sent"):
            list(Anthropic().results(sent))
        assert other.calls == []
        monkeypatch.setattr("apps.providers.anthropic._only_to", lambda base_url: lambda request: None)
        list(Anthropic().results(sent))
        assert any(KEY in value for call in other.calls for value in call.headers.values()), (
            "the negative control"
        )


def test_a_lost_answer_is_one_post_and_the_sdk_alone_would_make_three(
    batch: Batch, server: AnthropicStandIn
) -> None:
    server.behaviour = Behaviour(status_after_accept=500, every_time=True)
    with pytest.raises(AmbiguousError):
        Anthropic().create(batch)
    assert server.creates == 1
    plain = anthropic.Anthropic(api_key=KEY, base_url=server.url)
    with pytest.raises(anthropic.InternalServerError):
        plain.messages.batches.create(requests=[])
    assert server.creates == 1 + 3


def test_our_schema_is_what_the_sdk_would_make_of_it() -> None:
    """The SDK's own has no list of types: an optional field is told apart from it here, as ``anyOf``."""
    inner = {
        "type": "object",
        "required": ["note"],
        "properties": {"note": {"type": "string", "maxLength": 9}},
    }
    schema = strict_schema(records_schema(inner))
    assert anthropic_schema(records_schema(inner)) == anthropic.transform_schema(schema)
    assert "'anyOf'" in str(anthropic_schema(ASK.schema))
