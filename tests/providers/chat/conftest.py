"""Everything here runs once against OpenAI's stand-in and once against Azure's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django import Settings

from apps.providers.base import Batch
from apps.providers.openai_batches import Batches
from tests.providers.chat.scene import KEY, ImpatientAzure, ImpatientOpenAI, make_batch
from tests.providers.standins.openai import AzureStandIn, OpenAIStandIn

PAIRS: dict[str, tuple[Batches, type[OpenAIStandIn]]] = {
    "openai": (ImpatientOpenAI(), OpenAIStandIn),
    "azure": (ImpatientAzure(), AzureStandIn),
}


@pytest.fixture(autouse=True)
def _worker(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    """This process has a key, and its operator lists this machine."""
    monkeypatch.setenv("TEST_CHAT_API_KEY", KEY)
    settings.PROVIDER_HOSTS = ("127.0.0.1",)


@pytest.fixture(params=PAIRS)
def pair(request: pytest.FixtureRequest) -> Iterator[tuple[Batches, OpenAIStandIn]]:
    provider, kind = PAIRS[request.param]
    with kind() as server:
        yield provider, server


@pytest.fixture
def provider(pair: tuple[Batches, OpenAIStandIn]) -> Batches:
    return pair[0]


@pytest.fixture
def server(pair: tuple[Batches, OpenAIStandIn]) -> OpenAIStandIn:
    return pair[1]


@pytest.fixture
def batch(provider: Batches, server: OpenAIStandIn, tmp_path: Path) -> Batch:
    return make_batch(provider, server, tmp_path)
