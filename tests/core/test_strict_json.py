from __future__ import annotations

import hashlib
import io
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.core.strict_json import (
    MAX_DEPTH,
    MAX_INTEGER,
    MAX_LINE_BYTES,
    MIN_INTEGER,
    JsonValue,
    ReasonCode,
    StrictJsonError,
    canonical_dumps,
    iter_lines,
    loads_line,
    sha256_of,
)

storable_text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"))
json_values: st.SearchStrategy[JsonValue] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(MIN_INTEGER, MAX_INTEGER)
    | st.floats(allow_nan=False, allow_infinity=False)
    | storable_text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(storable_text, inner, max_size=4),
    max_leaves=20,
)


def refusal(data: bytes) -> StrictJsonError:
    with pytest.raises(StrictJsonError) as caught:
        loads_line(data)
    return caught.value


POISON = [
    pytest.param(b'{"a": "x\x00y"}', ReasonCode.NUL, id="raw NUL"),
    pytest.param(b'\x00{"a": "some text"}', ReasonCode.NUL, id="raw NUL first"),
    pytest.param(rb'{"a": "x\u0000y"}', ReasonCode.NUL, id="escaped NUL"),
    pytest.param(rb'{"x\u0000y": 1}', ReasonCode.NUL, id="escaped NUL in a key"),
    pytest.param(rb'[{"a": ["\\\u0000"]}]', ReasonCode.NUL, id="escaped NUL behind a backslash"),
    pytest.param(rb'{"a": "\ud83d"}', ReasonCode.LONE_SURROGATE, id="high surrogate"),
    pytest.param(rb'{"a": "\udE00x"}', ReasonCode.LONE_SURROGATE, id="low surrogate"),
    pytest.param(rb'{"a": "\ude00\ud83d"}', ReasonCode.LONE_SURROGATE, id="swapped pair"),
    pytest.param(rb'{"\ud83d": 1}', ReasonCode.LONE_SURROGATE, id="surrogate in a key"),
    pytest.param(b'{"a": "caf\xe9"}', ReasonCode.NOT_UTF8, id="latin-1"),
    pytest.param(b'{"a": "\xed\xa0\x80"}', ReasonCode.NOT_UTF8, id="surrogate as UTF-8"),
    pytest.param(b'{"a": "\xc0\x80"}', ReasonCode.NOT_UTF8, id="overlong NUL"),
    pytest.param('{"a": "x"}'.encode("utf-16"), ReasonCode.UTF16, id="UTF-16 with mark"),
    pytest.param('{"a": "x"}'.encode("utf-16-le"), ReasonCode.UTF16, id="UTF-16 little endian"),
    pytest.param('{"a": "x"}'.encode("utf-16-be"), ReasonCode.UTF16, id="UTF-16 big endian"),
    pytest.param('{"a": "x"}'.encode("utf-32-le"), ReasonCode.UTF16, id="UTF-32"),
    pytest.param(b'\xef\xbb\xbf{"a": "x"}', ReasonCode.BOM, id="byte order mark"),
    pytest.param(b'{"a": NaN}', ReasonCode.NOT_FINITE, id="NaN"),
    pytest.param(b"[Infinity]", ReasonCode.NOT_FINITE, id="Infinity"),
    pytest.param(b"[-Infinity]", ReasonCode.NOT_FINITE, id="-Infinity"),
    pytest.param(b"[1e999]", ReasonCode.NOT_FINITE, id="1e999"),
    pytest.param(b"[-1e999]", ReasonCode.NOT_FINITE, id="-1e999"),
    pytest.param(b'{"a": 1, "b": 2, "a": 1}', ReasonCode.DUPLICATE_KEY, id="same key, same value"),
    pytest.param(
        b'[{"x": {"a": 1, "\\u0061": 2}}]', ReasonCode.DUPLICATE_KEY, id="same key, escaped, inside"
    ),
    pytest.param(b"[" * 100_000 + b"]" * 100_000, ReasonCode.TOO_DEEP, id="deep arrays"),
    pytest.param(b'{"a":' * 100_000 + b"1" + b"}" * 100_000, ReasonCode.TOO_DEEP, id="deep objects"),
    pytest.param(b"[" * 900_000, ReasonCode.TOO_DEEP, id="deep and unclosed"),
    pytest.param(b"1" * 4_301, ReasonCode.INTEGER_RANGE, id="4,301 digits"),
    pytest.param(b"-" + b"1" * 900_000, ReasonCode.INTEGER_RANGE, id="900,000 digits"),
    pytest.param(b"9223372036854775808", ReasonCode.INTEGER_RANGE, id="2^63"),
    pytest.param(b"-9223372036854775809", ReasonCode.INTEGER_RANGE, id="-2^63-1"),
    pytest.param(b'"' + b"x" * 10_000_000 + b'"', ReasonCode.TOO_LONG, id="10 MB"),
    pytest.param(b"", ReasonCode.EMPTY, id="nothing"),
    pytest.param(b" \t\r", ReasonCode.EMPTY, id="blank"),
    pytest.param(b'{"a": 1', ReasonCode.NOT_JSON, id="truncated"),
    pytest.param(b'{"a": 1} x', ReasonCode.NOT_JSON, id="text behind"),
    pytest.param(b'{"a": 1}{"a": 2}', ReasonCode.NOT_JSON, id="two values"),
    pytest.param(b'{"a": "x\ty"}', ReasonCode.NOT_JSON, id="raw control character"),
    pytest.param(b"{'a': 1}", ReasonCode.NOT_JSON, id="Python quotes"),
    pytest.param(b"[1,]", ReasonCode.NOT_JSON, id="trailing comma"),
    pytest.param(b"\xc2\xa0[]", ReasonCode.NOT_JSON, id="space that is not JSON's"),
    # A quadratic scan for brackets would take hours over these.
    pytest.param(b'"' + rb"\"" * 400_000 + b"[" * 65, ReasonCode.NOT_JSON, id="quotes, unterminated"),
    pytest.param(b'"\\' + b"[" * 900_000, ReasonCode.NOT_JSON, id="brackets in an unterminated string"),
]


@pytest.mark.parametrize(("data", "reason"), POISON)
def test_poison_is_refused_with_its_reason(data: bytes, reason: ReasonCode) -> None:
    error = refusal(data)
    assert error.reason_code is reason
    assert error.message == str(error)
    assert error.message.endswith(".")
    assert len(error.message) < 200


INTACT = [
    pytest.param('{"a": "x\u2028y\u0085z\u2029"}', {"a": "x\u2028y\u0085z\u2029"}, id="line separators"),
    pytest.param(r'{"a": "\\u0000"}', {"a": r"\u0000"}, id="a literal backslash-u0000"),
    pytest.param(r'{"a": "\\ud800 \\\\u0000"}', {"a": r"\ud800 \\u0000"}, id="more literal backslashes"),
    pytest.param(r'{"a": "\ud83d\ude00"}', {"a": "😀"}, id="an emoji as a pair"),
    pytest.param('{"a": "👩‍👩‍👧 😀"}', {"a": "👩‍👩‍👧 😀"}, id="emoji as they are"),
    pytest.param('{"a": "\u202eabc\u2066"}', {"a": "\u202eabc\u2066"}, id="bidi controls"),
    pytest.param('{"a": "\ufeffx"}', {"a": "\ufeffx"}, id="a mark inside a string"),
    pytest.param('{"a": "\\u0001\x7f"}', {"a": "\x01\x7f"}, id="other control characters"),
    pytest.param("9223372036854775807", 2**63 - 1, id="largest integer"),
    pytest.param("-9223372036854775808", -(2**63), id="smallest integer"),
    pytest.param("1e30", 1e30, id="a large float"),
    pytest.param(' {"b": 1}\r', {"b": 1}, id="space around"),
    pytest.param('{"a": {"a": 1}, "A": 2}', {"a": {"a": 1}, "A": 2}, id="equal keys on two levels"),
]


@pytest.mark.parametrize(("text", "value"), INTACT)
def test_unusual_but_legal_lines_are_read_intact(text: str, value: JsonValue) -> None:
    assert loads_line(text.encode()) == value


def test_depth_counts_open_brackets_and_not_those_in_strings() -> None:
    assert loads_line(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH)
    assert refusal(b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1)).reason_code is ReasonCode.TOO_DEEP
    assert loads_line(b"[" + b",".join([b"[{}]"] * 1_000) + b"]")
    in_a_string = "[{" * 1_000 + '\\"' + "[" * 1_000
    assert loads_line(json.dumps([in_a_string]).encode()) == [in_a_string]


def test_without_the_depth_check_the_parser_runs_out_of_stack() -> None:
    with pytest.raises(RecursionError):
        json.loads(b"[" * 100_000 + b"]" * 100_000)


def test_the_length_limit_is_exact() -> None:
    line = b'"' + b"x" * (MAX_LINE_BYTES - 2) + b'"'
    assert loads_line(line) == "x" * (MAX_LINE_BYTES - 2)
    assert refusal(line + b" ").reason_code is ReasonCode.TOO_LONG


def test_messages_place_the_fault_without_quoting_the_text() -> None:
    assert "byte 0xe9 at byte 12" in refusal(b'{"secret": \xe9}').message
    assert "character 12" in refusal(b'{"secret": hunter2}').message
    assert "hunter2" not in refusal(b'{"secret": hunter2}').message
    key = b"\xe2\x80\xae" + b"k" * 500
    message = refusal(b'{"%b": 1, "%b": 2}' % (key, key)).message
    assert r"'\u202ekkk" in message
    assert len(message) < 120


@settings(deadline=None)
@given(json_values)
def test_what_is_written_canonically_is_read_back_equal(value: JsonValue) -> None:
    again = loads_line(canonical_dumps(value))
    assert again == value
    assert canonical_dumps(again) == canonical_dumps(value)


@settings(deadline=None)
@given(json_values)
def test_spelling_does_not_change_the_hash(value: JsonValue) -> None:
    respelled = json.dumps({"b": value, "a": [value]}, indent=1, ensure_ascii=True).encode()
    assert sha256_of(loads_line(respelled)) == sha256_of({"a": [value], "b": value})


json_fragments = [
    '"',
    "\\",
    "\\u",
    "0000",
    "d83d",
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    "1",
    "-",
    "e9",
    "NaN",
    "true",
    " ",
    "a",
]
raw_fragments = [b"\x00", b"\xff", b"\xfe", b"\xef\xbb\xbf", b"\xc3\xa9", b"\n"]
json_like_bytes = st.lists(st.sampled_from([*map(str.encode, json_fragments), *raw_fragments])).map(b"".join)


@settings(deadline=None)
@given(st.binary() | json_like_bytes)
def test_any_bytes_are_read_or_refused_and_nothing_else(data: bytes) -> None:
    try:
        value = loads_line(data)
    except StrictJsonError:
        return
    assert loads_line(canonical_dumps(value)) == value
    assert value == json.loads(data)


def test_the_canonical_spelling_is_pinned() -> None:
    value: JsonValue = {"é": [1, 1.0, True, None], "a": {"z": "\u2028/", "b": ""}}
    assert canonical_dumps(value) == '{"a":{"b":"","z":"\u2028/"},"é":[1,1.0,true,null]}'.encode()
    assert sha256_of(value) == hashlib.sha256(canonical_dumps(value)).hexdigest()
    assert sha256_of({}) == "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "\ud800"])
def test_what_cannot_be_read_back_cannot_be_written(value: JsonValue) -> None:
    with pytest.raises(ValueError, match=r"JSON compliant|surrogates"):
        canonical_dumps(value)


def test_lines_end_at_line_feeds_only() -> None:
    data = "a\u2028b\u0085c\x0bd\re\r\n\nlast".encode()
    lines = list(iter_lines(io.BytesIO(data)))
    assert [line.data for line in lines] == ["a\u2028b\u0085c\x0bd\re\r".encode(), b"", b"last"]
    assert [data[line.offset : line.end] for line in lines] == [lines[0].data + b"\n", b"\n", b"last"]


def test_a_final_line_feed_adds_no_line() -> None:
    assert [line.data for line in iter_lines(io.BytesIO(b"a\nb\n"))] == [b"a", b"b"]
    assert list(iter_lines(io.BytesIO(b""))) == []


class CountingStream(io.BytesIO):
    """Remembers the longest piece that was asked for and delivered at once."""

    longest = 0

    def readline(self, size: int | None = -1, /) -> bytes:
        piece = super().readline(size)
        self.longest = max(self.longest, len(piece))
        return piece


def test_an_over_long_line_is_cut_hashed_whole_and_its_neighbours_survive() -> None:
    giant = b'"' + b"x" * 10_000_000 + b'"'
    stream = CountingStream(b'{"a": 1}\n' + giant + b'\n{"b": 2}\n')
    before, line, after = iter_lines(stream)
    assert (before.too_long, line.too_long, after.too_long) == (False, True, False)
    assert line.sha256 == hashlib.sha256(giant).hexdigest()
    assert line.data == giant[: MAX_LINE_BYTES + 1]
    assert refusal(line.data).reason_code is ReasonCode.TOO_LONG
    assert loads_line(after.data) == {"b": 2}
    assert stream.longest <= MAX_LINE_BYTES + 1


@settings(deadline=None)
@given(
    st.lists(st.sampled_from([b"\n", b"\r", b"a", b"bcd", b"e" * 9])).map(b"".join),
    st.integers(1, 12),
)
def test_lines_tile_the_stream_and_hash_what_they_cover(data: bytes, max_bytes: int) -> None:
    lines = list(iter_lines(io.BytesIO(data), max_bytes=max_bytes))
    assert [line.offset for line in lines] == [0, *(line.end for line in lines)][: len(lines)]
    assert b"".join(data[line.offset : line.end] for line in lines) == data
    for line in lines:
        whole = data[line.offset : line.end].removesuffix(b"\n")
        assert line.sha256 == hashlib.sha256(whole).hexdigest()
        assert line.too_long is (len(whole) > max_bytes)
        assert line.data == whole[: max_bytes + 1]


def test_reading_resumes_at_the_end_of_any_line() -> None:
    data = b"one\ntwo is far too long\nthree\n"
    lines = list(iter_lines(io.BytesIO(data), max_bytes=5))
    for seen, line in enumerate(lines, start=1):
        stream = io.BytesIO(data)
        stream.seek(line.end)
        assert list(iter_lines(stream, max_bytes=5, start=line.end)) == lines[seen:]
