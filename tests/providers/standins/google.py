"""Google's two interfaces to Gemini models: the Developer API with its files, Vertex AI with Cloud Storage."""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any, ClassVar
from urllib.parse import urlsplit

import httpx2
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from gcp_storage_emulator.server import create_server

from tests.providers.standins.base import EndAs, Outcome, Reply, Request, Route, StandIn, answer_for, count_in

PAGE = 20
BUCKET = "synthreview-tests"


@dataclass
class Job:
    name: str
    display_name: str
    source: str
    created_at: datetime
    lists_at_creation: int
    steps: list[str]
    output: str = ""
    state: str = "PENDING"
    result: str = ""
    """Where its results are, once it has any."""
    cancelled: bool = field(default=False)


@cache
def _private_key() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


class GoogleStandIn(StandIn):
    """What both have in common: states, lists, and what a model says."""

    prefix: ClassVar[str] = "JOB_STATE_"

    def __init__(self, *, port: int = 0) -> None:
        self.jobs: dict[str, Job] = {}
        self.lists = 0
        super().__init__(port=port)

    def error_body(self, status: int, message: str) -> dict[str, Any]:
        names = {404: "NOT_FOUND", 429: "RESOURCE_EXHAUSTED"}
        return {
            "error": {"code": status, "message": message, "status": names.get(status, "INVALID_ARGUMENT")}
        }

    def steps(self) -> list[str]:
        ends = {
            EndAs.FAILED: ["FAILED"],
            EndAs.EXPIRED: ["RUNNING", "EXPIRED"],
            EndAs.CANCELLED: ["RUNNING", "CANCELLING", "CANCELLED"],
            EndAs.PARTIALLY_SUCCEEDED: ["RUNNING", "PARTIALLY_SUCCEEDED"],
        }
        return ends.get(self.behaviour.end_as, ["RUNNING", "SUCCEEDED"])

    def add(self, name: str, display_name: str, source: str, output: str = "") -> Job:
        job = Job(name, display_name, source, datetime.now(UTC), self.lists, self.steps(), output)
        self.jobs[name] = job
        return job

    def look(self, name: str) -> Job | None:
        """One look, one step."""
        job = self.jobs.get(name)
        if job and job.steps:
            job.state = job.steps.pop(0)
            if not job.steps and job.state != "FAILED":
                self.finish(job)
        return job

    def page(self, request: Request, size_name: str = "pageSize") -> tuple[list[Job], dict[str, str]]:
        self.lists += 1
        lag = self.behaviour.listing_lag
        shown = [job for job in reversed(self.jobs.values()) if self.lists - job.lists_at_creation > lag]
        start = int(request.query.get("pageToken") or 0)
        more = {"nextPageToken": str(start + PAGE)} if len(shown) > start + PAGE else {}
        return shown[start : start + PAGE], more

    def stop(self, name: str) -> Reply:
        job = self.jobs.get(name)
        if job is None or not job.steps:
            return self.refusal(400, "The job cannot be cancelled.")
        job.state, job.steps = "CANCELLING", ["CANCELLED"]
        return Reply(body={})

    def finish(self, job: Job) -> None:
        raise NotImplementedError

    def answered(self, requests: list[dict[str, Any]]) -> list[dict[str, Any]]:
        number = self.behaviour.answered
        return requests if number is None else requests[:number]

    def generate(self, request: Request) -> Reply:
        body = request.json()

        def make() -> Reply:
            outcome = self.behaviour.per_request(self.creates - 1, {"request": body})
            if outcome == Outcome.ERROR:
                return self.refusal(500, "The model broke.")
            return Reply(body=response(body, outcome, salt=str(self.creates)))

        return self.on_create(make)


class GeminiStandIn(GoogleStandIn):
    name = "gemini"
    list_pattern = r"/v1/batches"
    prefix = "BATCH_STATE_"

    def __init__(self, *, port: int = 0) -> None:
        self.files: dict[str, bytes] = {}
        self.upload_host = ""
        """Where the answer to an upload's start points; empty: here."""
        super().__init__(port=port)

    def routes(self) -> list[Route]:
        return [
            ("POST", "/upload/v1/files", self.start_upload),
            ("POST", r"/uploads/(\d+)", self.take_upload),
            ("GET", r"/v1/(files/[\w-]+):download", self.download),
            ("POST", r"/v1/models/([^/]+):batchGenerateContent", self.create),
            ("POST", r"/v1/models/([^/]+):generateContent", lambda request, model: self.generate(request)),
            ("GET", "/v1/batches", self.list_batches),
            ("GET", r"/v1/(batches/[\w-]+)", self.retrieve),
            ("POST", r"/v1/(batches/[\w-]+):cancel", lambda request, name: self.stop(name)),
        ]

    def steps(self) -> list[str]:
        # This interface has no state for being on the way to cancelled.
        return [step for step in super().steps() if step != "CANCELLING"]

    def start_upload(self, request: Request) -> Reply:
        url = f"{self.upload_host or self.url}/uploads/{len(self.files) + 1}"
        return Reply(body={}, headers={"X-Goog-Upload-URL": url, "X-Goog-Upload-Status": "active"})

    def take_upload(self, request: Request, number: str) -> Reply:
        name = f"files/upload-{number}"
        self.files[name] = self.files.get(name, b"") + request.body
        is_last = "finalize" in request.headers.get("x-goog-upload-command", "")
        file = {"name": name, "uri": f"{self.url}/v1/{name}", "mimeType": "jsonl", "state": "ACTIVE"}
        return Reply(body={"file": file}, headers={"X-Goog-Upload-Status": "final" if is_last else "active"})

    def download(self, request: Request, name: str) -> Reply:
        if name not in self.files:
            return self.refusal(404, "No such file.")
        return Reply(body=self.files[name])

    def create(self, request: Request, model: str) -> Reply:
        values = request.json()["batch"]
        source = values["inputConfig"]["fileName"]
        if source not in self.files:
            return self.refusal(400, "No such file.")

        def make() -> Reply:
            return Reply(
                body=self.shown(self.add(f"batches/b{len(self.jobs) + 1}", values["displayName"], source))
            )

        return self.on_create(make)

    def list_batches(self, request: Request) -> Reply:
        page, more = self.page(request)
        return Reply(body={"operations": [self.shown(job) for job in page], **more})

    def retrieve(self, request: Request, name: str) -> Reply:
        job = self.look(name)
        return Reply(body=self.shown(job)) if job else self.refusal(404, "No such batch.")

    def shown(self, job: Job) -> dict[str, Any]:
        is_over = not job.steps
        metadata: dict[str, Any] = {
            "displayName": job.display_name,
            "state": f"{self.prefix}{job.state}",
            "createTime": job.created_at.isoformat(),
        }
        if is_over:
            metadata["endTime"] = datetime.now(UTC).isoformat()
        if job.result:
            metadata["output"] = {"responsesFile": job.result}
        error = {"error": {"code": 3, "message": "Line 1 is not valid."}} if job.state == "FAILED" else {}
        return {"name": job.name, "metadata": metadata, "done": is_over, **error}

    def finish(self, job: Job) -> None:
        requests = self.answered([json.loads(line) for line in self.files[job.source].splitlines()])
        if not requests:
            return
        lines = []
        for number, line in enumerate(requests):
            outcome = self.behaviour.per_request(number, line)
            if outcome == Outcome.ERROR:
                answer: dict[str, Any] = {"error": {"code": 13, "message": "The model broke."}}
            else:
                answer = {"response": response(line["request"], outcome, salt=line["key"])}
            lines.append(_dumped({"key": line["key"], **answer}))
        job.result = f"files/{job.name.replace('/', '-')}-responses"
        self.files[job.result] = b"".join(line + b"\n" for line in self.behaviour.arranged(lines))


class VertexStandIn(GoogleStandIn):
    """Batch prediction jobs, a token service, and an emulator of Cloud Storage beside them."""

    name = "vertex"
    list_pattern = r"/v1beta1/projects/[^/]+/locations/[^/]+/batchPredictionJobs"

    def __init__(self, *, port: int = 0) -> None:
        self.no_token: tuple[int, dict[str, str]] | None = None
        """Status and body of the token service when it gives none."""
        super().__init__(port=port)
        self.folder = tempfile.mkdtemp(prefix="synthreview-gcs-")
        self.storage = create_server("127.0.0.1", 0, data_dir=self.folder, default_bucket=BUCKET)
        self.storage.start()
        self.storage_url = f"http://127.0.0.1:{self.storage._api._httpd.server_port}"
        self.http = httpx2.Client(base_url=self.storage_url, trust_env=False)

    def close(self) -> None:
        super().close()
        self.http.close()
        self.storage.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def routes(self) -> list[Route]:
        jobs, model = (
            self.list_pattern,
            r"/v1beta1/projects/[^/]+/locations/[^/]+/publishers/google/models/([^/]+)",
        )
        return [
            ("GET", "/", self.what_to_set),
            ("POST", "/token", self.token),
            ("POST", jobs, self.create),
            ("GET", jobs, self.list_jobs),
            ("GET", rf"/v1beta1/({jobs.removeprefix('/v1beta1/')}/\w+)", self.retrieve),
            (
                "POST",
                rf"/v1beta1/({jobs.removeprefix('/v1beta1/')}/\w+):cancel",
                lambda request, name: self.stop(name),
            ),
            ("POST", rf"{model}:generateContent", lambda request, model: self.generate(request)),
        ]

    def what_to_set(self, request: Request) -> Reply:
        """For who runs it by hand: the connection's settings, and the credentials of the generation worker."""
        names = {"project": "project", "location": "us-central1", "bucket": BUCKET}
        settings = {**names, "storage_url": self.storage_url}
        return Reply(body={"settings": settings, "VERTEX_CREDENTIALS": self.service_account()})

    def service_account(self) -> str:
        """The JSON of a key whose token service is this server."""
        return json.dumps(
            {
                "type": "service_account",
                "project_id": "project",
                "private_key_id": "key",
                "private_key": _private_key(),
                "client_email": "batches@project.iam.gserviceaccount.com",
                "client_id": "1",
                "token_uri": f"{self.url}/token",
            }
        )

    def token(self, request: Request) -> Reply:
        if self.no_token:
            return Reply(*self.no_token)
        return Reply(body={"access_token": "token-of-a-test", "expires_in": 3600, "token_type": "Bearer"})

    def create(self, request: Request) -> Reply:
        values = request.json()

        def make() -> Reply:
            number = len(self.jobs) + 1
            name = f"{request.path.removeprefix('/v1beta1/')}/{number}"
            output = values["outputConfig"]["gcsDestination"]["outputUriPrefix"]
            source = values["inputConfig"]["gcsSource"]["uris"]
            job = self.add(
                name, values["displayName"], source if isinstance(source, str) else source[0], output
            )
            return Reply(body=self.shown(job))

        return self.on_create(make)

    def list_jobs(self, request: Request) -> Reply:
        page, more = self.page(request)
        wanted = re.search(r'display_?[nN]ame="([^"]+)"', request.query.get("filter", ""))
        shown = [self.shown(job) for job in page if wanted is None or job.display_name == wanted[1]]
        return Reply(body={"batchPredictionJobs": shown, **more})

    def retrieve(self, request: Request, name: str) -> Reply:
        job = self.look(name)
        return Reply(body=self.shown(job)) if job else self.refusal(404, "No such job.")

    def shown(self, job: Job) -> dict[str, Any]:
        error = {"error": {"code": 3, "message": "Line 1 is not valid."}} if job.state == "FAILED" else {}
        output = {"outputInfo": {"gcsOutputDirectory": job.result}} if job.result else {}
        return {
            "name": job.name,
            "displayName": job.display_name,
            "state": f"{self.prefix}{job.state}",
            "createTime": job.created_at.isoformat(),
            "model": "publishers/google/models/gemini",
            "inputConfig": {"instancesFormat": "jsonl", "gcsSource": {"uris": [job.source]}},
            "outputConfig": {"predictionsFormat": "jsonl", "gcsDestination": {"outputUriPrefix": job.output}},
            **output,
            **error,
        }

    def finish(self, job: Job) -> None:
        requests = [json.loads(line) for line in self.read(job.source).splitlines()]
        lines = []
        for number, line in enumerate(self.answered(requests)):
            outcome = self.behaviour.per_request(number, line)
            status = "The model broke." if outcome == Outcome.ERROR else ""
            answer = {} if status else {"response": response(line["request"], outcome, salt=str(number))}
            # The request comes back re-serialised, and with fields of Google's own.
            lines.append(
                _dumped({"status": status, "processed_time": "now", "request": line["request"], **answer})
            )
        if not lines:
            return
        job.result = f"{job.output}/prediction-model-{len(self.jobs)}"
        body = b"".join(line + b"\n" for line in self.behaviour.arranged(lines))
        self.write(f"{job.result}/predictions.jsonl", body)

    def read(self, uri: str) -> bytes:
        name = urlsplit(uri).path.lstrip("/").replace("/", "%2F")
        answer = self.http.get(f"/download/storage/v1/b/{BUCKET}/o/{name}", params={"alt": "media"})
        answer.raise_for_status()
        return answer.content

    def write(self, uri: str, body: bytes) -> None:
        name = urlsplit(uri).path.lstrip("/")
        answer = self.http.post(
            f"/upload/storage/v1/b/{BUCKET}/o",
            params={"uploadType": "media", "name": name},
            content=body,
            headers={"Content-Type": "application/octet-stream"},
        )
        answer.raise_for_status()


def response(request: dict[str, Any], outcome: Outcome, *, salt: str) -> dict[str, Any]:
    """A GenerateContentResponse to ``request``, as its outcome has it."""
    prompt = "\n".join(part["text"] for turn in request["contents"] for part in turn["parts"])
    schema = (request.get("generationConfig") or {}).get("responseJsonSchema", {"type": "object"})
    text = answer_for(schema, prompt, count_in(prompt), salt=salt)
    sent = len(prompt) // 4 + 1
    usage = {"promptTokenCount": sent, "candidatesTokenCount": len(text) // 4 + 1, "thoughtsTokenCount": 7}
    if outcome == Outcome.FILTERED:
        return {"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": {"promptTokenCount": sent}}
    reason = {Outcome.REFUSAL: "PROHIBITED_CONTENT", Outcome.TRUNCATED: "MAX_TOKENS"}.get(outcome, "STOP")
    said = text[: len(text) // 2] if outcome == Outcome.TRUNCATED else text
    parts = [] if outcome == Outcome.REFUSAL else [{"text": said}]
    candidate = {"content": {"role": "model", "parts": parts}, "finishReason": reason, "index": 0}
    return {"candidates": [candidate], "usageMetadata": usage, "modelVersion": "gemini"}


def _dumped(value: dict[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()
