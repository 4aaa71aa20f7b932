"""What a Gemini model answered, and what only looks like an answer."""

from __future__ import annotations

from typing import Any

import pytest

from apps.core.strict_json import JsonValue
from apps.providers.base import AnswerStatus, UnreadableAnswerError, Usage
from apps.providers.gemini import Gemini


def answered(candidate: dict[str, Any], **beside: Any) -> JsonValue:
    return {"key": "a", "response": {"candidates": [candidate], **beside}}


def texts(*parts: dict[str, Any]) -> dict[str, Any]:
    return {"content": {"role": "model", "parts": list(parts)}}


@pytest.mark.parametrize(
    ("reason", "status"),
    [
        ("MAX_TOKENS", AnswerStatus.TRUNCATED),
        ("SAFETY", AnswerStatus.FILTERED),
        ("PROHIBITED_CONTENT", AnswerStatus.FILTERED),
        ("BLOCKLIST", AnswerStatus.FILTERED),
        ("SPII", AnswerStatus.FILTERED),
        ("RECITATION", AnswerStatus.FILTERED),
        ("MALFORMED_RESPONSE", AnswerStatus.ERROR),
        ("STOP", AnswerStatus.UNREADABLE),
    ],
)
def test_why_the_model_stopped_is_told_apart_from_bad_json(reason: str, status: AnswerStatus) -> None:
    candidate = {**texts({"text": '{"records": [{"te'}), "finishReason": reason}
    assert Gemini().read_answer(answered(candidate)).status == status


def test_thoughts_cost_and_are_no_part_of_the_answer() -> None:
    candidate = {**texts({"text": "Let me see.", "thought": True}, {"text": '{"a":'}, {"text": "1}"})}
    usage = {
        "promptTokenCount": 100,
        "cachedContentTokenCount": 60,
        "candidatesTokenCount": 5,
        "thoughtsTokenCount": 40,
    }
    answer = Gemini().read_answer(answered({**candidate, "finishReason": "STOP"}, usageMetadata=usage))
    assert answer.value == {"a": 1}
    assert answer.usage == Usage(input_tokens=100, output_tokens=45, cached_tokens=60)


def test_a_blocked_prompt_is_filtered() -> None:
    line: JsonValue = {"key": "a", "response": {"promptFeedback": {"blockReason": "BLOCKLIST"}}}
    answer = Gemini().read_answer(line)
    assert (answer.status, answer.message) == (AnswerStatus.FILTERED, "The prompt was blocked for BLOCKLIST.")


@pytest.mark.parametrize(
    "line",
    [
        None,
        [],
        {},
        {"key": 1},
        {"key": "a"},
        {"key": "a", "response": []},
        {"key": "a", "error": "no"},
        {"key": "a", "response": {"candidates": "x"}},
        {"key": "a", "response": {"candidates": ["x"]}},
    ],
)
def test_what_is_no_result_line_is_unreadable(line: JsonValue) -> None:
    with pytest.raises(UnreadableAnswerError):
        Gemini().read_answer(line)


@pytest.mark.parametrize("value", [-1, True, "7", 1.5, None, {}])
def test_a_strange_count_is_none(value: JsonValue) -> None:
    line = answered(texts({"text": "{}"}), usageMetadata={"promptTokenCount": value})
    assert Gemini().read_answer(line).usage.input_tokens == 0
