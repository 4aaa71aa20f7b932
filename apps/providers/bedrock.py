"""Amazon Bedrock's batch inference: request and result files in S3, a job between them.

A job takes a token of ours, so that making it twice makes one. Structured output is not to be had in batches: the
request asks for bare JSON by its schema, and what does not come so is quarantined, never repaired. Requests are in
Converse's form, which every vendor's models take.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from functools import cache
from typing import Any, cast

from apps.core.errors import DomainError
from apps.core.strict_json import JsonValue, canonical_dumps
from apps.providers.base import (
    AmbiguousError,
    Answer,
    AnswerStatus,
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
    ProviderError,
    RetryLaterError,
    Setting,
    TokenCount,
    TokenPrice,
    UnreadableAnswerError,
    Usage,
    require_fields,
)
from apps.providers.content import read_content
from apps.providers.keys import is_given, read_key
from apps.providers.network import guard_botocore
from apps.providers.over_network import OverNetwork, text_of
from apps.providers.price_list import context_window, listed_price
from apps.providers.refusals import USUAL_WAIT, lost, refusal, without
from apps.providers.result_lines import own_lines, split_lines
from apps.providers.sdk import sdk
from apps.providers.structured import strict_schema

BYTES_PER_TOKEN = 4
MINIMUM = 100
STATES = {
    "Submitted": BatchState.WAITING,
    "Validating": BatchState.WAITING,
    "Scheduled": BatchState.WAITING,
    "InProgress": BatchState.RUNNING,
    "Stopping": BatchState.RUNNING,
    "Completed": BatchState.ENDED,
    "PartiallyCompleted": BatchState.ENDED,
    "Failed": BatchState.FAILED,
    "Stopped": BatchState.CANCELLED,
    "Expired": BatchState.EXPIRED,
}
# Codes that mean "not now", whatever their HTTP status.
BUSY = frozenset(
    {"ThrottlingException", "ServiceQuotaExceededException", "TooManyRequestsException", "SlowDown"}
)
INPUT_COUNTS = ("inputTokens", "cacheReadInputTokens", "cacheWriteInputTokens")
BY_STOP_REASON = {
    "max_tokens": AnswerStatus.TRUNCATED,
    "model_context_window_exceeded": AnswerStatus.TRUNCATED,
    "content_filtered": AnswerStatus.FILTERED,
    "guardrail_intervened": AnswerStatus.FILTERED,
    "refusal": AnswerStatus.REFUSED,
}


class Bedrock(OverNetwork):
    key = "bedrock"
    title = "Amazon Bedrock"
    settings: tuple[Setting, ...] = (
        Setting(name="region", title="Region", help="Where the model and the bucket are: us-east-1."),
        Setting(name="bucket", title="S3 bucket", help="Requests and results go under synthreview/ in it."),
        Setting(
            name="role_arn",
            title="Service role",
            help="The role that lets Bedrock read and write the bucket.",
        ),
        Setting(
            name="minimum_records",
            title="Fewest records of a batch",
            help=f"The model's quota; {MINIMUM} where nothing is said.",
            is_required=False,
        ),
        Setting(
            name="storage_url",
            title="S3 address",
            help="Only for a store that is not Amazon's.",
            is_required=False,
        ),
    )
    # By service: under amazonaws.com there are servers of other customers as well (API Gateway, load balancers).
    hosts: tuple[str, ...] = (
        "bedrock.*.amazonaws.com",
        "bedrock-runtime.*.amazonaws.com",
        "s3.amazonaws.com",
        "s3.*.amazonaws.com",
        "*.s3.amazonaws.com",
        "*.s3.*.amazonaws.com",
    )
    needs_base_url = False
    default_key_name = "AWS_ACCESS_KEY_ID"
    enforces_schema = False
    window: timedelta | None = timedelta(hours=24)
    results_kept: timedelta | None = None

    def limits(self, endpoint: Endpoint) -> Limits:
        """50,000 records and 1 GB a file by the vendor's usual quotas; the minimum is a quota of each model."""
        return Limits(
            requests=50_000,
            bytes=900_000_000,
            records_per_request=5,
            minimum_requests=int(endpoint.settings.get("minimum_records") or MINIMUM),
        )

    def request_line(self, custom_id: str, ask: Ask, *, endpoint: Endpoint) -> JsonObject:
        prompt = text_of(ask, asked=self.title)
        text = prompt + (_asking_for_json(ask.schema) if ask.schema else "")
        return {
            "recordId": custom_id,
            "modelInput": {
                "messages": [{"role": "user", "content": [{"text": text}]}],
                "inferenceConfig": {"maxTokens": ask.max_output_tokens},
            },
        }

    def count_tokens(self, line: JsonObject) -> TokenCount:
        return TokenCount(
            tokens=len(canonical_dumps(line["modelInput"])) // BYTES_PER_TOKEN + 1, is_guess=True
        )

    def price(self, model: str, *, is_batch: bool) -> TokenPrice | None:
        return listed_price(_name_in(model), vendor="aws", is_batch=is_batch)

    def context_window(self, model: str) -> int | None:
        return context_window(_name_in(model), vendor="aws")

    def upload(self, batch: Batch) -> str:
        """Under a name that follows from the nonce, so that doing it again changes nothing."""
        name = f"{_folder(batch)}/requests.jsonl"
        with self._client(batch.endpoint, "s3") as s3, batch.request_file.open("rb") as file:
            s3.put_object(Bucket=batch.endpoint.settings["bucket"], Key=name, Body=file)
        return f"s3://{batch.endpoint.settings['bucket']}/{name}"

    def create(self, batch: Batch) -> Created:
        settings = batch.endpoint.settings
        output = f"s3://{settings['bucket']}/{_folder(batch)}/out/"
        with self._client(batch.endpoint, "bedrock") as bedrock:
            made = bedrock.create_model_invocation_job(
                jobName=_job_name(batch),
                roleArn=settings["role_arn"],
                modelId=batch.model,
                clientRequestToken=batch.nonce,
                modelInvocationType="Converse",
                inputDataConfig={"s3InputDataConfig": {"s3Uri": batch.upload, "s3InputFormat": "JSONL"}},
                outputDataConfig={"s3OutputDataConfig": {"s3Uri": output}},
                timeoutDurationInHours=24,
            )
        if not made.get("jobArn"):
            raise AmbiguousError(f"{self.title} answered without the ARN of a job.")
        return Created(made["jobArn"])

    def find(self, batch: Batch) -> list[Found]:
        found = []
        with self._client(batch.endpoint, "bedrock") as bedrock:
            pages = bedrock.get_paginator("list_model_invocation_jobs").paginate(
                nameContains=_job_name(batch)
            )
            for page in pages:
                for job in page.get("invocationJobSummaries", ()):
                    if job["jobName"] == _job_name(batch):
                        found.append(Found(job["jobArn"], job["submitTime"]))
        return found

    def poll(self, batch: Batch) -> Poll:
        job = self._job(batch)
        # A state that we do not know is no end: whoever took it for one would lose what was paid for.
        state = STATES.get(job["status"], BatchState.RUNNING)
        message = job.get("message", "")
        if state == BatchState.FAILED and self._output_name(batch):
            # Some of it was done, and is billed.
            return Poll(BatchState.ENDED, message)
        return Poll(state, message)

    def results(self, batch: Batch) -> Iterator[bytes]:
        name = self._output_name(batch)
        return own_lines(self._lines(batch, name) if name else iter(()), batch.nonce, id_name="recordId")

    def read_answer(self, line: JsonValue) -> Answer:
        values = require_fields(line, {"recordId": str})
        custom_id = cast("str", values["recordId"])
        output, error = values.get("modelOutput"), values.get("error")
        if isinstance(output, dict):
            return _of_output(custom_id, output)
        if isinstance(error, dict):
            message = f"{error.get('errorMessage') or 'no reason given'} (code {error.get('errorCode')})"
            return Answer(custom_id, AnswerStatus.ERROR, message=message[:500])
        raise UnreadableAnswerError("The line has neither an output nor an error.")

    def cancel(self, batch: Batch) -> None:
        try:
            with self._client(batch.endpoint, "bedrock") as bedrock:
                bedrock.stop_model_invocation_job(jobIdentifier=batch.batch_id)
        except ProviderError:
            if STATES.get(self._job(batch)["status"]) in {None, BatchState.WAITING, BatchState.RUNNING}:
                raise

    def answer_now(self, line: JsonObject, *, endpoint: Endpoint) -> bytes:
        request = cast("dict[str, Any]", line["modelInput"])
        with self._client(endpoint, "bedrock-runtime") as runtime:
            said = runtime.converse(modelId=endpoint.model, **request)
        # Its words alone: what a model thought may come as bytes, and JSON has none.
        content = [{"text": text} for text in _texts_in(said)]
        output = {
            "output": {"message": {"content": content}},
            "stopReason": said.get("stopReason"),
            "usage": said.get("usage"),
        }
        # Escaped, so that half a surrogate pair is for the strict reader to refuse.
        return json.dumps({"recordId": line["recordId"], "modelOutput": output}).encode()

    def _job(self, batch: Batch) -> Mapping[str, Any]:
        with self._client(batch.endpoint, "bedrock") as bedrock:
            job: Mapping[str, Any] = bedrock.get_model_invocation_job(jobIdentifier=batch.batch_id)
        return job

    def _output_name(self, batch: Batch) -> str:
        """The key of the result file in the bucket; "" when nothing was written."""
        job_id = batch.batch_id.rpartition("/")[2]
        with self._client(batch.endpoint, "s3") as s3:
            listed = s3.list_objects_v2(
                Bucket=batch.endpoint.settings["bucket"], Prefix=f"{_folder(batch)}/out/{job_id}/"
            )
        names = [item["Key"] for item in listed.get("Contents", ()) if item["Key"].endswith(".jsonl.out")]
        return names[0] if names else ""

    def _lines(self, batch: Batch, name: str) -> Iterator[bytes]:
        with self._client(batch.endpoint, "s3") as s3:
            body = s3.get_object(Bucket=batch.endpoint.settings["bucket"], Key=name)["Body"]
            yield from split_lines(body.iter_chunks(65_536))

    @contextmanager
    def _client(self, endpoint: Endpoint, service: str) -> Iterator[Any]:
        """A client that calls once, of the keys that the connection names, and raises in the machine's words."""
        keys = _keys_of(endpoint)
        errors = sdk("botocore.exceptions")
        # At DEBUG it writes down what it sends, a session's token included.
        logging.getLogger("botocore").setLevel(logging.INFO)
        try:
            client = self._client_of(endpoint, service, keys)
        except (errors.BotoCoreError, ValueError) as error:
            raise DefiniteRefusalError(f"Nothing was sent: {without(str(error), keys.values())}") from None
        try:
            guard_botocore(client, self.hosts)
            yield client
        except (DomainError, ProviderError):
            raise
        except (
            errors.NoCredentialsError,
            errors.PartialCredentialsError,
            errors.CredentialRetrievalError,
            errors.ParamValidationError,
        ) as error:
            # botocore's own, before it asks for a connection.
            raise DefiniteRefusalError(f"Nothing was sent: {without(str(error), keys.values())}") from None
        except errors.ClientError as error:
            raise _refusal(error, tuple(keys.values())) from None
        except Exception as error:  # noqa: BLE001  nobody knows what the provider did
            raise lost(error, f"{self.title} gave no clear answer ({type(error).__name__}).") from None
        finally:
            client.close()

    def _client_of(self, endpoint: Endpoint, service: str, keys: Mapping[str, str]) -> Any:
        address = endpoint.settings.get("storage_url") if service == "s3" else endpoint.base_url
        within = self.answer_within if service == "bedrock-runtime" else self.call_within
        config = sdk("botocore.config").Config(
            retries={"total_max_attempts": 1},
            read_timeout=within.total_seconds(),
            connect_timeout=20,
            # Not a bearer token of the environment, which no connection has named.
            signature_version="s3v4" if service == "s3" else "v4",
            s3={"addressing_style": "path"} if address else None,
        )
        session = sdk("botocore.session").get_session()
        session.register_component("data_loader", _descriptions())
        return session.create_client(
            service,
            region_name=endpoint.settings["region"],
            endpoint_url=address or None,
            config=config,
            **keys,
        )


@cache
def _descriptions() -> Any:
    """What botocore knows of Amazon's services: long, public, and otherwise read again for every client."""
    return sdk("botocore.loaders").create_loader()


def _keys_of(endpoint: Endpoint) -> dict[str, str]:
    """By the variable that holds the key's id; its secret has the same name with another ending, and so has the
    token of a session, if there is one.

    Nothing when the connection names none: then the machine's own role is asked for, as AWS does it.
    """
    if not endpoint.key_name:
        return {}
    stem = endpoint.key_name.removesuffix("_ACCESS_KEY_ID")
    if stem == endpoint.key_name:
        raise DomainError(
            f"{endpoint.key_name} does not end in _ACCESS_KEY_ID: name the variable of the key's id; its secret "
            "is then read from the one that ends in _SECRET_ACCESS_KEY."
        )
    keys = {
        "aws_access_key_id": read_key(endpoint.key_name),
        "aws_secret_access_key": read_key(f"{stem}_SECRET_ACCESS_KEY"),
    }
    if is_given(token := f"{stem}_SESSION_TOKEN"):
        keys["aws_session_token"] = read_key(token)
    return keys


def _name_in(model: str) -> str:
    """The model or inference profile that an ARN names, and any other name as it is."""
    return model.rpartition("/")[2]


def _folder(batch: Batch) -> str:
    return f"synthreview/{batch.nonce}"


def _job_name(batch: Batch) -> str:
    return f"synthreview-{batch.nonce}"


def _asking_for_json(schema: Mapping[str, Any]) -> str:
    text = json.dumps(strict_schema(schema), ensure_ascii=False)
    return (
        "\n\nAnswer with one JSON object and nothing else: no introduction, no Markdown, no comment. "
        f"It has to be valid by this JSON Schema:\n{text}"
    )


def _of_output(custom_id: str, output: JsonObject) -> Answer:
    usage = output.get("usage")
    counts = usage if isinstance(usage, dict) else {}
    tokens = Usage(
        input_tokens=sum(_count(counts.get(name)) for name in INPUT_COUNTS),
        output_tokens=_count(counts.get("outputTokens")),
        cached_tokens=_count(counts.get("cacheReadInputTokens")),
    )
    reason = output.get("stopReason")
    if isinstance(reason, str) and reason in BY_STOP_REASON:
        note = f"The model stopped for {reason}."
        return Answer(custom_id, BY_STOP_REASON[reason], message=note, usage=tokens)
    text = "".join(_texts_in(output))
    if not text:
        return Answer(custom_id, AnswerStatus.ERROR, message="The model answered without text.", usage=tokens)
    return read_content(custom_id, text, usage=tokens)


def _texts_in(output: Mapping[str, Any]) -> list[str]:
    said = output.get("output")
    message = said.get("message") if isinstance(said, dict) else None
    blocks = message.get("content") if isinstance(message, dict) else None
    if not isinstance(blocks, list):
        return []
    texts = [block.get("text") for block in blocks if isinstance(block, dict)]
    return [text for text in texts if isinstance(text, str)]


def _count(value: JsonValue) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


def _refusal(error: Any, secrets: tuple[str, ...]) -> ProviderError:
    answer = error.response
    status = answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    said = answer.get("Error", {})
    message = without(f"{said.get('Code')}: {said.get('Message')}", secrets)
    if said.get("Code") in BUSY:
        return RetryLaterError(message, after=USUAL_WAIT)
    if said.get("Code") == "ConflictException":
        # The token was used before: what it made is ours and has to be found.
        return AmbiguousError(message)
    return refusal(status, message)
