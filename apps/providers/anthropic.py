"""Anthropic's message batches. They carry neither name nor tag: a lost one is known by its time, size and results."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, cast
from urllib.parse import urlsplit

from apps.core.errors import DomainError
from apps.core.strict_json import JsonValue, canonical_dumps, loads_line
from apps.providers.anthropic_answers import read_result
from apps.providers.anthropic_schema import anthropic_schema
from apps.providers.base import (
    AmbiguousError,
    Answer,
    Ask,
    Batch,
    BatchState,
    Created,
    Endpoint,
    Found,
    JsonObject,
    Limits,
    Poll,
    ProviderError,
    Setting,
    TokenCount,
    TokenPrice,
)
from apps.providers.keys import key_of
from apps.providers.network import PORTS, HostRefusedError, http_client
from apps.providers.over_network import OverNetwork, text_of
from apps.providers.price_list import context_window, listed_price
from apps.providers.refusals import lost, refusal, without
from apps.providers.result_lines import carry_nonce, own_lines, split_lines
from apps.providers.sdk import sdk

# Claude's tokens are a little shorter than four bytes of English; a guess, like every count without a tokenizer.
BYTES_PER_TOKEN = 3.5
PAGE = 100
MAX_REQUEST_BYTES = 8_000_000
# Clocks differ: a batch that was made within an hour before we said that we send may still be ours (threat 17).
CLOCK_DIFFERENCE = timedelta(hours=1)
# From the creation of a batch on, by the documentation.
RESULTS_KEPT = timedelta(days=29)


class Anthropic(OverNetwork):
    key = "anthropic"
    title = "Anthropic"
    settings: tuple[Setting, ...] = ()
    hosts: tuple[str, ...] = ("api.anthropic.com",)
    needs_base_url = False
    default_key_name = "ANTHROPIC_API_KEY"
    tags_batches = False
    window: timedelta | None = timedelta(hours=24)
    results_kept: timedelta | None = RESULTS_KEPT

    base_url = "https://api.anthropic.com"

    def limits(self, endpoint: Endpoint) -> Limits:
        """100,000 requests and 256 MB by the vendor. A batch is one JSON body here, so it is kept to what fits
        comfortably into a worker's memory."""
        return Limits(requests=100_000, bytes=64_000_000, records_per_request=5)

    def request_line(self, custom_id: str, ask: Ask, *, endpoint: Endpoint) -> JsonObject:
        prompt = text_of(ask, asked=self.title)
        params: JsonObject = {
            "model": endpoint.model,
            "max_tokens": ask.max_output_tokens,
            "messages": [{"role": "user", "content": prompt}],
        }
        if ask.schema:
            params["output_config"] = {
                "format": {"type": "json_schema", "schema": anthropic_schema(ask.schema)}
            }
        return {"custom_id": custom_id, "params": params}

    def count_tokens(self, line: JsonObject) -> TokenCount:
        params = cast("dict[str, JsonValue]", line["params"])
        sent = canonical_dumps([params["messages"], params.get("output_config")])
        return TokenCount(tokens=int(len(sent) / BYTES_PER_TOKEN) + 1, is_guess=True)

    def price(self, model: str, *, is_batch: bool) -> TokenPrice | None:
        return listed_price(model, vendor="anthropic", is_batch=is_batch)

    def context_window(self, model: str) -> int | None:
        return context_window(model, vendor="anthropic")

    def upload(self, batch: Batch) -> str:
        return ""

    def create(self, batch: Batch) -> Created:
        with batch.request_file.open("rb") as file:
            requests = [loads_line(line.rstrip(b"\n"), max_bytes=MAX_REQUEST_BYTES) for line in file]
        with self._client(batch.endpoint, self.call_within) as client:
            made = client.messages.batches.create(requests=requests)
        if not made.id:
            raise AmbiguousError(f"{self.title} answered without the id of a batch.")
        return Created(made.id)

    def find(self, batch: Batch) -> list[Found]:
        """Batches of our size since we sent; those that have ended are asked whose ids they carry."""
        found = []
        with self._client(batch.endpoint, self.call_within) as client:
            for listed in client.messages.batches.list(limit=PAGE):
                # "Most recently created batches are returned first."
                if batch.sent_at and listed.created_at < batch.sent_at - CLOCK_DIFFERENCE:
                    break
                if (
                    batch.sent_at
                    and listed.created_at > batch.sent_at + self.create_within + CLOCK_DIFFERENCE
                ):
                    continue
                if _total(listed) != batch.request_count:
                    continue
                if listed.processing_status != "ended" or not listed.results_url:
                    found.append(Found(listed.id, listed.created_at, is_certain=False))
                elif carry_nonce(self._lines(batch, listed.id), batch.nonce):
                    found.append(Found(listed.id, listed.created_at))
        return found

    def poll(self, batch: Batch) -> Poll:
        """``ended`` is the only end; how it came about is said per request."""
        with self._client(batch.endpoint, self.call_within) as client:
            found = client.messages.batches.retrieve(batch.batch_id)
        if found.processing_status != "ended":
            return Poll(BatchState.RUNNING)
        if found.archived_at:
            return Poll(
                BatchState.FAILED, f"{self.title} deleted the results on {found.archived_at:%Y-%m-%d}."
            )
        if not found.results_url:
            return Poll(BatchState.RUNNING, "It has ended, and its results are not there yet.")
        expire_at = found.created_at + RESULTS_KEPT
        counts = found.request_counts
        if found.cancel_initiated_at:
            return Poll(BatchState.CANCELLED, "Cancelled at the provider.", expire_at)
        if counts.expired:
            return Poll(BatchState.EXPIRED, f"{counts.expired:,} requests expired.", expire_at)
        return Poll(BatchState.ENDED, "", expire_at)

    def results(self, batch: Batch) -> Iterator[bytes]:
        return own_lines(self._lines(batch, batch.batch_id), batch.nonce, is_tagged=self.tags_batches)

    def _lines(self, batch: Batch, batch_id: str) -> Iterator[bytes]:
        """As they come. The SDK asks the address that the batch names, with the key: see ``_only_to``."""
        with (
            self._client(batch.endpoint, self.call_within) as client,
            client.messages.batches.with_streaming_response.results(batch_id) as response,
        ):
            yield from split_lines(response.iter_bytes())

    def read_answer(self, line: JsonValue) -> Answer:
        return read_result(line)

    def cancel(self, batch: Batch) -> None:
        try:
            with self._client(batch.endpoint, self.call_within) as client:
                client.messages.batches.cancel(batch.batch_id)
        except ProviderError:
            if self.poll(batch).state in {BatchState.WAITING, BatchState.RUNNING}:
                raise

    def answer_now(self, line: JsonObject, *, endpoint: Endpoint) -> bytes:
        params = cast("dict[str, Any]", line["params"])
        with (
            self._client(endpoint, self.answer_within) as client,
            client.messages.with_streaming_response.create(**params) as response,
        ):
            said = b"".join(response.iter_bytes()).replace(b"\r", b" ").replace(b"\n", b" ")
        custom_id = canonical_dumps(line["custom_id"])
        return b'{"custom_id":%b,"result":{"type":"succeeded","message":%b}}' % (custom_id, said)

    @contextmanager
    def _client(self, endpoint: Endpoint, within: timedelta) -> Iterator[Any]:
        """An SDK client that posts once, follows nobody and raises in the machine's words.

        Errors come without their cause: it holds the request with its key, and may quote it.
        """
        anthropic, key = sdk("anthropic"), key_of(endpoint, self.default_key_name)
        seconds = within.total_seconds()
        base_url = endpoint.base_url or self.base_url
        http = http_client(self.hosts, timeout=seconds)
        http.event_hooks = {"request": [_only_to(base_url)]}
        try:
            with (
                http,
                anthropic.Anthropic(
                    api_key=key,
                    base_url=base_url,
                    http_client=http,
                    max_retries=0,
                    timeout=seconds,
                ) as client,
            ):
                yield client
        except (DomainError, ProviderError):
            raise
        except anthropic.APIStatusError as error:
            message = without(_said(error), (key,))
            raise refusal(
                error.status_code, message, retry_after=error.response.headers.get("retry-after", "")
            ) from None
        except Exception as error:  # noqa: BLE001  nobody knows what the provider did
            raise lost(error, f"{self.title} gave no clear answer ({type(error).__name__}).") from None


def _only_to(base_url: str) -> Callable[[Any], None]:
    """A hook that lets requests go to one server alone: that a host is allowed makes it no owner of this key."""
    home = _origin(base_url)

    def check(request: Any) -> None:
        if (there := _origin(str(request.url))) != home:
            raise HostRefusedError(
                f"Nothing was sent: it would go to {there[1]}, and the key is for {home[1]}."
            )

    return check


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or PORTS.get(parts.scheme)


def _total(listed: Any) -> int:
    counts = listed.request_counts
    return sum((counts.processing, counts.succeeded, counts.errored, counts.canceled, counts.expired))


def _said(error: Any) -> str:
    """The vendor's own sentence, without the request around it."""
    body = error.body
    inner = body.get("error") if isinstance(body, dict) else None
    return str(inner.get("message")) if isinstance(inner, dict) else str(error.message)
