"""OpenAI's files, batches and chat completions, as far as batches use them. Azure and others differ by a few lines."""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass, field
from typing import Any, ClassVar

from tests.providers.standins.base import (
    Behaviour,
    EndAs,
    Outcome,
    Reply,
    Request,
    Route,
    StandIn,
    answer_for,
    count_in,
)

PAGE = 20
ID = r"([\w-]+)"


@dataclass
class Job:
    """One batch. ``steps`` are the states that it still goes through, one for each look at it."""

    id: str
    input_file_id: str
    metadata: dict[str, str]
    created_at: int
    calls_at_creation: int
    status: str = "validating"
    ended_at: int | None = None
    steps: list[str] = field(default_factory=list)
    output_file_id: str | None = None
    error_file_id: str | None = None
    errors: list[dict[str, Any]] = field(default_factory=list)


class OpenAIStandIn(StandIn):
    name = "openai"
    base_path = "/v1"
    list_pattern = r"/v1/batches"

    def __init__(self, *, port: int = 0) -> None:
        self.files: dict[str, bytes] = {}
        self.expiries: dict[str, str] = {}
        self.jobs: dict[str, Job] = {}
        self.lists = 0
        self.fail_code, self.fail_message = "invalid_json_line", "Line 1 is not valid."
        super().__init__(port=port)

    def routes(self) -> list[Route]:
        return [
            ("POST", "/v1/files", self.upload),
            ("GET", rf"/v1/files/{ID}/content", self.content),
            ("POST", "/v1/batches", self.create),
            ("GET", "/v1/batches", self.list_batches),
            ("GET", rf"/v1/batches/{ID}", self.retrieve),
            ("POST", rf"/v1/batches/{ID}/cancel", self.cancel),
            ("POST", "/v1/chat/completions", self.complete),
        ]

    # --- Files

    def upload(self, request: Request) -> Reply:
        form = _form_of(request)
        if form.get("purpose") != b"batch":
            return self.refusal(400, "purpose must be batch.")
        file_id = f"file-{len(self.files) + 1}"
        self.files[file_id] = form["file"]
        self.expiries[file_id] = form.get("expires_after[seconds]", b"").decode()
        return Reply(body={"id": file_id, "object": "file", "purpose": "batch", "status": "processed",
                           "bytes": len(form["file"]), "filename": "requests.jsonl",
                           "created_at": int(time.time())})  # fmt: skip

    def content(self, request: Request, file_id: str) -> Reply:
        if file_id not in self.files:
            return self.refusal(404, "No such file.")
        return Reply(body=self.files[file_id])

    # --- Batches

    def create(self, request: Request) -> Reply:
        values = request.json()
        if values.get("input_file_id") not in self.files:
            return self.refusal(400, "No such file.")

        def make() -> Reply:
            number = len(self.jobs) + 1
            job = Job(
                id=f"batch_{number}",
                input_file_id=values["input_file_id"],
                metadata=dict(values.get("metadata") or {}),
                created_at=int(time.time()),
                calls_at_creation=self.lists,
                steps=self.steps(),
            )
            self.jobs[job.id] = job
            return Reply(body=self.shown(job))

        return self.on_create(make)

    def steps(self) -> list[str]:
        end_as = self.behaviour.end_as
        if end_as == EndAs.FAILED:
            return ["failed"]
        if end_as == EndAs.EXPIRED:
            return ["in_progress", "expired"]
        if end_as == EndAs.CANCELLED:
            return ["in_progress", "cancelling", "cancelled"]
        return ["in_progress", "finalizing", "completed"]

    def list_batches(self, request: Request) -> Reply:
        """Newest first, in pages."""
        self.lists += 1
        lag = self.behaviour.listing_lag
        shown = [job for job in reversed(self.jobs.values()) if self.lists - job.calls_at_creation > lag]
        after = request.query.get("after")
        if after:
            ids = [job.id for job in shown]
            shown = shown[ids.index(after) + 1 :] if after in ids else []
        page = shown[: min(PAGE, int(request.query.get("limit", PAGE)))]
        return Reply(body={"object": "list", "data": [self.shown(job) for job in page],
                           "has_more": len(shown) > len(page),
                           "first_id": page[0].id if page else None,
                           "last_id": page[-1].id if page else None})  # fmt: skip

    def retrieve(self, request: Request, batch_id: str) -> Reply:
        if batch_id not in self.jobs:
            return self.refusal(404, "No such batch.")
        job = self.jobs[batch_id]
        if job.steps:
            job.status = job.steps.pop(0)
            job.ended_at = None if job.steps else int(time.time())
            if job.status in {"completed", "expired", "cancelled"}:
                self.finish(job)
            elif job.status == "failed":
                job.errors = [
                    {"code": self.fail_code, "line": 1, "message": self.fail_message, "param": None}
                ]
        return Reply(body=self.shown(job))

    def cancel(self, request: Request, batch_id: str) -> Reply:
        if batch_id not in self.jobs:
            return self.refusal(404, "No such batch.")
        job = self.jobs[batch_id]
        if not job.steps:
            return self.refusal(409, f"Cannot cancel a batch that is {job.status}.")
        job.status, job.steps = "cancelling", ["cancelled"]
        return Reply(body=self.shown(job))

    def shown(self, job: Job) -> dict[str, Any]:
        nothing = "" if self.behaviour.empty_ids else None
        return {
            "id": job.id,
            "object": "batch",
            "endpoint": "/v1/chat/completions",
            "completion_window": "24h",
            "created_at": job.created_at,
            "input_file_id": job.input_file_id,
            "metadata": job.metadata,
            "status": job.status,
            "output_file_id": job.output_file_id or nothing,
            "error_file_id": job.error_file_id or nothing,
            "errors": {"object": "list", "data": job.errors} if job.errors else None,
            **{
                f"{status}_at": job.ended_at if job.status == status else None
                for status in ("completed", "failed", "expired", "cancelled")
            },
        }

    def finish(self, job: Job) -> None:
        """Writes the output file and the error file as they are due."""
        behaviour = self.behaviour
        requests = [json.loads(line) for line in self.files[job.input_file_id].splitlines()]
        answered = len(requests) if behaviour.answered is None else behaviour.answered
        output, errors = [], []
        for number, line in enumerate(requests):
            if number >= answered:
                if job.status == "expired":
                    errors.append(self.unanswered(line, "batch_expired"))
                continue
            outcome = Outcome.ERROR if behaviour.error_file_only else behaviour.per_request(number, line)
            if outcome == Outcome.ERROR:
                errors.append(self.failed(line))
            else:
                output.append(self.succeeded(line, outcome))
        if not behaviour.error_file_only:
            job.output_file_id = self.write(job, "output", behaviour.arranged(output))
        if errors or self.writes_empty_files:
            job.error_file_id = self.write(job, "errors", errors)

    writes_empty_files: ClassVar[bool] = False

    def write(self, job: Job, kind: str, lines: list[bytes]) -> str:
        file_id = f"file-{job.id}-{kind}"
        self.files[file_id] = b"".join(line + b"\n" for line in lines)
        return file_id

    def succeeded(self, line: dict[str, Any], outcome: Outcome) -> bytes:
        response = {"status_code": 200, "request_id": "req", "body": completion(line, outcome)}
        return _dumped(
            {**self.line_id(line), "custom_id": line["custom_id"], "response": response, "error": None}
        )

    def failed(self, line: dict[str, Any]) -> bytes:
        body = {"error": {"code": "server_error", "message": "The model broke.", "type": "server_error"}}
        response = {"status_code": 500, "request_id": "req", "body": body}
        return _dumped(
            {**self.line_id(line), "custom_id": line["custom_id"], "response": response, "error": None}
        )

    def unanswered(self, line: dict[str, Any], code: str) -> bytes:
        error = {"code": code, "message": "This request could not be executed in time."}
        return _dumped(
            {**self.line_id(line), "custom_id": line["custom_id"], "response": None, "error": error}
        )

    def line_id(self, line: dict[str, Any]) -> dict[str, str]:
        return {"id": f"batch_req_{line['custom_id'][-6:]}"}

    # --- One by one

    def complete(self, request: Request) -> Reply:
        body = request.json()

        def make() -> Reply:
            line = {"custom_id": str(self.creates), "body": body}
            outcome = self.behaviour.per_request(self.creates - 1, line)
            if outcome == Outcome.ERROR:
                return self.refusal(500, "The model broke.")
            return Reply(body=completion(line, outcome))

        return self.on_create(make)


class AzureStandIn(OpenAIStandIn):
    """Lines without an id, an error file even when it is empty, no names for what is not there."""

    name = "azure_openai"
    base_path = "/openai/v1"
    list_pattern = r"/openai/v1/batches"
    writes_empty_files = True

    def routes(self) -> list[Route]:
        return [(method, f"/openai{pattern}", handler) for method, pattern, handler in super().routes()]

    def line_id(self, line: dict[str, Any]) -> dict[str, str]:
        return {}

    def shown(self, job: Job) -> dict[str, Any]:
        return {**super().shown(job), "endpoint": None, "request_counts": None}


class CompatibleStandIn(OpenAIStandIn):
    """A server with chat completions and nothing else: vLLM, Ollama, llama.cpp, a gateway."""

    name = "openai_compatible"
    list_pattern = r"(?!)"

    def routes(self) -> list[Route]:
        return [("POST", "/v1/chat/completions", self.complete)]


def completion(line: dict[str, Any], outcome: Outcome) -> dict[str, Any]:
    """A chat completion for a request line, as its outcome has it."""
    body = line["body"]
    prompt = "\n".join(str(message["content"]) for message in body["messages"])
    schema = (body.get("response_format") or {}).get("json_schema", {}).get("schema", {"type": "object"})
    text = answer_for(schema, prompt, count_in(prompt), salt=line["custom_id"])
    message: dict[str, Any] = {"role": "assistant", "content": text, "refusal": None}
    reason = "stop"
    if outcome == Outcome.REFUSAL:
        message |= {"content": None, "refusal": "I cannot help with that."}
    elif outcome == Outcome.TRUNCATED:
        message["content"], reason = text[: len(text) // 2], "length"
    elif outcome == Outcome.FILTERED:
        message["content"], reason = None, "content_filter"
    sent, said = len(prompt) // 4 + 1, len(text) // 4 + 1
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1_700_000_000,
        "model": body["model"],
        "choices": [{"index": 0, "message": message, "finish_reason": reason, "logprobs": None}],
        "usage": {
            "prompt_tokens": sent,
            "completion_tokens": said,
            "total_tokens": sent + said,
            "prompt_tokens_details": {"cached_tokens": 0},
        },
    }


def _dumped(value: dict[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def _form_of(request: Request) -> dict[str, bytes]:
    """The fields of a multipart body by name."""
    match = re.search(r"boundary=(?:\"([^\"]+)\"|([^;]+))", request.headers["content-type"])
    if match is None:
        raise ValueError("The body is not multipart.")
    fields = {}
    for part in request.body.split(b"--" + (match[1] or match[2]).encode()):
        head, found, content = part.partition(b"\r\n\r\n")
        name = re.search(rb'\bname="([^"]+)"', head)
        if found and name:
            fields[name[1].decode()] = content.removesuffix(b"\r\n")
    return fields


__all__ = ["AzureStandIn", "Behaviour", "CompatibleStandIn", "OpenAIStandIn"]
