"""Threats 20 to 29: a bad line is set aside with its place, hash and reason; its neighbours come in."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable

import pytest

from apps.records.models import Record
from apps.submissions.models import SubmissionStatus
from tests.submissions.scene import fetched, ingest
from tests.submissions.scripted import Scripted, answer

pytestmark = pytest.mark.django_db

MARK = "TEXT"


def line_with(custom_id: str, json_text: str) -> bytes:
    """The answer to ``custom_id`` whose text is spelt exactly as ``json_text``."""
    return answer(custom_id, MARK).replace(
        json.dumps(MARK).encode(), json_text.encode(errors="surrogatepass")
    )


Poison = Callable[[str], bytes]
POISON: dict[str, tuple[Poison, str]] = {
    "20 NUL, raw": (lambda each: answer(each, "a").replace(b'"a"', b'"a\x00b"'), "nul"),
    "20 NUL, escaped": (lambda each: line_with(each, r'"a\u0000b"'), "nul"),
    "21 lone surrogate, escaped": (lambda each: line_with(each, r'"a\ud800b"'), "lone_surrogate"),
    "21 lone surrogate, encoded": (
        lambda each: answer(each, "a").replace(b'"a"', b'"\xed\xa0\x80"'),
        "invalid_utf8",
    ),
    "22 invalid UTF-8": (lambda each: answer(each, "a").replace(b'"a"', b'"\xff\xfe"'), "invalid_utf8"),
    "22 UTF-16": (lambda each: answer(each, "a").decode().encode("utf-16-be"), "utf16"),
    "22 UTF-16 with its mark": (
        lambda each: b"\xff\xfe" + answer(each, "a").decode().encode("utf-16-le"),
        "utf16",
    ),
    "22 byte order mark": (lambda each: b"\xef\xbb\xbf" + answer(each, "a"), "byte_order_mark"),
    "23 NaN": (lambda each: line_with(each, "NaN"), "not_finite"),
    "23 Infinity": (lambda each: line_with(each, "-Infinity"), "not_finite"),
    "23 1e999": (lambda each: line_with(each, "1e999"), "not_finite"),
    "24 duplicate keys": (lambda each: line_with(each, '"a", "text": "b"'), "duplicate_key"),
    "25 deep nesting": (lambda each: line_with(each, "[" * 100_000 + "]" * 100_000), "too_deep"),
    "26 4,301 digits": (lambda each: line_with(each, "9" * 4_301), "integer_out_of_range"),
    "26 beyond 2^63": (lambda each: line_with(each, str(2**63)), "integer_out_of_range"),
    "26 beyond -2^63": (lambda each: line_with(each, str(-(2**63) - 1)), "integer_out_of_range"),
    "27 ten megabytes": (lambda each: answer(each, "x" * 10_000_000), "line_too_long"),
    "28 unknown id": (lambda each: answer("x" * 300, "a"), "unknown_id"),
    "cut off": (lambda each: answer(each, "a")[:-5], "invalid_json"),
    "not a result": (lambda each: b'{"hello": "world"}', "not_a_result"),
    "not an object": (lambda each: b"[1, 2]", "not_a_result"),
}
INTACT = {
    "29 line separator": "one\u2028two",
    "29 next line": "one\u0085two",
    "29 a backslash and u0000": "\\u0000",
    "29 emoji pair": "\N{THUMBS UP SIGN}\N{EMOJI MODIFIER FITZPATRICK TYPE-5}",
    "29 bidi controls": "\u202etxt.exe\u202c",
}


@pytest.mark.parametrize("name", POISON)
def test_poison_is_set_aside_and_its_neighbours_come_in(provider: Scripted, name: str) -> None:
    make, reason = POISON[name]
    submission = fetched(
        provider, lambda ids: [answer(ids[0], "before"), make(ids[1]), answer(ids[2], "after")], requests=3
    )
    done = ingest(submission)
    before, poison, _ = provider.lines
    line = done.quarantine.get()
    assert (line.reason, line.offset) == (reason, len(before) + 1)
    assert line.sha256 == hashlib.sha256(poison).hexdigest()
    assert 0 < len(line.message) <= 300
    assert sorted(Record.objects.values_list("input__text", flat=True)) == ["after", "before"]
    assert (done.status, done.lines_quarantined) == (SubmissionStatus.INCOMPLETE, 1)
    assert list(done.requests.order_by("id").values_list("outcome", flat=True)) == [
        "answered",
        "missing",
        "answered",
    ]


@pytest.mark.parametrize("name", INTACT)
@pytest.mark.parametrize("is_escaped", [True, False])
def test_odd_but_legal_text_comes_in_unchanged(provider: Scripted, name: str, is_escaped: bool) -> None:  # noqa: FBT001
    spelling = json.dumps(INTACT[name], ensure_ascii=is_escaped)
    done = ingest(fetched(provider, lambda ids: [line_with(ids[0], spelling), answer(ids[1], "after")]))
    assert done.status == SubmissionStatus.DONE
    assert Record.objects.order_by("id").values_list("input__text", flat=True)[0] == INTACT[name]


def test_all_poison_at_once_is_all_set_aside(provider: Scripted) -> None:
    submission = fetched(
        provider, lambda ids: [make(ids[0]) for make, _ in POISON.values()] + [answer(ids[1], "b")]
    )
    done = ingest(submission)
    assert sorted(done.quarantine.values_list("reason", flat=True)) == sorted(
        reason for _, reason in POISON.values()
    )
    assert done.records_made == 1
