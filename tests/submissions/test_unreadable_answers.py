"""A line may be sound and the model's answer in it not: strict JSON all the way down, nothing is repaired."""

from __future__ import annotations

import hashlib
import json

import pytest

from apps.providers.openai_answers import read_chat_answer
from apps.records.models import Record
from apps.submissions.models import RequestOutcome, Submission, SubmissionStatus
from tests.submissions.scene import fetched, ingest
from tests.submissions.scripted import Scripted

pytestmark = pytest.mark.django_db

CANARY = "canary of the text"
SOUND = json.dumps({"records": [{"input": {"text": CANARY}, "output": {"label": "refund"}}]})
UNREADABLE = {
    "not JSON": ("I cannot do that.", "invalid_json"),
    "cut off": (SOUND[:-3], "invalid_json"),
    "two answers": (SOUND + SOUND, "invalid_json"),
    "a comment behind it": (SOUND + "\nI hope this helps!", "invalid_json"),
    "a Markdown fence": (f"```json\n{SOUND}\n```", "fenced_json"),
    "nothing": ("", "empty_line"),
    "NUL, escaped": (SOUND.replace("text", r"te\u0000xt", 1), "nul"),
    "lone surrogate": (SOUND.replace("text", r"te\ud800xt", 1), "lone_surrogate"),
    "NaN": (SOUND.replace(f'"{CANARY}"', "NaN"), "not_finite"),
    "1e999": (SOUND.replace(f'"{CANARY}"', "1e999"), "not_finite"),
    "duplicate keys": (SOUND.replace('"text"', '"text": "a", "text"'), "duplicate_key"),
    "deep nesting": (SOUND.replace(f'"{CANARY}"', "[" * 5_000 + "]" * 5_000), "too_deep"),
    "4,301 digits": (SOUND.replace(f'"{CANARY}"', "9" * 4_301), "integer_out_of_range"),
    "byte order mark": ("\ufeff" + SOUND, "byte_order_mark"),
}
INTACT = {
    "line separator": "one\u2028two",
    "next line": "one\u0085two",
    "a backslash and u0000": "\\u0000",
    "emoji pair": "\N{THUMBS UP SIGN}\N{EMOJI MODIFIER FITZPATRICK TYPE-5}",
    "bidi controls": "\u202etxt.exe\u202c",
}


@pytest.fixture
def chat(provider: Scripted, monkeypatch: pytest.MonkeyPatch) -> Scripted:
    monkeypatch.setattr(provider, "read_answer", read_chat_answer)
    return provider


def line(custom_id: str, content: str, *, is_escaped: bool = True) -> bytes:
    message = {"role": "assistant", "content": content}
    body = {"choices": [{"message": message, "finish_reason": "stop"}], "usage": {"prompt_tokens": 3}}
    response = {"status_code": 200, "body": body}
    value = {"custom_id": custom_id, "response": response, "error": None}
    return json.dumps(value, ensure_ascii=is_escaped).encode("utf-8", "surrogatepass")


def taken_in(chat: Scripted, content: str) -> Submission:
    """Between two sound neighbours."""
    return ingest(
        fetched(
            chat, lambda ids: [line(ids[0], SOUND), line(ids[1], content), line(ids[2], SOUND)], requests=3
        )
    )


@pytest.mark.parametrize("name", UNREADABLE)
def test_an_unreadable_answer_is_set_aside_with_its_request(chat: Scripted, name: str) -> None:
    content, reason = UNREADABLE[name]
    done = taken_in(chat, content)
    quarantined = done.quarantine.get()
    before, unreadable, _ = chat.lines
    assert (quarantined.reason, quarantined.offset) == (reason, len(before) + 1)
    assert quarantined.sha256 == hashlib.sha256(unreadable).hexdigest()
    assert CANARY not in quarantined.message
    assert (done.status, done.records_made, done.input_tokens) == (SubmissionStatus.DONE, 2, 9)
    outcomes = list(done.requests.order_by("id").values_list("outcome", "reason"))
    assert outcomes[1] == (RequestOutcome.QUARANTINED, reason)
    assert outcomes[0] == outcomes[2] == (RequestOutcome.ANSWERED, "")


def test_a_nul_that_the_line_itself_escapes_is_the_line_s_fault_and_its_request_is_missing(
    chat: Scripted,
) -> None:
    done = taken_in(chat, SOUND.replace("text", "te\x00xt", 1))
    assert (done.status, done.quarantine.get().reason) == (SubmissionStatus.INCOMPLETE, "nul")
    assert done.requests.filter(outcome=RequestOutcome.MISSING).count() == 1


@pytest.mark.parametrize("name", INTACT)
@pytest.mark.parametrize("is_escaped", [True, False], ids=["escaped", "raw"])
def test_odd_but_legal_text_comes_in_unchanged(chat: Scripted, name: str, *, is_escaped: bool) -> None:
    """Escaped in the answer, escaped once more in the line, or in neither."""
    record = {"input": {"text": INTACT[name]}, "output": {"label": "refund"}}
    content = json.dumps({"records": [record]}, ensure_ascii=is_escaped)
    done = ingest(fetched(chat, lambda ids: [line(each, content, is_escaped=is_escaped) for each in ids[:1]]))
    assert (done.records_made, done.lines_quarantined) == (1, 0)
    assert Record.objects.get().input == {"text": INTACT[name]}
