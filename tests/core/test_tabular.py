from __future__ import annotations

import csv
import gzip
import io
import json
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.core import tabular
from apps.core.strict_json import JsonValue, canonical_dumps
from apps.core.tabular import (
    MAX_COLUMNS,
    MAX_FIELD_CHARS,
    FileRefusedError,
    MappingError,
    Row,
    RowError,
    apply_mapping,
    columns,
    csv_safe,
    parse_mapping,
    read_rows,
)


def read(data: bytes | str, filename: str = "tickets.csv") -> list[tuple[int, dict[str, JsonValue] | str]]:
    """(line, values or the reason of refusal) of every row."""
    found = read_rows(data.encode() if isinstance(data, str) else data, filename)
    return [(row.line, row.values if isinstance(row, Row) else row.reason) for row in found]


def refusal(data: bytes | str, filename: str = "tickets.csv") -> str:
    raw = data.encode() if isinstance(data, str) else data
    with pytest.raises(FileRefusedError) as caught:
        read_rows(raw, filename)
    with pytest.raises(FileRefusedError) as again:
        columns(raw, filename)
    assert str(again.value) == str(caught.value)
    return str(caught.value)


def reasons(data: bytes | str, filename: str = "tickets.csv") -> list[tuple[int, str]]:
    return [(line, reason) for line, reason in read(data, filename) if isinstance(reason, str)]


# --- CSV


def test_csv_values_are_verbatim_but_for_the_space_around() -> None:
    data = 'text,label\n"  Hi, ""you""  ",\tbilling \n=1+1  x\u2028y\u0085z,😀\n'
    assert read(data) == [
        (2, {"text": 'Hi, "you"', "label": "billing"}),
        (3, {"text": "=1+1  x\u2028y\u0085z", "label": "😀"}),
    ]


def test_line_numbers_count_physical_lines_through_quoted_newlines_and_blank_lines() -> None:
    data = 'text,label\r\n"one\r\ntwo\n\nthree",a\r\n\r\nx,b\r\n"y\n",c,d\r\nz,e'
    assert read(data) == [
        (2, {"text": "one\r\ntwo\n\nthree", "label": "a"}),
        (7, {"text": "x", "label": "b"}),
        (8, "The row has 3 fields, the header has 2."),
        (10, {"text": "z", "label": "e"}),
    ]


@pytest.mark.parametrize(
    ("data", "filename"),
    [
        ("a,b;c\n1,2\n", "x.csv"),
        ("a;b,c;d\n1;2;3\n", "x.csv"),
        ("a\tb\n1\t2\n", "X.CSV"),
        ("a\tb,c,d\n1\t2\n", "dir.d/x.tsv"),
        ('"a";"b"\n1;2\n', "x.csv"),
        ('"a;x;y","b"\n1,2\n', "x.csv"),
        ("a\n1\n", "x.csv"),
    ],
)
def test_the_delimiter_is_the_one_that_makes_most_columns(data: str, filename: str) -> None:
    header = columns(data.encode(), filename)
    [(line, values)] = read(data, filename)
    assert line == 2
    assert isinstance(values, dict)
    assert list(values) == header
    assert list(values.values()) == ["1", "2", "3"][: len(header)]


def test_columns_of_a_csv_are_its_header_without_mark_or_space() -> None:
    data = "\ufefftext , the label\nx,y\n"
    assert columns(data.encode(), "x.csv") == ["text", "the label"]
    assert read(data) == [(2, {"text": "x", "the label": "y"})]
    assert read("text\n") == []


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("text,label,text", "names 'text' more than once"),
        ("text, text ,a,a", "names 'text', 'a' more than once"),
        (",text", "Column 1 of the header has no name"),
        ("text,", "Column 2 of the header has no name"),
        (",,", "The header is missing"),
        ('""', "The header is missing"),
        ("te\x00xt,a", "Column 1 of the header contains a NUL"),
        ("w" * 201 + ",a", "Is the header missing?"),
        (",".join(map(str, range(MAX_COLUMNS + 1))), "names 1,001 columns"),
        ('"text"x,a', "quotes are malformed"),
        ('"text,a', "quotes are malformed"),
    ],
)
def test_a_header_that_cannot_name_columns_is_refused(header: str, message: str) -> None:
    assert message in refusal(header + "\nx,y\n")


def test_a_header_in_another_encoding_is_refused() -> None:
    assert "Column 2 of the header is not UTF-8 (byte 0xe9)" in refusal("text,catégorie\n".encode("latin-1"))


def test_bad_rows_are_reported_in_their_place_and_their_neighbours_are_read() -> None:
    data = b"\n".join(
        [
            b"text,label",
            b"good,a",
            b"short",
            b"caf\xe9,a",
            b"x\x00y,a",
            b'"quoted" badly,a',
            b"w" * (MAX_FIELD_CHARS + 1) + b",a",
            b"w" * 200_000 + b",a",
            b"good too,b",
        ]
    )
    found = read(data)
    assert [line for line, _ in found] == [2, 3, 4, 5, 6, 7, 8, 9]
    assert [found[0][1], found[-1][1]] == [{"text": "good", "label": "a"}, {"text": "good too", "label": "b"}]
    expected = [
        "has 1 fields",
        "'text' is not UTF-8 (byte 0xe9)",
        "'text' contains a NUL",
        "twice",
        "100,000",
        "100,000",
    ]
    for (_, reason), part in zip(found[1:-1], expected, strict=True):
        assert isinstance(reason, str)
        assert part in reason
        assert "Nothing after" not in reason


def test_after_a_broken_field_over_several_lines_nothing_is_taken_for_a_row() -> None:
    data = 'text,label\nok,a\n"broken\nover" lines,a\nlooks,fine\n'
    assert read(data)[0] == (2, {"text": "ok", "label": "a"})
    [(line, reason)] = reasons(data)
    assert line == 3
    assert reason.startswith("Text follows a closing quote")
    assert reason.endswith("Nothing after this line was read.")
    open_quote = 'text,label\n"open,a\n' + "looks,fine\n" * 20_000
    [(line, reason)] = reasons(open_quote)
    assert line == 2
    assert "quote left open" in reason
    assert reasons('text,label\nok,a\n"open,a\nx,y\n') == [
        (3, "A quote is opened and never closed. Nothing after this line was read.")
    ]
    assert len(read(open_quote)) == 1


def test_a_quote_inside_an_unquoted_field_is_text() -> None:
    assert read('text,label\n5" pipe "x",a\n') == [(2, {"text": '5" pipe "x"', "label": "a"})]


cells = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20) | st.text(
    st.sampled_from('",;\t\r\n ax\u2028')
)


@settings(deadline=None)
@given(st.lists(st.tuples(cells, cells, cells)), st.sampled_from(",;\t"))
def test_what_a_csv_writer_writes_is_read_back(rows: list[tuple[str, str, str]], delimiter: str) -> None:
    file = io.StringIO()
    writer = csv.writer(file, delimiter=delimiter, quoting=csv.QUOTE_ALL)
    writer.writerows([("a", "b", "c"), *rows])
    expected = [dict(zip("abc", map(str.strip, row), strict=True)) for row in rows]
    assert [values for _, values in read(file.getvalue())] == expected


@settings(deadline=None)
@given(
    st.binary(max_size=200) | cells.map(str.encode), st.sampled_from(["x.csv", "x.tsv", "x.jsonl", "x.json"])
)
def test_any_bytes_are_rows_row_errors_or_a_refused_file(data: bytes, filename: str) -> None:
    try:
        found = read_rows(data, filename)
    except FileRefusedError:
        return
    lines = [row.line for row in found]
    assert lines == sorted(set(lines))
    assert all(isinstance(row, Row | RowError) for row in read_rows(data, filename))


# --- JSONL


def test_jsonl_rows_are_objects_as_they_stand() -> None:
    data = '{"a": " x ", "n": 1}\n\n \r\n{"a": "y\u2028z\u0085", "t": [1, {"b": null}]}\r\n'
    assert read(data, "x.jsonl") == [
        (1, {"a": " x ", "n": 1}),
        (4, {"a": "y\u2028z\u0085", "t": [1, {"b": None}]}),
    ]


def test_bad_jsonl_lines_are_reported_in_their_place() -> None:
    lines = [
        b'\xef\xbb\xbf{"a": 1}',
        b'{"a": 1, "a": 2}',
        b"[1]",
        b'"x"',
        b'{"a": "caf\xe9"}',
        rb'{"a": "\u0000"}',
    ]
    lines += [
        b'{"a": 1',
        b'{"b": "' + b"x" * 1_000_000 + b'"}',
        b'{"a": ["' + b"x" * 100_001 + b'"]}',
        b'{"a": 5}',
    ]
    found = reasons(b"\n".join(lines), "x.ndjson")
    expected = [
        "byte order mark",
        "'a' appears twice",
        "not a JSON object",
        "not a JSON object",
        "Not valid UTF-8",
    ]
    expected += [
        "NUL",
        "Not valid JSON",
        "longer than 1,000,000 bytes",
        "/a/0 is longer than 100,000 characters",
    ]
    assert [line for line, _ in found] == list(range(1, 10))
    for (_, reason), part in zip(found, expected, strict=True):
        assert part in reason
    assert read(b"\n".join(lines), "x.ndjson")[-1] == (10, {"a": 5})


@settings(deadline=None)
@given(st.lists(st.dictionaries(cells, cells | st.integers(-5, 5) | st.none(), max_size=4)))
def test_jsonl_rows_round_trip(rows: list[dict[str, JsonValue]]) -> None:
    data = b"".join(canonical_dumps(row) + b"\n" for row in rows)
    expected = list(enumerate(rows, start=1))
    assert read(b'{"first": 1}\n' + data, "x.jsonl") == [
        (1, {"first": 1}),
        *((n + 1, row) for n, row in expected),
    ]


def test_columns_of_jsonl_are_the_dotted_paths_of_the_first_hundred_good_rows() -> None:
    rows: list[JsonValue] = [
        {"input": {"text": "x", "meta": {}}, "tags": ["a"]},
        {"input": {"lang": "de"}, "n": None},
    ]
    rows.extend([{"n": 1}] * 98)
    rows.append({"late": 1})
    data = b"not json\n" + b"\n".join(map(canonical_dumps, rows))
    assert columns(data, "x.jsonl") == ["input.meta", "input.text", "tags", "input.lang", "n"]


# --- the file as a whole


def zipped(name: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(name, "text\nx\n")
    return file.getvalue()


@pytest.mark.parametrize(
    ("data", "filename"),
    [
        (gzip.compress(b"text\nx\n", mtime=0), "tickets.csv"),
        (b"text\nx\n", "tickets.csv.gz"),
        (gzip.compress(b"0" * 10_000_000), "bomb.jsonl"),
        (zipped("tickets.csv"), "tickets.csv"),
        (zipped("xl/workbook.xml"), "tickets.xlsx"),
        (zipped("../../etc/passwd"), "tickets.ZIP"),
    ],
)
def test_packed_files_are_refused_unopened(data: bytes, filename: str) -> None:
    assert "unpack or export it first" in refusal(data, filename)


@pytest.mark.parametrize(
    ("data", "filename", "message"),
    [
        (b"", "x.csv", "The file is empty"),
        (b"\xef\xbb\xbf \r\n\n", "x.jsonl", "The file is empty"),
        ("text\nx\n".encode("utf-16"), "x.csv", "UTF-16"),
        ('{"a": 1}'.encode("utf-16"), "x.jsonl", "UTF-16"),
        (b"text\nx\n", "x.txt", "must end in .csv, .tsv or .jsonl"),
        (b"text\nx\n", "tickets", "must end in .csv, .tsv or .jsonl"),
        (b'[{"a": 1},\n{"a": 2}]', "x.json", "jq -c '.[]'"),
        (b'\n [{"a": 1}]', "x.jsonl", "one JSON array"),
        (b'\xef\xbb\xbf[{"a": 1}]', "x.json", "one JSON array"),
        (b'{"rows": [1, 2]}\n', "x.json", "jq -c '.rows[]'"),
        (json.dumps({"rows": [1, 2]}, indent=1).encode(), "x.json", "one JSON object"),
        (json.dumps({"rows": [1, 2]}, indent=1).encode(), "x.jsonl", "one JSON object"),
    ],
)
def test_files_that_are_no_table_are_refused_with_the_remedy(
    data: bytes, filename: str, message: str
) -> None:
    assert message in refusal(data, filename)


def test_jsonl_under_the_name_json_is_read() -> None:
    assert read('{"a": 1}\n{"a": 2}\n', "x.json") == [(1, {"a": 1}), (2, {"a": 2})]
    assert read('{"a": 1}', "x.jsonl") == [(1, {"a": 1})]


def test_the_size_limit_is_exact(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tabular, "MAX_FILE_BYTES", 2**20)
    data = b"text\n" + (b"x" * 63 + b"\n") * 2**14
    assert "larger than 1 MiB" in refusal(data[: 2**20 + 1])
    assert len(read(data[: 2**20])) == 2**14


# --- mapping


def test_a_mapping_puts_columns_into_input_output_and_tags() -> None:
    mapping = parse_mapping(
        ["input.text=text", "output.label = the=label", "tags.channel=via", "input.meta.lang=lang"]
    )
    row = Row(2, {"text": "x", "the=label": "a", "via": "mail", "lang": "de", "unused": "u"})
    assert apply_mapping(row, mapping) == {
        "input": {"text": "x", "meta": {"lang": "de"}},
        "output": {"label": "a"},
        "tags": {"channel": "mail"},
    }
    assert list(apply_mapping(row, parse_mapping(["input.text=text"]))) == ["input", "output", "tags"]


@pytest.mark.parametrize(
    ("item", "message"),
    [
        ("text", "write TARGET=COLUMN"),
        ("input.text=", "write TARGET=COLUMN"),
        ("=text", "the target must be"),
        ("input=text", "the target must be"),
        ("inputs.text=text", "the target must be"),
        ("input.=text", "the target must be"),
        ("input..a=text", "the target must be"),
        ("input.a b=text", "the target must be"),
        ("input.first=b", "input.first is already filled from 'a'"),
        ("input.first.deeper=b", "input.first is already filled from 'a'"),
    ],
)
def test_a_bad_mapping_item_is_named(item: str, message: str) -> None:
    with pytest.raises(MappingError) as caught:
        parse_mapping(["input.first=a", item])
    [problem] = caught.value.problems
    assert repr(item) in problem
    assert message in problem


def test_all_bad_mapping_items_are_named_at_once() -> None:
    with pytest.raises(MappingError) as caught:
        parse_mapping(["x", "input.a=a", "y=z"])
    assert len(caught.value.problems) == 2
    for items in ([], ["output.label=a"]):
        with pytest.raises(MappingError) as caught:
            parse_mapping(items)
        assert "Nothing is mapped to the input" in caught.value.problems[0]


def test_a_source_may_be_a_dotted_path_or_a_key_with_dots() -> None:
    values: dict[str, JsonValue] = {
        "a": {"b": {"c": "path"}, "b.c": "half"},
        "a.b": {"d": "other half"},
        "x.y": "key",
        "x": {"y": "hidden"},
        "list": [],
        "zero": 0,
        "no": False,
    }
    sources = {"a.b.c": "half", "a.b.d": "other half", "x.y": "key", "list": [], "zero": 0, "no": False}
    for source, value in sources.items():
        assert apply_mapping(Row(1, values), parse_mapping([f"input.v={source}"]))["input"] == {"v": value}


def test_every_path_that_columns_offers_can_be_mapped() -> None:
    value: dict[str, JsonValue] = {"a": {"b.c": 1, "d": {"e": [2]}}, "f.g": {"h": 3}}
    offered = columns(canonical_dumps(value), "x.jsonl")
    assert offered == ["a.b.c", "a.d.e", "f.g.h"]
    mapping = parse_mapping([f"input.v{place}={path}" for place, path in enumerate(offered)])
    assert apply_mapping(Row(1, value), mapping)["input"] == {"v0": 1, "v1": [2], "v2": 3}


def test_missing_and_empty_sources_are_named_with_the_line() -> None:
    mapping = parse_mapping(["input.text=text", "input.more=more", "output.label=label", "tags.t=gone"])
    with pytest.raises(RowError) as caught:
        apply_mapping(Row(7, {"text": " \u00a0", "label": None}), mapping)
    assert caught.value.line == 7
    assert caught.value.reason == "There is no 'more', 'gone'. 'text', 'label' is empty."
    assert str(caught.value) == "line 7: There is no 'more', 'gone'. 'text', 'label' is empty."


def test_an_empty_tag_is_left_out() -> None:
    mapping = parse_mapping(["input.text=text", "tags.via=via"])
    assert apply_mapping(Row(1, {"text": "x", "via": " "}), mapping)["tags"] == {}


# --- export


@pytest.mark.parametrize(
    "cell", ["=1+1", "+1", "-2", "@SUM(A1)", "\t=x", "\r=x", "\nx", "\x00", " =1", "＝1", "=cmd|'/C calc'!A0"]
)
def test_cells_that_a_spreadsheet_would_run_are_quoted(cell: str) -> None:
    assert csv_safe(cell) == "'" + cell


@pytest.mark.parametrize("cell", ["", "refund", "a=b", "1-2", "'=1", " text", "me@example.com", "😀"])
def test_other_cells_stay_as_they_are(cell: str) -> None:
    assert csv_safe(cell) == cell
