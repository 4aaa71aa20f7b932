"""What a model said, read as strictly as everything else from outside. Nothing is repaired."""

from __future__ import annotations

from apps.core.strict_json import StrictJsonError, loads_line
from apps.providers.base import NO_USAGE, Answer, AnswerStatus, Usage

MAX_ANSWER_BYTES = 4_000_000


def read_content(custom_id: str, text: str, *, usage: Usage = NO_USAGE) -> Answer:
    """The answer in ``text``: strict JSON, or UNREADABLE with the reason."""
    stripped = text.strip()
    if stripped.startswith("```"):
        return Answer(
            custom_id,
            AnswerStatus.UNREADABLE,
            message="The answer is wrapped in a Markdown fence; the prompt must ask for bare JSON.",
            usage=usage,
            reason="fenced_json",
        )
    try:
        # A lone surrogate has no UTF-8 form; let the reader refuse it with its own reason.
        data = stripped.encode("utf-8", "surrogatepass")
        value = loads_line(data, max_bytes=MAX_ANSWER_BYTES)
    except StrictJsonError as error:
        return Answer(
            custom_id,
            AnswerStatus.UNREADABLE,
            message=f"The answer is not strict JSON: {error.message}",
            usage=usage,
            reason=error.reason_code,
        )
    return Answer(custom_id, AnswerStatus.OK, value, usage=usage)
