"""Google's Gemini Developer API: batches from an uploaded file, found again by their display name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, cast

from apps.core.errors import DomainError
from apps.core.strict_json import JsonValue, StrictJsonError, canonical_dumps, loads_line
from apps.providers.base import (
    AmbiguousError,
    Answer,
    Ask,
    Batch,
    BatchState,
    Created,
    DefiniteRefusalError,
    Endpoint,
    Found,
    JsonObject,
    Limits,
    Poll,
    Setting,
    TokenCount,
    TokenPrice,
    UnreadableAnswerError,
    require_fields,
)
from apps.providers.google_answers import LONGEST_MESSAGE, error_answer, read_response
from apps.providers.google_calls import (
    calling,
    display_name,
    every_job,
    genai_client,
    generate_once,
    is_over,
    made_at,
    state_of,
)
from apps.providers.google_requests import count_request, generate_request
from apps.providers.keys import key_of
from apps.providers.network import http_client
from apps.providers.over_network import OverNetwork
from apps.providers.price_list import context_window, listed_price
from apps.providers.refusals import refusal
from apps.providers.result_lines import own_lines, split_lines

VENDOR_URL = "https://generativelanguage.googleapis.com"
API_VERSION = "v1"
FILES_KEPT = timedelta(hours=48)


class Gemini(OverNetwork):
    key = "gemini"
    title = "Google Gemini API"
    settings: tuple[Setting, ...] = ()
    hosts: tuple[str, ...] = ("generativelanguage.googleapis.com",)
    needs_base_url = False
    default_key_name = "GEMINI_API_KEY"
    # The documented target. A batch is given up at twice of that.
    window: timedelta | None = timedelta(hours=24)
    results_kept: timedelta | None = FILES_KEPT

    def limits(self, endpoint: Endpoint) -> Limits:
        """Google takes 2 GB; but it counts a batch against a limit of enqueued tokens per model, and one that is
        larger than that limit would wait for ever."""
        return Limits(requests=5_000, bytes=50_000_000, records_per_request=5)

    def request_line(self, custom_id: str, ask: Ask, *, endpoint: Endpoint) -> JsonObject:
        return {"key": custom_id, "request": generate_request(ask)}

    def count_tokens(self, line: JsonObject) -> TokenCount:
        return count_request(line["request"])

    def price(self, model: str, *, is_batch: bool) -> TokenPrice | None:
        name = model.removeprefix("models/")
        return listed_price(name, vendor="google", is_batch=is_batch)

    def context_window(self, model: str) -> int | None:
        return context_window(model.removeprefix("models/"), vendor="google")

    def upload(self, batch: Batch) -> str:
        """The SDK sends the content to wherever the answer to its first call points; with a base URL in the options
        of the call itself, it keeps to that host."""
        base_url = batch.endpoint.base_url or VENDOR_URL
        with self._client(batch.endpoint, self.call_within) as client:
            file = client.files.upload(
                file=batch.request_file,
                config={
                    "mime_type": "jsonl",
                    "display_name": display_name(batch.nonce),
                    "http_options": {"base_url": base_url},
                },
            )
        if not file.name:
            raise AmbiguousError(f"{self.title} took the request file and gave it no name.")
        return str(file.name)

    def create(self, batch: Batch) -> Created:
        try:
            with self._client(batch.endpoint, self.call_within) as client:
                job = client.batches.create(
                    model=batch.model,
                    src={"file_name": batch.upload},
                    config={"display_name": display_name(batch.nonce)},
                )
        except DomainError as error:
            # Only from before the call: no key, no SDK.
            raise DefiniteRefusalError(f"Nothing was sent: {error}") from error
        if not job.name:
            raise AmbiguousError(f"{self.title} answered without the name of a batch.")
        return Created(job.name)

    def find(self, batch: Batch) -> list[Found]:
        """Each is asked for by its name once more: lists and batches are kept apart, and a list may be stale."""
        name = display_name(batch.nonce)
        with self._client(batch.endpoint, self.call_within) as client:
            listed = [job.name for job in every_job(client) if job.display_name == name]
            jobs = [client.batches.get(name=job) for job in listed]
            return [Found(job.name, made_at(job)) for job in jobs]

    def poll(self, batch: Batch) -> Poll:
        with self._client(batch.endpoint, self.call_within) as client:
            job = client.batches.get(name=batch.batch_id)
        state = state_of(job)
        message = self._reason(batch) if state == BatchState.FAILED else ""
        return Poll(state, message, job.end_time + FILES_KEPT if job.end_time else None)

    def results(self, batch: Batch) -> Iterator[bytes]:
        """A batch that was cancelled or that expired may have no file: nothing of it is done."""
        with self._client(batch.endpoint, self.call_within) as client:
            job = client.batches.get(name=batch.batch_id)
        file = job.dest.file_name if job.dest else ""
        if file:
            with self._get(batch.endpoint, f"{file}:download?alt=media") as chunks:
                yield from own_lines(split_lines(chunks), batch.nonce, id_name="key")

    def read_answer(self, line: JsonValue) -> Answer:
        values = require_fields(line, {"key": str})
        custom_id = cast("str", values["key"])
        if "response" in values:
            return read_response(custom_id, values["response"])
        error = values.get("error")
        if not isinstance(error, dict):
            raise UnreadableAnswerError("The line has neither a response nor an error.")
        return error_answer(custom_id, f"{error.get('message') or ''} (code {error.get('code')})")

    def cancel(self, batch: Batch) -> None:
        with self._client(batch.endpoint, self.call_within) as client:
            try:
                client.batches.cancel(name=batch.batch_id)
            except Exception:
                if not is_over(state_of(client.batches.get(name=batch.batch_id))):
                    raise

    def answer_now(self, line: JsonObject, *, endpoint: Endpoint) -> bytes:
        request = cast("JsonObject", line["request"])
        with self._client(endpoint, self.answer_within) as client:
            said = generate_once(client, endpoint.model, request)
        return b'{"key":%b,"response":%b}' % (canonical_dumps(line["key"]), said)

    @contextmanager
    def _client(self, endpoint: Endpoint, within: timedelta) -> Iterator[Any]:
        key, url = key_of(endpoint, self.default_key_name), endpoint.base_url or VENDOR_URL
        # Said outright, so that neither a project nor another interface comes from the environment.
        who: dict[str, Any] = {"vertexai": False, "api_key": key, "api_version": API_VERSION}
        with (
            calling(self.title, secrets=(key,)),
            genai_client(self.hosts, within=within, base_url=url, **who) as client,
        ):
            yield client

    @contextmanager
    def _get(self, endpoint: Endpoint, path: str) -> Iterator[Iterator[bytes]]:
        """The body of what the SDK has no call for, as a stream. The key goes in a header, never in the URL."""
        key, url = key_of(endpoint, self.default_key_name), endpoint.base_url or VENDOR_URL
        with (
            calling(self.title, secrets=(key,)),
            http_client(self.hosts, timeout=self.call_within.total_seconds()) as http,
            http.stream(
                "GET", f"{url.rstrip('/')}/{API_VERSION}/{path}", headers={"x-goog-api-key": key}
            ) as response,
        ):
            if response.status_code != 200:
                raise refusal(response.status_code, f"{path.partition('?')[0]} cannot be fetched")
            yield response.iter_bytes()

    def _reason(self, batch: Batch) -> str:
        """Why the batch failed: it stands in the operation, and the SDK drops it."""
        with self._get(batch.endpoint, batch.batch_id) as chunks:
            body = next(split_lines(chunk.replace(b"\n", b" ") for chunk in chunks), b"")
        try:
            operation = loads_line(body)
        except StrictJsonError:
            operation = None
        error = operation.get("error") if isinstance(operation, dict) else None
        message = error.get("message") if isinstance(error, dict) else None
        return str(message or f"{self.title} does not say why.")[:LONGEST_MESSAGE]
