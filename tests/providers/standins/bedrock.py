"""Amazon Bedrock's batch jobs and Converse. Files are in S3, which moto serves beside it."""

from __future__ import annotations

import json
import logging
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

import boto3
from moto.server import ThreadedMotoServer

from tests.providers.standins.base import EndAs, Outcome, Reply, Request, Route, StandIn, answer_for, count_in

# It tells every request on standard error.
logging.getLogger("werkzeug").setLevel(logging.ERROR)

REGION = "us-east-1"
BUCKET = "synthreview-tests"
PAGE = 20
TESTING = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing", "region_name": REGION}


@dataclass
class Job:
    arn: str
    name: str
    token: str
    input_uri: str
    output_uri: str
    submitted_at: datetime
    lists_at_creation: int
    steps: list[str]
    status: str = "Submitted"
    message: str = ""

    @property
    def id(self) -> str:
        return self.arn.rpartition("/")[2]


class BedrockStandIn(StandIn):
    name = "bedrock"
    list_pattern = r"/model-invocation-jobs"

    def __init__(self, *, port: int = 0) -> None:
        self.jobs: dict[str, Job] = {}
        self.lists = 0
        self.moto = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        self.moto.start()
        host, moto_port = self.moto.get_host_and_port()
        self.storage_url = f"http://{host}:{moto_port}"
        self.s3 = boto3.client("s3", endpoint_url=self.storage_url, **TESTING)
        self.s3.create_bucket(Bucket=BUCKET)
        super().__init__(port=port)

    def close(self) -> None:
        super().close()
        self.s3.close()
        self.moto.stop()

    def routes(self) -> list[Route]:
        return [
            ("POST", "/model-invocation-job", self.create),
            ("GET", "/model-invocation-jobs", self.list_jobs),
            ("GET", r"/model-invocation-job/([^/]+)", self.retrieve),
            ("POST", r"/model-invocation-job/([^/]+)/stop", self.stop),
            ("POST", r"/model/([^/]+)/converse", self.converse),
        ]

    def refusal(self, status: int, message: str) -> Reply:
        codes = {404: "ResourceNotFoundException", 429: "ThrottlingException", 409: "ConflictException"}
        code = codes.get(status, "ValidationException" if status < 500 else "InternalServerException")
        return Reply(status, {"message": message}, {"x-amzn-errortype": code})

    def create(self, request: Request) -> Reply:
        values = request.json()

        def make() -> Reply:
            # A repeated token makes nothing and is no error.
            token = values["clientRequestToken"]
            known = [job for job in self.jobs.values() if job.token == token]
            job = known[0] if known else self.add(values, token)
            return Reply(body={"jobArn": job.arn})

        return self.on_create(make)

    def add(self, values: dict[str, Any], token: str) -> Job:
        number = len(self.jobs) + 1
        job = Job(
            arn=f"arn:aws:bedrock:{REGION}:123456789012:model-invocation-job/job{number}",
            name=values["jobName"],
            token=token,
            input_uri=values["inputDataConfig"]["s3InputDataConfig"]["s3Uri"],
            output_uri=values["outputDataConfig"]["s3OutputDataConfig"]["s3Uri"],
            submitted_at=datetime.now(UTC),
            lists_at_creation=self.lists,
            steps=self.steps(),
        )
        self.jobs[job.arn] = job
        return job

    def steps(self) -> list[str]:
        ends = {
            EndAs.FAILED: ["Validating", "Failed"],
            EndAs.EXPIRED: ["InProgress", "Expired"],
            EndAs.CANCELLED: ["InProgress", "Stopping", "Stopped"],
            EndAs.PARTIALLY_SUCCEEDED: ["InProgress", "PartiallyCompleted"],
        }
        return ends.get(self.behaviour.end_as, ["Validating", "Scheduled", "InProgress", "Completed"])

    def list_jobs(self, request: Request) -> Reply:
        self.lists += 1
        wanted = request.query.get("nameContains", "")
        shown = [
            job
            for job in self.jobs.values()
            if wanted in job.name and self.lists - job.lists_at_creation > self.behaviour.listing_lag
        ]
        start = int(request.query.get("nextToken", 0))
        page, more = shown[start : start + PAGE], len(shown) > start + PAGE
        token = {"nextToken": str(start + PAGE)} if more else {}
        return Reply(body={"invocationJobSummaries": [self.shown(job) for job in page], **token})

    def retrieve(self, request: Request, arn: str) -> Reply:
        job = self.jobs.get(unquote(arn))
        if job is None:
            return self.refusal(404, "No such job.")
        if job.steps:
            job.status = job.steps.pop(0)
            if job.status == "Failed":
                job.message = "The input file is not valid."
            elif not job.steps:
                self.finish(job)
        return Reply(body=self.shown(job))

    def stop(self, request: Request, arn: str) -> Reply:
        job = self.jobs[unquote(arn)]
        if not job.steps:
            return self.refusal(409, f"The job is {job.status}.")
        job.status, job.steps = "Stopping", ["Stopped"]
        return Reply(body={})

    def shown(self, job: Job) -> dict[str, Any]:
        return {
            "jobArn": job.arn,
            "jobName": job.name,
            "modelId": "model",
            "roleArn": "arn:aws:iam::123456789012:role/batch",
            "status": job.status,
            "message": job.message,
            "submitTime": job.submitted_at.isoformat(),
            "inputDataConfig": {"s3InputDataConfig": {"s3Uri": job.input_uri, "s3InputFormat": "JSONL"}},
            "outputDataConfig": {"s3OutputDataConfig": {"s3Uri": job.output_uri}},
        }

    def finish(self, job: Job) -> None:
        """Writes the result file and the manifest; what was not answered has no line."""
        behaviour = self.behaviour
        bucket, name = _place(job.input_uri)
        body = self.s3.get_object(Bucket=bucket, Key=name)["Body"].read()
        requests = [json.loads(line) for line in body.splitlines()]
        answered = len(requests) if behaviour.answered is None else behaviour.answered
        lines = [
            self.result(line, behaviour.per_request(number, line))
            for number, line in enumerate(requests[:answered])
        ]
        _, folder = _place(job.output_uri)
        out = b"".join(line + b"\n" for line in behaviour.arranged(lines))
        self.s3.put_object(Bucket=bucket, Key=f"{folder}{job.id}/requests.jsonl.out", Body=out)
        manifest = {"totalRecordCount": len(requests), "processedRecordCount": answered}
        self.s3.put_object(
            Bucket=bucket, Key=f"{folder}{job.id}/manifest.json.out", Body=json.dumps(manifest).encode()
        )

    def result(self, line: dict[str, Any], outcome: Outcome) -> bytes:
        if outcome == Outcome.ERROR:
            error = {"errorCode": 400, "errorMessage": "The model broke."}
            return _dumped({"recordId": line["recordId"], "modelInput": line["modelInput"], "error": error})
        output = converse_output(line["modelInput"], outcome, salt=line["recordId"])
        return _dumped(
            {"recordId": line["recordId"], "modelInput": line["modelInput"], "modelOutput": output}
        )

    def converse(self, request: Request, model: str) -> Reply:
        body = request.json()

        def make() -> Reply:
            outcome = self.behaviour.per_request(self.creates - 1, {"modelInput": body})
            if outcome == Outcome.ERROR:
                return self.refusal(500, "The model broke.")
            return Reply(
                body=converse_output(body, outcome, salt=str(self.creates)) | {"metrics": {"latencyMs": 1}}
            )

        return self.on_create(make)


def converse_output(request: dict[str, Any], outcome: Outcome, *, salt: str) -> dict[str, Any]:
    """An answer in Converse's form. The schema stands in the prompt, where ours puts it."""
    prompt = request["messages"][0]["content"][0]["text"]
    asked, _, schema = prompt.partition("JSON Schema:\n")
    text = answer_for(json.loads(schema) if schema else {"type": "object"}, asked, count_in(asked), salt=salt)
    reason = "end_turn"
    if outcome in {Outcome.REFUSAL, Outcome.FILTERED}:
        text, reason = "I cannot say that.", "content_filtered"
    elif outcome == Outcome.TRUNCATED:
        text, reason = text[: len(text) // 2], "max_tokens"
    sent, said = len(prompt) // 4 + 1, len(text) // 4 + 1
    return {
        "output": {"message": {"role": "assistant", "content": [{"text": text}]}},
        "stopReason": reason,
        "usage": {"inputTokens": sent, "outputTokens": said, "totalTokens": sent + said},
    }


def _place(uri: str) -> tuple[str, str]:
    match = re.fullmatch(r"s3://([^/]+)/(.*)", uri)
    if match is None:
        raise ValueError(f"{uri} is no place in S3.")
    return match[1], match[2]


def _dumped(value: dict[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()
