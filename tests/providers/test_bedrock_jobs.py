"""Bedrock's jobs from request line to answer, through S3 of moto: every fault of the wire, and whose keys they are."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import boto3
import pytest
from botocore.exceptions import ClientError
from pytest_django import Settings

from apps.core.errors import DomainError
from apps.core.strict_json import JsonValue, canonical_dumps, loads_line
from apps.providers.base import (
    AmbiguousError,
    AnswerStatus,
    Ask,
    Batch,
    BatchState,
    DefiniteRefusalError,
    Endpoint,
    NotOursError,
    RetryLaterError,
    Usage,
)
from apps.providers.bedrock import Bedrock
from tests.providers.standins.base import Behaviour, EndAs, Outcome, Reply
from tests.providers.standins.bedrock import BUCKET, PAGE, REGION, BedrockStandIn

KEY_ID, SECRET, TOKEN = "AKIACANARY0000000001", "canary-aws-secret-8a31", "canary-aws-session-token-77"
NONCE = "0123456789abcdef0123456789abcdef"
CREATE = r"/model-invocation-job"
ASK = Ask(
    prompt="Write 3 messages for the label refund.",
    schema={
        "type": "object",
        "required": ["records"],
        "properties": {
            "records": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["text"],
                    "properties": {"text": {"type": "string", "maxLength": 200}},
                },
            }
        },
    },
    label="refund",
    max_output_tokens=900,
)


@pytest.fixture(scope="module")
def moto() -> Iterator[BedrockStandIn]:
    """One for all: each starts an S3 of its own."""
    with BedrockStandIn() as running:
        yield running


@pytest.fixture
def server(moto: BedrockStandIn, monkeypatch: pytest.MonkeyPatch, settings: Settings) -> BedrockStandIn:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TEAM_AWS_ACCESS_KEY_ID", KEY_ID)
    monkeypatch.setenv("TEAM_AWS_SECRET_ACCESS_KEY", SECRET)
    settings.PROVIDER_HOSTS = ("127.0.0.1",)
    moto.jobs, moto.calls, moto.creates, moto.lists = {}, [], 0, 0
    moto.behaviour = Behaviour()
    for item in moto.s3.list_objects_v2(Bucket=BUCKET).get("Contents", ()):
        moto.s3.delete_object(Bucket=BUCKET, Key=item["Key"])
    return moto


@pytest.fixture
def batch(server: BedrockStandIn, tmp_path: Path) -> Batch:
    endpoint = Endpoint(
        model="us.amazon.nova-lite-v1:0",
        base_url=server.base_url,
        key_name="TEAM_AWS_ACCESS_KEY_ID",
        settings={
            "region": REGION,
            "bucket": BUCKET,
            "role_arn": "arn:aws:iam::123456789012:role/batches",
            "storage_url": server.storage_url,
        },
    )
    file = tmp_path / "requests.jsonl"
    lines = [Bedrock().request_line(f"{NONCE}-{n:06}", ASK, endpoint=endpoint) for n in range(1, 5)]
    file.write_bytes(b"".join(canonical_dumps(line) + b"\n" for line in lines))
    batch = Batch(
        nonce=NONCE, endpoint=endpoint, request_file=file, request_count=4, sent_at=datetime.now(UTC)
    )
    return replace(batch, upload=Bedrock().upload(batch))


def sent(batch: Batch) -> Batch:
    return replace(batch, batch_id=Bedrock().create(batch).batch_id)


def ended(batch: Batch) -> BatchState:
    for _ in range(10):
        state = Bedrock().poll(batch).state
        if state not in {BatchState.WAITING, BatchState.RUNNING}:
            return state
    raise AssertionError("It never ends.")


def lines_of(batch: Batch) -> list[JsonValue]:
    return [loads_line(line) for line in Bedrock().results(batch)]


class Impatient(Bedrock):
    call_within = timedelta(seconds=1)


def test_a_job_from_upload_to_answers(server: BedrockStandIn, batch: Batch) -> None:
    assert batch.upload == f"s3://{BUCKET}/synthreview/{NONCE}/requests.jsonl"
    batch = sent(batch)
    states = [Bedrock().poll(batch).state for _ in range(4)]
    assert states == [BatchState.WAITING, BatchState.WAITING, BatchState.RUNNING, BatchState.ENDED]
    answers = [Bedrock().read_answer(line) for line in lines_of(batch)]
    assert [answer.custom_id for answer in answers] == [f"{NONCE}-{n:06}" for n in range(1, 5)]
    assert {answer.status for answer in answers} == {AnswerStatus.OK}
    assert all(len(cast("dict[str, list[Any]]", answer.value)["records"]) == 3 for answer in answers)
    assert all(answer.usage.input_tokens and answer.usage.output_tokens for answer in answers)
    assert server.posts(CREATE) == server.creates == 1


def test_what_create_sends_is_the_documented_job(server: BedrockStandIn, batch: Batch) -> None:
    sent(batch)
    assert server.calls[-1].json() == {
        "jobName": f"synthreview-{NONCE}",
        "clientRequestToken": NONCE,
        "roleArn": "arn:aws:iam::123456789012:role/batches",
        "modelId": "us.amazon.nova-lite-v1:0",
        "modelInvocationType": "Converse",
        "inputDataConfig": {"s3InputDataConfig": {"s3InputFormat": "JSONL", "s3Uri": batch.upload}},
        "outputDataConfig": {"s3OutputDataConfig": {"s3Uri": f"s3://{BUCKET}/synthreview/{NONCE}/out/"}},
        "timeoutDurationInHours": 24,
    }


def test_the_request_line_is_the_documented_one() -> None:
    line = Bedrock().request_line(f"{NONCE}-000001", ASK, endpoint=Endpoint(model="m"))
    request = cast("dict[str, Any]", line["modelInput"])
    (message,) = request.pop("messages")
    assert (line["recordId"], request) == (f"{NONCE}-000001", {"inferenceConfig": {"maxTokens": 900}})
    text = message["content"][0]["text"]
    asked, _, schema = text.partition("JSON Schema:\n")
    assert asked.startswith(
        "Write 3 messages for the label refund.\n\nAnswer with one JSON object and nothing else"
    )
    assert json.loads(schema)["properties"]["records"]["items"]["required"] == ["text"]


@pytest.mark.parametrize("fault", ["drop_before_accept", "drop_after_accept", "hang_after_accept"])
def test_a_lost_answer_is_one_post_and_nobody_knows(server: BedrockStandIn, batch: Batch, fault: str) -> None:
    server.behaviour = Behaviour(**cast("dict[str, Any]", {fault: True, "every_time": True}))
    with pytest.raises(AmbiguousError):
        Impatient().create(batch)
    assert server.posts(CREATE) == 1
    assert len(Bedrock().find(batch)) == (0 if fault == "drop_before_accept" else 1)


def test_the_sdk_by_itself_posts_more_than_once(
    server: BedrockStandIn, batch: Batch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: what one attempt keeps us from."""
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda seconds: None)
    server.behaviour = Behaviour(status_after_accept=500, every_time=True)
    with pytest.raises(AmbiguousError):
        Bedrock().create(batch)
    body = server.calls[-1].json()
    client = boto3.client(
        "bedrock",
        region_name=REGION,
        endpoint_url=server.base_url,
        aws_access_key_id=KEY_ID,
        aws_secret_access_key=SECRET,
    )
    assert server.posts(CREATE) == 1
    with pytest.raises(ClientError):
        client.create_model_invocation_job(**body)
    client.close()
    assert server.posts(CREATE) > 2


@pytest.mark.parametrize(
    ("status", "code"),
    [(500, "InternalServerException"), (408, "RequestTimeout"), (400, "ConflictException")],
)
def test_an_answer_that_says_nothing_of_the_job_is_ambiguous(
    server: BedrockStandIn, batch: Batch, status: int, code: str
) -> None:
    """A conflict is one with our own token: what it made is ours, and has to be found."""
    server.behaviour = Behaviour(refuse=(status, {"message": "So."}, {"x-amzn-errortype": code}))
    with pytest.raises(AmbiguousError, match="So"):
        Bedrock().create(batch)
    assert server.posts(CREATE) == 1


@pytest.mark.parametrize(
    ("status", "code"), [(429, "ThrottlingException"), (400, "ServiceQuotaExceededException")]
)
def test_too_many_is_not_now(server: BedrockStandIn, batch: Batch, status: int, code: str) -> None:
    server.behaviour = Behaviour(refuse=(status, {"message": "Too many jobs."}, {"x-amzn-errortype": code}))
    with pytest.raises(RetryLaterError, match="Too many jobs") as caught:
        Bedrock().create(batch)
    assert caught.value.after >= timedelta(minutes=1)
    assert (server.posts(CREATE), server.jobs) == (1, {})


def test_a_redirect_is_not_followed(server: BedrockStandIn, batch: Batch) -> None:
    server.behaviour = Behaviour(refuse=(307, {}, {"Location": f"{server.url}/elsewhere"}))
    with pytest.raises(AmbiguousError):
        Bedrock().create(batch)
    assert not any(call.path == "/elsewhere" for call in server.calls)


def test_keys_of_a_session_are_used_whole_and_told_nobody(
    server: BedrockStandIn, batch: Batch, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("TEAM_AWS_SESSION_TOKEN", TOKEN)
    # Amazon's signature errors quote the headers of the request.
    said = f"The canonical string should have been x-amz-security-token:{TOKEN} {SECRET}"
    server.behaviour = Behaviour(refuse=(403, {"message": said}, {"x-amzn-errortype": "InvalidSignature"}))
    with caplog.at_level("DEBUG"), pytest.raises(DefiniteRefusalError, match=r"\[key\]") as caught:
        Bedrock().create(batch)
    # The control: it was sent.
    assert server.calls[-1].headers["x-amz-security-token"] == TOKEN
    assert caught.value.__suppress_context__
    for secret in (SECRET, TOKEN):
        assert secret not in f"{caught.value}{caplog.text}"


def test_a_bearer_token_of_the_environment_is_left_alone(
    server: BedrockStandIn, batch: Batch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", TOKEN)
    Bedrock().find(batch)
    line = cast("dict[str, Any]", loads_line(batch.request_file.read_bytes().splitlines()[0]))
    Bedrock().answer_now(line, endpoint=batch.endpoint)
    signatures = [call.headers["authorization"] for call in server.calls]
    assert len(signatures) == 2
    assert all(f"AWS4-HMAC-SHA256 Credential={KEY_ID}/" in signature for signature in signatures)


def test_a_machine_without_a_role_sends_nothing(
    server: BedrockStandIn, batch: Batch, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """No key is named, and AWS's own chain finds none: that is a no, and not a doubt."""
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    endpoint = replace(batch.endpoint, key_name="")
    with pytest.raises(DefiniteRefusalError, match="Nothing was sent"):
        Bedrock().create(replace(batch, endpoint=endpoint))
    assert not server.calls


def test_a_region_that_is_none_is_a_no(server: BedrockStandIn, batch: Batch) -> None:
    endpoint = replace(batch.endpoint, settings={**batch.endpoint.settings, "region": "no such region"})
    with pytest.raises(DefiniteRefusalError, match="Nothing was sent"):
        Bedrock().create(replace(batch, endpoint=endpoint))
    assert not server.calls


def test_a_key_name_of_another_kind_is_refused(batch: Batch) -> None:
    endpoint = replace(batch.endpoint, key_name="TEAM_AWS_API_KEY")
    with pytest.raises(DomainError, match="_ACCESS_KEY_ID"):
        Bedrock().create(replace(batch, endpoint=endpoint))


def test_a_host_that_is_not_listed_is_never_called(
    server: BedrockStandIn, batch: Batch, settings: Settings
) -> None:
    settings.PROVIDER_HOSTS = ()
    with pytest.raises(DefiniteRefusalError, match="PROVIDER_HOSTS"):
        Bedrock().create(batch)
    with pytest.raises(DefiniteRefusalError, match="PROVIDER_HOSTS"):
        Bedrock().upload(batch)
    assert not server.calls


def test_find_reads_every_page_and_takes_its_own_name_alone(server: BedrockStandIn, batch: Batch) -> None:
    batch = sent(batch)
    job = server.jobs.pop(batch.batch_id)
    for number in range(PAGE + 5):
        arn = f"{job.arn}x{number}"
        server.jobs[arn] = replace(job, arn=arn, name=f"{job.name}-{number}")
    server.jobs[job.arn] = job
    assert [found.batch_id for found in Bedrock().find(batch)] == [batch.batch_id]
    assert server.lists == 2


def test_a_list_that_lags_or_is_down_finds_nothing_or_fails(server: BedrockStandIn, batch: Batch) -> None:
    server.behaviour = Behaviour(listing_lag=1, list_down=True)
    batch = sent(batch)
    with pytest.raises(AmbiguousError):
        Bedrock().find(batch)
    server.behaviour.list_down = False
    assert Bedrock().find(batch) == []
    assert len(Bedrock().find(batch)) == 1


def test_a_job_that_failed_says_why_and_gives_what_it_did(server: BedrockStandIn, batch: Batch) -> None:
    server.behaviour = Behaviour(end_as=EndAs.FAILED)
    batch = sent(batch)
    Bedrock().poll(batch)
    poll = Bedrock().poll(batch)
    assert (poll.state, poll.message) == (BatchState.FAILED, "The input file is not valid.")
    assert lines_of(batch) == []
    # It got somewhere before: that is billed, and comes in.
    server.behaviour = Behaviour(answered=2)
    server.finish(server.jobs[batch.batch_id])
    poll = Bedrock().poll(batch)
    assert (poll.state, poll.message) == (BatchState.ENDED, "The input file is not valid.")
    assert len(lines_of(batch)) == 2


def test_outcomes_are_told_apart(server: BedrockStandIn, batch: Batch) -> None:
    kinds = [Outcome.OK, Outcome.FILTERED, Outcome.TRUNCATED, Outcome.ERROR]
    server.behaviour = Behaviour(per_request=lambda number, line: kinds[number])
    batch = sent(batch)
    ended(batch)
    answers = [Bedrock().read_answer(line) for line in lines_of(batch)]
    statuses = [AnswerStatus.OK, AnswerStatus.FILTERED, AnswerStatus.TRUNCATED, AnswerStatus.ERROR]
    assert [answer.status for answer in answers] == statuses
    assert answers[3].message == "The model broke. (code 400)"


def test_input_tokens_are_the_sum_of_three() -> None:
    usage = {"inputTokens": 10, "cacheWriteInputTokens": 20, "cacheReadInputTokens": 30, "outputTokens": 4}
    output = {"output": {"message": {"content": [{"text": "{}"}]}}, "stopReason": "end_turn", "usage": usage}
    line = cast("JsonValue", {"recordId": "a", "modelOutput": output})
    assert Bedrock().read_answer(line).usage == Usage(input_tokens=60, output_tokens=4, cached_tokens=30)


def test_poison_goes_on_raw(server: BedrockStandIn, batch: Batch) -> None:
    poison = [b"\xff\xfe{", b'{"recordId": NaN}', '{"recordId":"\u2028"}'.encode()]
    server.behaviour = Behaviour(poison_lines=poison, shuffle=True, duplicate=True)
    batch = sent(batch)
    ended(batch)
    lines = list(Bedrock().results(batch))
    assert len(lines) == 5 + len(poison)
    assert set(poison) < set(lines)


def test_results_with_another_nonce_are_not_ours(server: BedrockStandIn, batch: Batch) -> None:
    batch = sent(batch)
    ended(batch)
    key = f"synthreview/{NONCE}/out/{server.jobs[batch.batch_id].id}/requests.jsonl.out"
    server.s3.put_object(Bucket=BUCKET, Key=key, Body=b'{"recordId":"%s-000001"}\n' % (b"f" * 32))
    with pytest.raises(NotOursError):
        list(Bedrock().results(batch))


def test_cancelling_is_harmless_when_it_is_over(server: BedrockStandIn, batch: Batch) -> None:
    batch = sent(batch)
    Bedrock().cancel(batch)
    assert ended(batch) == BatchState.CANCELLED
    Bedrock().cancel(batch)


def test_an_answer_now_is_one_post_and_a_result_line(server: BedrockStandIn, batch: Batch) -> None:
    line = cast("dict[str, Any]", loads_line(batch.request_file.read_bytes().splitlines()[0]))
    answer = Bedrock().read_answer(loads_line(Bedrock().answer_now(line, endpoint=batch.endpoint)))
    assert (answer.custom_id, answer.status) == (f"{NONCE}-000001", AnswerStatus.OK)
    assert server.calls[-1].json() == line["modelInput"]
    server.behaviour = Behaviour(drop_after_accept=True, every_time=True)
    with pytest.raises(AmbiguousError):
        Bedrock().answer_now(line, endpoint=batch.endpoint)
    assert server.creates == 2


@pytest.mark.parametrize("text", ['{"records": []}', "half a pair: \ud800"])
def test_whatever_was_paid_for_becomes_a_line(
    server: BedrockStandIn, batch: Batch, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    """What a model thought comes as bytes, which JSON has no word for; what cannot be read is for the reader."""
    thought = {"reasoningContent": {"redactedContent": "AAEC"}}
    body = {
        "output": {"message": {"role": "assistant", "content": [thought, {"text": text}]}},
        "stopReason": "end_turn",
        "usage": {"inputTokens": 1, "outputTokens": 1, "totalTokens": 2},
        "metrics": {"latencyMs": 1},
    }
    monkeypatch.setattr(server, "converse", lambda request, model: Reply(body=body))
    line = cast("dict[str, Any]", loads_line(batch.request_file.read_bytes().splitlines()[0]))
    said = json.loads(Bedrock().answer_now(line, endpoint=batch.endpoint))
    assert said["modelOutput"]["output"]["message"]["content"] == [{"text": text}]
