"""Reading Anthropic's messages: result lines of a batch, synchronous answers, and Claude's answers on Bedrock."""

from __future__ import annotations

from typing import cast

from apps.core.strict_json import JsonValue
from apps.providers.base import Answer, AnswerStatus, JsonObject, UnreadableAnswerError, Usage, require_fields
from apps.providers.content import read_content

BY_TYPE = {"canceled": AnswerStatus.CANCELLED, "expired": AnswerStatus.EXPIRED}
BY_STOP_REASON = {
    "max_tokens": AnswerStatus.TRUNCATED,
    "model_context_window_exceeded": AnswerStatus.TRUNCATED,
    "refusal": AnswerStatus.REFUSED,
}
INPUT_COUNTS = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")


def read_result(line: JsonValue) -> Answer:
    """What a result line says; UnreadableAnswerError when it is none."""
    values = require_fields(line, {"custom_id": str, "result": dict})
    custom_id, result = cast("str", values["custom_id"]), cast("JsonObject", values["result"])
    kind = result.get("type")
    if kind == "succeeded":
        return read_message(custom_id, result.get("message"))
    if kind == "errored":
        return Answer(custom_id, AnswerStatus.ERROR, message=_reason(result.get("error")))
    if isinstance(kind, str) and kind in BY_TYPE:
        return Answer(custom_id, BY_TYPE[kind])
    raise UnreadableAnswerError("The result has a type that is not known.")


def read_message(custom_id: str, message: JsonValue) -> Answer:
    """What a message says, by its stop reason before its text."""
    if not isinstance(message, dict) or not isinstance(message.get("content"), list):
        raise UnreadableAnswerError("The result has no message with content.")
    usage = _usage(message.get("usage"))
    reason = message.get("stop_reason")
    if isinstance(reason, str) and reason in BY_STOP_REASON:
        note = f"The model stopped for {reason}."
        return Answer(custom_id, BY_STOP_REASON[reason], message=note, usage=usage)
    blocks = cast("list[JsonValue]", message["content"])
    texts = [block.get("text") for block in blocks if isinstance(block, dict) and block.get("type") == "text"]
    text = "".join(part for part in texts if isinstance(part, str))
    if not text:
        return Answer(custom_id, AnswerStatus.ERROR, message="The model answered without text.", usage=usage)
    return read_content(custom_id, text, usage=usage)


def _reason(error: JsonValue) -> str:
    """``{"type": "error", "error": {"type", "message"}}``: the inner one says why."""
    inner = error.get("error") if isinstance(error, dict) else None
    if not isinstance(inner, dict):
        return "The request failed, and nothing says why."
    return f"{inner.get('type')}: {inner.get('message')}"[:500]


def _usage(value: JsonValue) -> Usage:
    if not isinstance(value, dict):
        return Usage()
    counts = {name: _count(value.get(name)) for name in (*INPUT_COUNTS, "output_tokens")}
    return Usage(
        input_tokens=sum(counts[name] for name in INPUT_COUNTS),
        output_tokens=counts["output_tokens"],
        cached_tokens=counts["cache_read_input_tokens"],
    )


def _count(value: JsonValue) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0
