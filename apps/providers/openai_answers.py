"""Reading a result line of chat completions, from an output file, an error file or a synchronous answer."""

from __future__ import annotations

from typing import cast

from apps.core.strict_json import JsonValue
from apps.providers.base import (
    NO_USAGE,
    Answer,
    AnswerStatus,
    JsonObject,
    UnreadableAnswerError,
    Usage,
    require_fields,
)
from apps.providers.content import read_content

FILTERED_CODE = "content_filter"
BY_CODE = {
    "batch_expired": AnswerStatus.EXPIRED,
    "batch_cancelled": AnswerStatus.CANCELLED,
    FILTERED_CODE: AnswerStatus.FILTERED,
}
BY_FINISH_REASON = {"length": AnswerStatus.TRUNCATED, FILTERED_CODE: AnswerStatus.FILTERED}


def read_chat_answer(line: JsonValue) -> Answer:
    """What the line says; UnreadableAnswerError when it is none of this interface."""
    values = require_fields(line, {"custom_id": str})
    custom_id = cast("str", values["custom_id"])
    response, error = values.get("response"), values.get("error")
    if isinstance(response, dict):
        body = response.get("body")
        if not isinstance(body, dict):
            raise UnreadableAnswerError("The line has a response without a body.")
        status = response.get("status_code")
        if isinstance(status, int) and 200 <= status < 300:
            return _of_completion(custom_id, body)
        return _of_error(custom_id, body.get("error") or error, f"status {status}")
    if isinstance(error, dict):
        return _of_error(custom_id, error, "no response")
    raise UnreadableAnswerError("The line has neither a response nor an error.")


def _of_completion(custom_id: str, body: JsonObject) -> Answer:
    choices = body.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    message = choice.get("message") if isinstance(choice, dict) else None
    if not isinstance(choice, dict) or not isinstance(message, dict):
        raise UnreadableAnswerError("The completion has no message.")
    usage = _usage(body.get("usage"))
    reason, refusal, text = choice.get("finish_reason"), message.get("refusal"), message.get("content")
    if isinstance(refusal, str) and refusal:
        return Answer(custom_id, AnswerStatus.REFUSED, message=refusal[:500], usage=usage)
    if isinstance(reason, str) and reason in BY_FINISH_REASON:
        note = f"The model stopped for {reason}."
        return Answer(custom_id, BY_FINISH_REASON[reason], message=note, usage=usage)
    if not isinstance(text, str):
        note = "The model answered without text."
        return Answer(custom_id, AnswerStatus.ERROR, message=note, usage=usage)
    return read_content(custom_id, text, usage=usage)


def _of_error(custom_id: str, error: JsonValue, otherwise: str) -> Answer:
    """``error`` is ``{"code", "message"}``; some gateways write a text instead."""
    if not isinstance(error, dict):
        return Answer(custom_id, AnswerStatus.ERROR, message=str(error or otherwise)[:500])
    code, message = error.get("code"), error.get("message")
    status = BY_CODE.get(code, AnswerStatus.ERROR) if isinstance(code, str) else AnswerStatus.ERROR
    parts = [str(part) for part in (code, message) if part]
    return Answer(custom_id, status, message=(": ".join(parts) or otherwise)[:500])


def _usage(value: JsonValue) -> Usage:
    if not isinstance(value, dict):
        return NO_USAGE
    details = value.get("prompt_tokens_details")
    return Usage(
        input_tokens=_count(value.get("prompt_tokens")),
        output_tokens=_count(value.get("completion_tokens")),
        cached_tokens=_count(details.get("cached_tokens")) if isinstance(details, dict) else 0,
    )


def _count(value: JsonValue) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0
