"""A batch of chat completions on disk, and the steps of its way through an adapter."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from apps.core.strict_json import canonical_dumps, loads_line
from apps.providers.azure import AzureOpenAI
from apps.providers.base import Answer, Ask, Batch, BatchState, Endpoint, Poll
from apps.providers.openai import OpenAI
from apps.providers.openai_batches import Batches
from tests.providers.standins.openai import OpenAIStandIn

KEY = "canary-openai-key-41be90"
NONCE = "0123456789abcdef0123456789abcdef"
OTHER_NONCE = "fedcba9876543210fedcba9876543210"
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
                    "tone": {"enum": ["angry", "calm"]},
                },
            },
        }
    },
}
ASK = Ask(
    prompt="Write 3 messages for the label refund.", schema=SCHEMA, label="refund", max_output_tokens=900
)


class ImpatientOpenAI(OpenAI):
    call_within = timedelta(seconds=1)


class ImpatientAzure(AzureOpenAI):
    call_within = timedelta(seconds=1)


def make_batch(
    provider: Batches, server: OpenAIStandIn, folder: Path, *, nonce: str = NONCE, count: int = 4
) -> Batch:
    endpoint = Endpoint(model="gpt-4o-mini", base_url=server.base_url, key_name="TEST_CHAT_API_KEY")
    file = folder / f"{nonce}.jsonl"
    lines = [provider.request_line(f"{nonce}-{n:06}", ASK, endpoint=endpoint) for n in range(1, count + 1)]
    file.write_bytes(b"".join(canonical_dumps(line) + b"\n" for line in lines))
    return Batch(nonce=nonce, endpoint=endpoint, request_file=file, request_count=count)


def uploaded(provider: Batches, batch: Batch) -> Batch:
    return replace(batch, upload=provider.upload(batch))


def sent(provider: Batches, batch: Batch) -> Batch:
    batch = uploaded(provider, batch)
    return replace(batch, batch_id=provider.create(batch).batch_id)


def last_poll(provider: Batches, batch: Batch) -> Poll:
    for _ in range(10):
        poll = provider.poll(batch)
        if poll.state not in {BatchState.WAITING, BatchState.RUNNING}:
            return poll
    raise AssertionError("It never ends.")


def answers_of(provider: Batches, batch: Batch) -> dict[str, Answer]:
    """By custom id, of the lines that are no poison."""
    answers = [provider.read_answer(loads_line(line)) for line in provider.results(batch)]
    return {answer.custom_id: answer for answer in answers}
