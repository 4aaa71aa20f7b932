"""Chat completions: what OpenAI, Azure OpenAI and the servers that speak their language have in common.

Request and result lines are those of OpenAI's batch interface; a synchronous answer is put into the same form.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, ClassVar, cast

from apps.core.strict_json import JsonValue, canonical_dumps
from apps.providers.base import (
    Answer,
    Ask,
    Endpoint,
    JsonObject,
    Setting,
    TokenCount,
)
from apps.providers.keys import key_of
from apps.providers.network import http_client
from apps.providers.openai_answers import FILTERED_CODE, read_chat_answer
from apps.providers.openai_errors import refusals
from apps.providers.openai_schema import chat_schema
from apps.providers.over_network import OverNetwork, text_of
from apps.providers.price_list import context_window
from apps.providers.result_lines import MAX_RESULT_LINE_BYTES
from apps.providers.sdk import sdk

CHAT_PATH = "/v1/chat/completions"
# OpenAI's rule of thumb is four characters of English to a token; by bytes, other scripts are not undercounted.
BYTES_PER_TOKEN = 4
TOKENS_PER_MESSAGE = 8
# Beyond a few, the records of one answer grow alike.
RECORDS_PER_REQUEST = 5


class ChatCompletions(OverNetwork):
    """The half of a provider that needs no batches. Subclasses say where it is and what it takes."""

    key: str
    title: str
    settings: tuple[Setting, ...] = ()
    hosts: tuple[str, ...]
    needs_base_url: bool
    default_key_name: str

    vendor: ClassVar[str] = ""
    """In the price list."""
    base_url: ClassVar[str] = ""
    """The vendor's own, for endpoints that name none."""
    token_limit_name: ClassVar[str] = "max_completion_tokens"  # noqa: S105  a field of a request
    """``max_tokens`` was OpenAI's first name for it; only servers beside the vendors' still want that one."""

    def request_line(self, custom_id: str, ask: Ask, *, endpoint: Endpoint) -> JsonObject:
        prompt = text_of(ask, asked=self.title)
        body: JsonObject = {
            "model": endpoint.model,
            "messages": [{"role": "user", "content": prompt}],
            self.token_limit_name: ask.max_output_tokens,
        }
        if ask.schema:
            body["response_format"] = {
                "type": "json_schema",
                "json_schema": {"name": "answer", "strict": True, "schema": self.schema_of(ask.schema)},
            }
        return {"custom_id": custom_id, "method": "POST", "url": CHAT_PATH, "body": body}

    def schema_of(self, schema: Mapping[str, Any]) -> JsonObject:
        return chat_schema(schema)

    def count_tokens(self, line: JsonObject) -> TokenCount:
        """A guess: no tokenizer of these models comes with its vocabulary, and none may be fetched."""
        body = line["body"]
        sent = canonical_dumps(body.get("messages")) if isinstance(body, dict) else b""
        schema = canonical_dumps(body.get("response_format")) if isinstance(body, dict) else b""
        tokens = -(-(len(sent) + len(schema)) // BYTES_PER_TOKEN) + TOKENS_PER_MESSAGE
        return TokenCount(tokens=tokens, is_guess=True)

    def context_window(self, model: str) -> int | None:
        return context_window(model, vendor=self.vendor) if self.vendor else None

    def read_answer(self, line: JsonValue) -> Answer:
        return read_chat_answer(line)

    def answer_now(self, line: JsonObject, *, endpoint: Endpoint) -> bytes:
        """As a result line. What the server said is put in as it came, for the strict reader to judge."""
        body = cast("dict[str, Any]", line["body"])
        with self.client(endpoint, timeout=self.answer_within) as client:
            try:
                with client.chat.completions.with_streaming_response.create(**body) as response:
                    status, said = response.status_code, _first_bytes(response.iter_bytes())
            except sdk("openai").BadRequestError as error:
                if error.code != FILTERED_CODE:
                    raise
                # Azure refuses a filtered prompt with a status of its own; in a batch it is a result like others.
                status, said = error.status_code, canonical_dumps({"error": {"code": FILTERED_CODE}})
        said = said.replace(b"\r", b" ").replace(b"\n", b" ")
        custom_id = canonical_dumps(line["custom_id"])
        return b'{"custom_id":%b,"error":null,"response":{"status_code":%d,"body":%b}}' % (
            custom_id,
            status,
            said or b"null",
        )

    @contextmanager
    def client(self, endpoint: Endpoint, *, timeout: timedelta) -> Iterator[Any]:
        """An SDK client that posts once, follows nobody and raises in the machine's words.

        Everything that the SDK would else take from the environment is said here: another host than the one
        that a key was meant for gets neither that key nor the names of an organisation.
        """
        openai, key = sdk("openai"), self.api_key(endpoint)
        headers = {name: openai.Omit() for name in ("OpenAI-Organization", "OpenAI-Project")}
        seconds = timeout.total_seconds()
        with (
            refusals(key=key),
            http_client(self.hosts, timeout=seconds) as http,
            openai.OpenAI(
                api_key=key,
                base_url=endpoint.base_url or self.base_url,
                default_headers={**headers, "Authorization": f"Bearer {key}"},
                http_client=http,
                max_retries=0,
                timeout=seconds,
            ) as client,
        ):
            yield client

    def api_key(self, endpoint: Endpoint) -> str:
        return key_of(endpoint, self.default_key_name)


def _first_bytes(chunks: Iterator[bytes], limit: int = MAX_RESULT_LINE_BYTES) -> bytes:
    """What a server says, up to ``limit``: the rest is not asked for."""
    said = bytearray()
    for chunk in chunks:
        said += chunk
        if len(said) > limit:
            break
    return bytes(said[:limit])
