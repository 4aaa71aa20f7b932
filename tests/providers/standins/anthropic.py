"""Anthropic's message batches and messages, as far as batches use them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.providers.standins.base import EndAs, Outcome, Reply, Request, Route, StandIn, answer_for, count_in

PAGE = 20
ID = r"([\w-]+)"


@dataclass
class Job:
    """One batch. ``steps`` counts the looks at it before it has ended."""

    id: str
    requests: list[dict[str, Any]]
    created_at: datetime
    lists_at_creation: int
    steps: int = 1
    status: str = "in_progress"
    cancelled_at: datetime | None = None
    lines: list[bytes] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)


class AnthropicStandIn(StandIn):
    name = "anthropic"
    list_pattern = r"/v1/messages/batches"

    def __init__(self, *, port: int = 0) -> None:
        self.jobs: dict[str, Job] = {}
        self.lists = 0
        self.results_host = ""
        """Where ``results_url`` points; empty: here."""
        super().__init__(port=port)

    def routes(self) -> list[Route]:
        return [
            ("POST", "/v1/messages/batches", self.create),
            ("GET", "/v1/messages/batches", self.list_batches),
            ("GET", rf"/v1/messages/batches/{ID}", self.retrieve),
            ("GET", rf"/v1/messages/batches/{ID}/results", self.results),
            ("POST", rf"/v1/messages/batches/{ID}/cancel", self.cancel),
            ("POST", "/v1/messages", self.message),
        ]

    def error_body(self, status: int, message: str) -> dict[str, Any]:
        kinds = {404: "not_found_error", 429: "rate_limit_error"}
        kind = kinds.get(status, "invalid_request_error" if status < 500 else "api_error")
        return {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_1"}

    def create(self, request: Request) -> Reply:
        requests = request.json()["requests"]

        def make() -> Reply:
            job = self.add(requests)
            return Reply(body=self.shown(job))

        return self.on_create(make)

    def add(self, requests: list[dict[str, Any]]) -> Job:
        """A batch that somebody made, us or another user of the workspace."""
        job = Job(f"msgbatch_{len(self.jobs) + 1}", requests, datetime.now(UTC), self.lists)
        self.jobs[job.id] = job
        return job

    def list_batches(self, request: Request) -> Reply:
        """Newest first, in pages."""
        self.lists += 1
        lag = self.behaviour.listing_lag
        shown = [job for job in reversed(self.jobs.values()) if self.lists - job.lists_at_creation > lag]
        ids = [job.id for job in shown]
        if (after := request.query.get("after_id")) in ids:
            shown = shown[ids.index(after) + 1 :]
        page = shown[: min(PAGE, int(request.query.get("limit", PAGE)))]
        return Reply(body={"data": [self.shown(job) for job in page], "has_more": len(shown) > len(page),
                           "first_id": page[0].id if page else None,
                           "last_id": page[-1].id if page else None})  # fmt: skip

    def retrieve(self, request: Request, batch_id: str) -> Reply:
        if batch_id not in self.jobs:
            return self.refusal(404, "No such batch.")
        job = self.jobs[batch_id]
        if job.status != "ended":
            if job.steps:
                job.steps -= 1
            else:
                self.finish(job)
        return Reply(body=self.shown(job))

    def cancel(self, request: Request, batch_id: str) -> Reply:
        job = self.jobs[batch_id]
        if job.status == "ended":
            return self.refusal(400, "The batch has ended.")
        job.status, job.cancelled_at = "canceling", datetime.now(UTC)
        return Reply(body=self.shown(job))

    def results(self, request: Request, batch_id: str) -> Reply:
        return Reply(body=b"".join(line + b"\n" for line in self.jobs[batch_id].lines))

    def finish(self, job: Job) -> None:
        """Every request gets a line, whatever the reason of the end."""
        behaviour, end_as = self.behaviour, self.behaviour.end_as
        answered = len(job.requests) if behaviour.answered is None else behaviour.answered
        if end_as == EndAs.CANCELLED:
            job.cancelled_at = datetime.now(UTC)
        lines = []
        counts = dict.fromkeys(("succeeded", "errored", "canceled", "expired"), 0)
        for number, line in enumerate(job.requests):
            if number < answered:
                result = self.result(line, behaviour.per_request(number, line))
            elif job.cancelled_at or end_as == EndAs.EXPIRED:
                result = {"type": "canceled" if job.cancelled_at else "expired"}
            else:
                continue
            counts[result["type"]] += 1
            lines.append(_dumped({"custom_id": line["custom_id"], "result": result}))
        job.lines, job.counts, job.status = behaviour.arranged(lines), counts, "ended"

    def result(self, line: dict[str, Any], outcome: Outcome) -> dict[str, Any]:
        if outcome == Outcome.ERROR:
            error = self.error_body(400, "Your credit balance is too low.")
            return {"type": "errored", "error": error}
        return {"type": "succeeded", "message": message(line["params"], outcome, salt=line["custom_id"])}

    def shown(self, job: Job) -> dict[str, Any]:
        total = len(job.requests)
        counts = {"processing": total, "succeeded": 0, "errored": 0, "canceled": 0, "expired": 0}
        if job.status == "ended":
            # The sum is always the number of requests, answered or not.
            counts |= {"processing": 0, **job.counts}
            counts["errored"] += total - sum(counts.values())
        ended_at = datetime.now(UTC).isoformat() if job.status == "ended" else None
        return {
            "id": job.id,
            "type": "message_batch",
            "processing_status": job.status,
            "request_counts": counts,
            "created_at": job.created_at.isoformat(),
            "expires_at": (job.created_at + timedelta(hours=24)).isoformat(),
            "ended_at": ended_at,
            "archived_at": None,
            "cancel_initiated_at": job.cancelled_at.isoformat() if job.cancelled_at else None,
            "results_url": f"{self.results_host or self.url}/v1/messages/batches/{job.id}/results"
            if job.status == "ended"
            else None,
        }

    def message(self, request: Request) -> Reply:
        params = request.json()

        def make() -> Reply:
            outcome = self.behaviour.per_request(self.creates - 1, {"params": params})
            if outcome == Outcome.ERROR:
                return self.refusal(500, "Overloaded.")
            return Reply(body=message(params, outcome, salt=str(self.creates)))

        return self.on_create(make)


def message(params: dict[str, Any], outcome: Outcome, *, salt: str) -> dict[str, Any]:
    """A message that answers ``params``, as its outcome has it."""
    prompt = "\n".join(str(turn["content"]) for turn in params["messages"])
    schema = ((params.get("output_config") or {}).get("format") or {}).get("schema", {"type": "object"})
    text = answer_for(schema, prompt, count_in(prompt), salt=salt)
    reason = "end_turn"
    if outcome in {Outcome.REFUSAL, Outcome.FILTERED}:
        text, reason = "", "refusal"
    elif outcome == Outcome.TRUNCATED:
        text, reason = text[: len(text) // 2], "max_tokens"
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": params["model"],
        "content": [{"type": "text", "text": text}] if text else [],
        "stop_reason": reason,
        "stop_sequence": None,
        "usage": {
            "input_tokens": len(prompt) // 4 + 1,
            "output_tokens": len(text) // 4 + 1,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "service_tier": "batch",
        },
    }


def _dumped(value: dict[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()
