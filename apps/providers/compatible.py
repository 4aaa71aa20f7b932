"""Servers that speak OpenAI's chat completions: vLLM, Ollama, llama.cpp, a gateway. They have no batches."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import NoReturn

from apps.providers.base import (
    Batch,
    Created,
    DefiniteRefusalError,
    Endpoint,
    Found,
    Limits,
    Poll,
    TokenPrice,
)
from apps.providers.keys import key_of
from apps.providers.openai_chat import RECORDS_PER_REQUEST, ChatCompletions

# The SDK wants some key; such a server wants none.
NO_KEY = "none"


class Compatible(ChatCompletions):
    key = "openai_compatible"
    title = "OpenAI-compatible server"
    hosts: tuple[str, ...] = ()
    needs_base_url = True
    default_key_name = ""
    has_batches = False
    window: timedelta | None = None
    results_kept: timedelta | None = None
    poll_every = timedelta(seconds=10)
    token_limit_name = "max_tokens"  # noqa: S105  a field of a request

    def limits(self, endpoint: Endpoint) -> Limits:
        """Ours: so many requests that losing track of one submission is no disaster."""
        return Limits(requests=2_000, bytes=50_000_000, records_per_request=RECORDS_PER_REQUEST)

    def price(self, model: str, *, is_batch: bool) -> TokenPrice | None:
        """Of one's own server nobody lists a price; for a gateway that bills, the team enters one."""
        return None

    def api_key(self, endpoint: Endpoint) -> str:
        return key_of(endpoint, self.default_key_name) if endpoint.key_name else NO_KEY

    def upload(self, batch: Batch) -> str:
        self._refuse()

    def create(self, batch: Batch) -> Created:
        self._refuse()

    def find(self, batch: Batch) -> list[Found]:
        return []

    def poll(self, batch: Batch) -> Poll:
        self._refuse()

    def results(self, batch: Batch) -> Iterator[bytes]:
        self._refuse()

    def cancel(self, batch: Batch) -> None:
        """Nothing goes on there that could be stopped."""

    def _refuse(self) -> NoReturn:
        raise DefiniteRefusalError(f"{self.title} has no batches: its requests are posted one by one.")
