"""Google Vertex AI: batch prediction jobs between two places in Cloud Storage.

A line has no id of its own here, and the order is not promised. What comes back is the request itself beside its
response, so the id stands in the request: as a last part of the prompt, where it costs a few tokens and keeps what
many requests begin with the same, for the vendor's cache. (Labels, which others use, are for billing: Google
discourages many of them, and they are cut to 63 characters.)
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, cast
from urllib.parse import urlsplit

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
    NotOursError,
    Poll,
    Setting,
    TokenCount,
    TokenPrice,
    UnreadableAnswerError,
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
from apps.providers.google_credentials import access_token, bearer
from apps.providers.google_requests import count_request, generate_request
from apps.providers.network import guarded_session
from apps.providers.over_network import OverNetwork
from apps.providers.price_list import context_window, listed_price
from apps.providers.result_lines import MAX_RESULT_LINE_BYTES, split_lines
from apps.providers.sdk import sdk

API_VERSION = "v1beta1"
_ID = re.compile(r"\(Request (([0-9a-f]{32})-\d{6})\. It is no part of the task\.\)")
# Of what Cloud Storage takes and gives in one call, and of what is held in memory.
CHUNK = 4 * 1024 * 1024
PIECE = 64 * 1024
RESOURCE_EXHAUSTED = 8


class Vertex(OverNetwork):
    key = "vertex"
    title = "Google Vertex AI"
    settings: tuple[Setting, ...] = (
        Setting(name="project", title="Google Cloud project"),
        Setting(name="location", title="Location", help="us-central1, europe-west4 or global."),
        Setting(name="bucket", title="Bucket", help="Requests and results go under synthreview/ in it."),
        Setting(
            name="storage_url",
            title="Cloud Storage address",
            help="Only for a store that is not Google's.",
            is_required=False,
        ),
    )
    hosts: tuple[str, ...] = ("*.googleapis.com", "aiplatform.*.rep.googleapis.com")
    needs_base_url = False
    default_key_name = "VERTEX_CREDENTIALS"
    # A job may wait 72 hours in the queue and run for 24.
    window: timedelta | None = timedelta(hours=96)
    results_kept: timedelta | None = None

    def limits(self, endpoint: Endpoint) -> Limits:
        """200,000 requests and 1 GB by the vendor."""
        return Limits(requests=200_000, bytes=900_000_000, records_per_request=5)

    def request_line(self, custom_id: str, ask: Ask, *, endpoint: Endpoint) -> JsonObject:
        return {"request": generate_request(ask, f"(Request {custom_id}. It is no part of the task.)")}

    def count_tokens(self, line: JsonObject) -> TokenCount:
        return count_request(line["request"])

    def price(self, model: str, *, is_batch: bool) -> TokenPrice | None:
        return listed_price(model.rpartition("/")[2], vendor="google", is_batch=is_batch)

    def context_window(self, model: str) -> int | None:
        return context_window(model.rpartition("/")[2], vendor="google")

    def upload(self, batch: Batch) -> str:
        """Under a name that follows from the nonce, so that doing it again changes nothing."""
        name = f"{_folder(batch)}/requests.jsonl"
        with self._storage(batch.endpoint) as bucket, batch.request_file.open("rb") as file:
            bucket.blob(name, chunk_size=CHUNK).upload_from_file(
                file, content_type="application/jsonl", retry=None
            )
        return f"gs://{batch.endpoint.settings['bucket']}/{name}"

    def create(self, batch: Batch) -> Created:
        output = f"gs://{batch.endpoint.settings.get('bucket')}/{_folder(batch)}/out"
        config = {"dest": output, "display_name": display_name(batch.nonce)}
        try:
            with self._client(batch.endpoint, self.call_within) as client:
                job = client.batches.create(model=batch.model, src=batch.upload, config=config)
        except DomainError as error:
            # Only from before the call: no key, no SDK.
            raise DefiniteRefusalError(f"Nothing was sent: {error}") from error
        if not job.name:
            raise AmbiguousError(f"{self.title} answered without the name of a job.")
        return Created(job.name)

    def find(self, batch: Batch) -> list[Found]:
        name = display_name(batch.nonce)
        with self._client(batch.endpoint, self.call_within) as client:
            jobs = every_job(client, filter=f'display_name="{name}"')
            return [Found(job.name, made_at(job)) for job in jobs if job.display_name == name]

    def poll(self, batch: Batch) -> Poll:
        """Not by the SDK's ``done``, which forgets PARTIALLY_SUCCEEDED.

        A job that was turned away for its size before it began has cost nothing, and may be sent again.
        """
        job = self._job(batch)
        state, error = state_of(job), job.error
        if state == BatchState.FAILED and error and error.code == RESOURCE_EXHAUSTED and not job.start_time:
            state = BatchState.DEFERRED
        return Poll(state, (error.message or "")[:LONGEST_MESSAGE] if error else "")

    def results(self, batch: Batch) -> Iterator[bytes]:
        """Every ``predictions*.jsonl`` below the job's folder; none, when nothing was done."""
        info = self._job(batch).output_info
        folder = info.gcs_output_directory if info else ""
        # A job that says no folder of its own has at most written into the one that it was given.
        path = urlsplit(folder or "").path.strip("/") or f"{_folder(batch)}/out"
        return _own_lines(self._lines(batch, path), batch.nonce)

    def read_answer(self, line: JsonValue) -> Answer:
        if not isinstance(line, dict):
            raise UnreadableAnswerError("The line is not a JSON object.")
        match = _id_in(line)
        if match is None:
            raise UnreadableAnswerError("The line's request does not carry an id of ours.")
        status = line.get("status")
        if isinstance(status, str) and status:
            return error_answer(match[1], status)
        return read_response(match[1], line.get("response"))

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
        return b'{"request":%b,"response":%b,"status":""}' % (canonical_dumps(request), said)

    def _job(self, batch: Batch) -> Any:
        with self._client(batch.endpoint, self.call_within) as client:
            return client.batches.get(name=batch.batch_id)

    def _lines(self, batch: Batch, folder: str) -> Iterator[bytes]:
        with self._storage(batch.endpoint) as bucket:
            for blob in bucket.list_blobs(prefix=f"{folder}/", retry=None):
                name = blob.name.rpartition("/")[2]
                if name.startswith("predictions") and name.endswith(".jsonl"):
                    with blob.open("rb", chunk_size=CHUNK, retry=None) as file:
                        yield from split_lines(iter(lambda: file.read(PIECE), b""))

    @contextmanager
    def _client(self, endpoint: Endpoint, within: timedelta) -> Iterator[Any]:
        settings, token = endpoint.settings, self._token(endpoint)
        # Said outright: what the environment says is dropped as soon as there is a base URL.
        who: dict[str, Any] = {
            "vertexai": True,
            "api_version": API_VERSION,
            "project": settings["project"],
            "location": settings["location"],
            "credentials": bearer(token),
        }
        with (
            calling(self.title, secrets=(token,)),
            genai_client(self.hosts, within=within, base_url=endpoint.base_url, **who) as client,
        ):
            yield client

    @contextmanager
    def _storage(self, endpoint: Endpoint) -> Iterator[Any]:
        """The bucket, over the guarded session."""
        settings, token = endpoint.settings, self._token(endpoint)
        options = {"api_endpoint": settings["storage_url"]} if settings.get("storage_url") else None
        with calling(self.title, secrets=(token,)), guarded_session(self.hosts) as session:
            session.headers["Authorization"] = f"Bearer {token}"
            client = sdk("google.cloud.storage").Client(
                project=settings["project"],
                credentials=sdk("google.auth.credentials").AnonymousCredentials(),
                _http=session,
                client_options=options,
            )
            yield client.bucket(settings["bucket"])

    def _token(self, endpoint: Endpoint) -> str:
        for setting in self.settings:
            if setting.is_required and not endpoint.settings.get(setting.name):
                raise DomainError(f"The connection to {self.title} has no {setting.name!r}: fill it in.")
        return access_token(endpoint, self.default_key_name, hosts=self.hosts)


def _folder(batch: Batch) -> str:
    return f"synthreview/{batch.nonce}"


def _id_in(line: JsonObject) -> re.Match[str] | None:
    """Our id in the request that the line echoes: the last one, since a prompt might quote another."""
    request = line.get("request")
    found = list(_ID.finditer(json.dumps(request, ensure_ascii=False))) if request else []
    return found[-1] if found else None


def _own_lines(lines: Iterator[bytes], nonce: str) -> Iterator[bytes]:
    """NotOursError at the first line whose request carries an id of another batch."""
    is_ours = False
    for line in lines:
        if not is_ours and (match := _id_of_raw(line)):
            if match[2] != nonce:
                raise NotOursError(f"Its requests carry the ids of another batch ({match[2][:8]}…).")
            is_ours = True
        yield line


def _id_of_raw(line: bytes) -> re.Match[str] | None:
    try:
        value = loads_line(line, max_bytes=MAX_RESULT_LINE_BYTES)
    except StrictJsonError:
        return None
    return _id_in(value) if isinstance(value, dict) else None
