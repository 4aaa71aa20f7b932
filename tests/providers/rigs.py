"""Each provider with its stand-in, ready to be talked to by the whole application."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any

from apps.submissions.families import family_of
from apps.submissions.models import Connection
from tests.providers.standins.anthropic import AnthropicStandIn
from tests.providers.standins.base import StandIn
from tests.providers.standins.bedrock import BUCKET, REGION, BedrockStandIn
from tests.providers.standins.google import BUCKET as GCS_BUCKET
from tests.providers.standins.google import GeminiStandIn, VertexStandIn
from tests.providers.standins.openai import AzureStandIn, CompatibleStandIn, OpenAIStandIn

KEY = "canary-provider-key-1f0c8a"


@dataclass(frozen=True, kw_only=True)
class Rig:
    """``environment`` is what the generation worker needs beside its database: hosts and keys."""

    provider: str
    server: StandIn
    model: str
    base_url: str
    environment: Mapping[str, str]
    key_name: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)

    def connect(self) -> Connection:
        connection, _ = Connection.objects.get_or_create(
            name=f"{self.provider} at {self.base_url}",
            provider=self.provider,
            model=self.model,
            family=family_of(self.model),
            base_url=self.base_url,
            key_name=self.key_name,
            settings=dict(self.settings),
        )
        return connection


@contextmanager
def _simple(provider: str, server: type[StandIn], model: str, key: str) -> Iterator[Rig]:
    with server() as running:
        yield Rig(
            provider=provider,
            server=running,
            model=model,
            base_url=running.base_url,
            key_name=key,
            environment={key: KEY, "PROVIDER_HOSTS": "127.0.0.1"},
        )


@contextmanager
def _bedrock() -> Iterator[Rig]:
    with BedrockStandIn() as running:
        yield Rig(
            provider="bedrock",
            server=running,
            model="us.amazon.nova-lite-v1:0",
            base_url=running.base_url,
            key_name="TEST_AWS_ACCESS_KEY_ID",
            settings={
                "region": REGION,
                "bucket": BUCKET,
                "role_arn": "arn:aws:iam::123456789012:role/synthreview-batches",
                "minimum_records": "5",
                "storage_url": running.storage_url,
            },
            environment={
                "TEST_AWS_ACCESS_KEY_ID": KEY,
                "TEST_AWS_SECRET_ACCESS_KEY": KEY,
                "PROVIDER_HOSTS": "127.0.0.1",
            },
        )


@contextmanager
def _vertex() -> Iterator[Rig]:
    with VertexStandIn() as running:
        yield Rig(
            provider="vertex",
            server=running,
            model="gemini-2.5-flash",
            base_url=running.base_url,
            key_name="TEST_VERTEX_CREDENTIALS",
            settings={
                "project": "project",
                "location": "us-central1",
                "bucket": GCS_BUCKET,
                "storage_url": running.storage_url,
            },
            environment={
                "TEST_VERTEX_CREDENTIALS": running.service_account(),
                "PROVIDER_HOSTS": "127.0.0.1",
            },
        )


RIGS: dict[str, Callable[[], AbstractContextManager[Rig]]] = {
    "openai": lambda: _simple("openai", OpenAIStandIn, "gpt-4o-mini", "TEST_OPENAI_API_KEY"),
    "anthropic": lambda: _simple("anthropic", AnthropicStandIn, "claude-sonnet-5", "TEST_ANTHROPIC_API_KEY"),
    "azure_openai": lambda: _simple("azure_openai", AzureStandIn, "gpt-4o-mini", "TEST_AZURE_API_KEY"),
    "vertex": _vertex,
    "gemini": lambda: _simple("gemini", GeminiStandIn, "gemini-2.5-flash", "TEST_GEMINI_API_KEY"),
    "bedrock": _bedrock,
    "openai_compatible": lambda: _simple(
        "openai_compatible", CompatibleStandIn, "qwen3:8b", "TEST_OWN_API_KEY"
    ),
}
