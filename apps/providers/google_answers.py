"""What a Gemini model answered, the same on both of Google's interfaces: a ``GenerateContentResponse``."""

from __future__ import annotations

from apps.core.strict_json import JsonValue
from apps.providers.base import NO_USAGE, Answer, AnswerStatus, JsonObject, UnreadableAnswerError, Usage
from apps.providers.content import read_content

LONGEST_MESSAGE = 500
FILTERED = frozenset(
    {"SAFETY", "PROHIBITED_CONTENT", "BLOCKLIST", "SPII", "RECITATION", "MODEL_ARMOR", "JAILBREAK"}
)
# Nothing is wrong with the text, as far as the model can tell.
WHOLE = frozenset({"", "STOP", "FINISH_REASON_UNSPECIFIED"})


def read_response(custom_id: str, response: JsonValue) -> Answer:
    """The answer in ``response``; UnreadableAnswerError when that is none."""
    if not isinstance(response, dict):
        raise UnreadableAnswerError("The response is not a JSON object.")
    usage = _usage(response.get("usageMetadata"))
    candidate = _first_candidate(response)
    if candidate is None:
        return _without_candidate(custom_id, response, usage)
    reason = _text(candidate, "finishReason")
    if reason == "MAX_TOKENS":
        note = "The model reached the limit of output tokens."
        return Answer(custom_id, AnswerStatus.TRUNCATED, message=note, usage=usage)
    if reason not in WHOLE:
        status = AnswerStatus.FILTERED if reason in FILTERED else AnswerStatus.ERROR
        return Answer(custom_id, status, message=f"The model stopped for {reason[:100]}.", usage=usage)
    return read_content(custom_id, _said(candidate), usage=usage)


def error_answer(custom_id: str, message: str) -> Answer:
    """Of a request that failed by itself, in the vendor's words."""
    said = message.strip() or "The vendor gives no reason."
    return Answer(custom_id, AnswerStatus.ERROR, message=said[:LONGEST_MESSAGE])


def _without_candidate(custom_id: str, response: JsonObject, usage: Usage) -> Answer:
    """A prompt that was not let through has no candidate and says why beside it."""
    feedback = response.get("promptFeedback")
    reason = _text(feedback, "blockReason") if isinstance(feedback, dict) else ""
    if reason:
        note = f"The prompt was blocked for {reason[:100]}."
        return Answer(custom_id, AnswerStatus.FILTERED, message=note, usage=usage)
    note = "The model gave neither an answer nor a reason."
    return Answer(custom_id, AnswerStatus.ERROR, message=note, usage=usage)


def _first_candidate(response: JsonObject) -> JsonObject | None:
    candidates = response.get("candidates") or []
    if not isinstance(candidates, list) or not all(isinstance(entry, dict) for entry in candidates):
        raise UnreadableAnswerError("The response has candidates of a wrong type.")
    first = candidates[0] if candidates else None
    return first if isinstance(first, dict) else None


def _said(candidate: JsonObject) -> str:
    """The text of the answer, without what the model thought to itself."""
    content = candidate.get("content")
    parts = content.get("parts") if isinstance(content, dict) else None
    texts = []
    for part in parts if isinstance(parts, list) else ():
        if isinstance(part, dict) and not part.get("thought"):
            texts.append(_text(part, "text"))
    return "".join(texts)


def _usage(value: JsonValue) -> Usage:
    """``promptTokenCount`` includes what was cached; thoughts are billed as output and counted apart."""
    if not isinstance(value, dict):
        return NO_USAGE
    return Usage(
        input_tokens=_count(value.get("promptTokenCount")),
        output_tokens=_count(value.get("candidatesTokenCount")) + _count(value.get("thoughtsTokenCount")),
        cached_tokens=_count(value.get("cachedContentTokenCount")),
    )


def _text(value: JsonObject, name: str) -> str:
    text = value.get(name)
    return text if isinstance(text, str) else ""


def _count(value: JsonValue) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0
