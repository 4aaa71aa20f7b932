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
    Created,
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
    Volume,
)
from apps.providers.google_answers import error_answer, read_response
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
from apps.providers.keys import MissingKeyError, read_key
from apps.providers.network import guarded_session
from apps.providers.price_list import listed_price
from apps.providers.result_lines import MAX_RESULT_LINE_BYTES, split_lines
from apps.providers.sdk import sdk

SCOPES = ("https://www.googleapis.com/auth/cloud-platform",)
_ID = re.compile(r"\(Request (([0-9a-f]{32})-\d{6})\. It is no part of the task\.\)")
CHUNK = 256 * 1024


class Vertex:
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
    hosts: tuple[str, ...] = ("*.googleapis.com",)
    needs_base_url = False
    default_key_name = "VERTEX_CREDENTIALS"
    prompt_language = "jinja"
    has_batches = True
    has_synchronous = True
    tags_batches = True
    # A job may wait 72 hours in the queue and run for 24.
    window: timedelta | None = timedelta(hours=96)
    results_kept: timedelta | None = None
    poll_every = timedelta(minutes=1)
    create_within = timedelta(minutes=10)
    offline_model = ""

    call_within = timedelta(minutes=2)
    """Longer than Google is silent within a call."""
    answer_within = timedelta(minutes=5)

    def limits(self, endpoint: Endpoint) -> Limits:
        """200,000 requests and 1 GB by the vendor."""
        return Limits(requests=200_000, bytes=900_000_000, records_per_request=5)

    def request_line(self, custom_id: str, ask: Ask, *, endpoint: Endpoint) -> JsonObject:
        return {"request": generate_request(ask, f"(Request {custom_id}. It is no part of the task.)")}

    def count_tokens(self, line: JsonObject) -> TokenCount:
        return count_request(line["request"])

    def price(self, model: str, *, is_batch: bool) -> TokenPrice | None:
        return listed_price(model.rpartition("/")[2], vendor="google", is_batch=is_batch)

    def time_for(self, volume: Volume, *, is_batch: bool) -> timedelta | None:
        return None

    def upload(self, batch: Batch) -> str:
        """Under a name that follows from the nonce, so that doing it again changes nothing."""
        name = f"{_folder(batch)}/requests.jsonl"
        with self._storage(batch.endpoint) as bucket, batch.request_file.open("rb") as file:
            bucket.blob(name).upload_from_file(file, content_type="application/jsonl", retry=None)
        return f"gs://{batch.endpoint.settings['bucket']}/{name}"

    def create(self, batch: Batch) -> Created:
        output = f"gs://{batch.endpoint.settings['bucket']}/{_folder(batch)}/out"
        config = {"dest": output, "display_name": display_name(batch.nonce)}
        with self._client(batch.endpoint, self.call_within) as client:
            job = client.batches.create(model=batch.model, src=batch.upload, config=config)
        if not job.name:
            raise AmbiguousError(f"{self.title} answered without the name of a job.")
        return Created(job.name)

    def find(self, batch: Batch) -> list[Found]:
        name = display_name(batch.nonce)
        with self._client(batch.endpoint, self.call_within) as client:
            jobs = every_job(client, filter=f'display_name="{name}"')
            return [Found(job.name, made_at(job)) for job in jobs if job.display_name == name]

    def poll(self, batch: Batch) -> Poll:
        """Not by the SDK's ``done``, which forgets PARTIALLY_SUCCEEDED."""
        job = self._job(batch)
        error = getattr(job.error, "message", "") if job.error else ""
        return Poll(state_of(job), str(error or ""))

    def results(self, batch: Batch) -> Iterator[bytes]:
        """Every ``predictions*.jsonl`` below the job's folder; none, when nothing was done."""
        folder = self._output_folder(self._job(batch))
        return _own_lines(self._lines(batch, folder) if folder else iter(()), batch.nonce)

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

    def _output_folder(self, job: Any) -> str:
        """Within the bucket; "" when the job names none."""
        place = getattr(job.output_info, "gcs_output_directory", "") if job.output_info else ""
        return urlsplit(place or "").path.strip("/")

    def _lines(self, batch: Batch, folder: str) -> Iterator[bytes]:
        with self._storage(batch.endpoint) as bucket:
            for blob in bucket.list_blobs(prefix=f"{folder}/", retry=None):
                name = blob.name.rpartition("/")[2]
                if name.startswith("predictions") and name.endswith(".jsonl"):
                    with blob.open("rb", chunk_size=CHUNK, retry=None) as file:
                        yield from split_lines(iter(lambda: file.read(CHUNK), b""))

    @contextmanager
    def _client(self, endpoint: Endpoint, within: timedelta) -> Iterator[Any]:
        with calling(self.title):
            credentials = self._credentials(endpoint)
            # Said outright: what the environment says is dropped as soon as there is a base URL.
            who = {
                "vertexai": True,
                "project": endpoint.settings["project"],
                "location": endpoint.settings["location"],
                "credentials": credentials,
            }
            with genai_client(self.hosts, within=within, base_url=endpoint.base_url, **who) as client:
                yield client

    @contextmanager
    def _storage(self, endpoint: Endpoint) -> Iterator[Any]:
        """The bucket, over the guarded session."""
        storage, settings = sdk("google.cloud.storage"), endpoint.settings
        with calling(self.title), guarded_session(self.hosts) as session:
            session.headers["Authorization"] = f"Bearer {self._credentials(endpoint).token}"
            client = storage.Client(
                project=settings["project"],
                credentials=sdk("google.auth.credentials").AnonymousCredentials(),
                _http=session,
                client_options={"api_endpoint": settings["storage_url"]}
                if settings.get("storage_url")
                else None,
            )
            yield client.bucket(settings["bucket"])

    def _credentials(self, endpoint: Endpoint) -> Any:
        """A token for an hour, fetched over the guarded session; what holds it cannot fetch another by itself."""
        with guarded_session(self.hosts) as session:
            source = self._source(endpoint)
            source.refresh(sdk("google.auth.transport.requests").Request(session=session))
        return sdk("google.oauth2.credentials").Credentials(token=source.token)

    def _source(self, endpoint: Endpoint) -> Any:
        """The service account that the connection names, or whoever this machine is to Google."""
        try:
            text = read_key(endpoint.key_name or self.default_key_name)
        except MissingKeyError:
            if endpoint.key_name:
                raise
            found, _ = sdk("google.auth").default(scopes=SCOPES)
            return found
        try:
            info = json.loads(text)
        except ValueError as error:
            raise DomainError(
                f"{endpoint.key_name or self.default_key_name} is not the JSON of a service account's key."
            ) from error
        account = sdk("google.oauth2.service_account").Credentials
        return account.from_service_account_info(info, scopes=SCOPES)


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
