"""Parts of a record that are more than a text, as people read them."""

from __future__ import annotations

from typing import Any

from apps.records.models import Record
from apps.review.marks import Passage
from apps.review.reading import Reading, reading_of
from apps.review.shapes.calls import calls_of
from apps.review.shapes.code import cases_of, code_diff
from apps.review.shapes.fields import fields_of
from apps.review.shapes.parts import parts_of, turns_of
from apps.review.shapes.spans import hues_of, spanned_text
from apps.validation.models import Outcome
from apps.validation.selectors import CheckLine


def record_of(input_: dict[str, Any], output: dict[str, Any]) -> Record:
    return Record(input=input_, output=output)


def read(record: Record, *lines: CheckLine) -> Reading:
    return reading_of(record, lines, prefix="m-")


def finding(pointer: str, start: int, end: int) -> CheckLine:
    return CheckLine(
        name="personal_data",
        title="Personal data",
        outcome=Outcome.WARN,
        message="Look.",
        pointer=pointer,
        start=start,
        end=end,
    )


def covered(passage: Passage) -> list[tuple[str, str]]:
    return [(piece.text, piece.cover.name) for piece in passage.segments if piece.cover]


# --- spans


def test_spans_are_covered_by_kind_and_a_finding_across_one_keeps_its_id_once() -> None:
    spans = [{"start": 0, "end": 3, "kind": "name"}, {"start": 8, "end": 12, "kind": "phone"}]
    record = record_of({"text": "Ann has 0800 or not"}, {"spans": spans})
    shown = spanned_text(record, read(record, finding("/input/text", 10, 15)))
    assert covered(shown.text) == [("Ann", "name"), ("08", "phone"), ("00", "phone")]
    marks = [(piece.text, piece.anchor) for piece in shown.text.segments if piece.outcome]
    assert marks == [("00", "m-0-0"), (" or", "")]
    assert [(kind.name, kind.count) for kind in shown.kinds] == [("name", 1), ("phone", 1)]
    assert shown.without.text == "[name] has [phone] or not"


def test_spans_that_cannot_be_shown_are_named() -> None:
    spans = [
        {"start": 0, "end": 7, "kind": "name"},
        {"start": 4, "end": 9, "kind": "name"},
        {"start": 90, "end": 95, "kind": "name"},
    ]
    record = record_of({"text": "Ann Miller was here"}, {"spans": spans})
    shown = spanned_text(record, read(record))
    assert [(span.start, span.end) for span in shown.misplaced] == [(4, 9), (90, 95)]
    assert shown.without.text == "[name]ler was here"


def test_kinds_have_colours_of_their_own_until_none_is_left() -> None:
    assert len(set(hues_of(f"kind {number}" for number in range(6)).values())) == 6
    assert set(hues_of(f"kind {number}" for number in range(20)).values()) == {1, 2, 3, 4, 5, 6}


# --- fields


def test_values_are_found_across_lines_and_only_as_words_of_their_own() -> None:
    text = "NO.53,\nJALAN SAGU\nTOTAL 9.00\nCLAY 9.000 RM 19.00"
    record = record_of({"text": text}, {"address": "NO.53, JALAN SAGU", "total": "9.00", "shop": "Nobody"})
    shown = fields_of(record, read(record))
    assert [piece.text for piece in shown.document.segments if piece.cover] == ["NO.53,\nJALAN SAGU", "9.00"]
    assert [(each.name, each.is_in_text, each.is_number) for each in shown.fields] == [
        ("Address", True, False),
        ("Total", True, True),
        ("Shop", False, False),
    ]


def test_numbers_are_found_as_money_and_lists_of_objects_are_tables() -> None:
    lines = [{"item": "pen", "price": 2.5}, {"item": "ink", "price": 3}]
    record = record_of(
        {"text": "pen   2.50\nink   3.00"}, {"lines": lines, "seller": {"name": "Ann"}, "gone": None}
    )
    shown = fields_of(record, read(record))
    (table,) = shown.tables
    assert table.columns == [("Item", False), ("Price", True)]
    assert all(cell is not None and cell.is_in_text for row in table.rows for cell in row)
    assert [each.name for each in shown.fields] == ["Seller › Name"]
    assert shown.is_aligned


# --- calls

TOOL: dict[str, Any] = {
    "name": "book",
    "description": "Books a ride.",
    "parameters": {
        "type": "object",
        "required": ["to", "at"],
        "properties": {
            "to": {"type": "string"},
            "at": {"type": "integer"},
            "kind": {"type": "string", "enum": ["plus", "pool"]},
        },
    },
}


def test_a_call_stands_beside_its_definition() -> None:
    call = {"name": "book", "arguments": {"to": "Riga", "colour": "red"}}
    record = record_of(
        {"text": "to Riga", "tools": [TOOL, TOOL | {"name": "cancel"}]},
        {"call": call, "accepted": [{"to": ["Riga", "Riga, Latvia"]}]},
    )
    shown = calls_of(record, read(record))
    (booked,) = shown.calls
    told = {
        each.name: (each.value.text if each.value else None, each.kind, each.is_missing, each.is_defined)
        for each in booked.arguments
    }
    assert told == {
        "to": ("Riga", "string", False, True),
        "colour": ("red", "", False, False),
        "at": (None, "integer", True, True),
        "kind": (None, "plus | pool", False, True),
    }
    assert booked.arguments[0].accepted == ["Riga", "Riga, Latvia"]
    assert [tool.name for tool in shown.others] == ["cancel"]


def test_what_is_no_call_is_shown_as_it_is_written() -> None:
    record = record_of({"text": "hi", "tools": [TOOL]}, {"call": {"call": "book"}})
    shown = calls_of(record, read(record))
    assert shown.calls == []
    assert '"call": "book"' in shown.unreadable


# --- code


def test_code_is_one_diff_with_numbers_and_the_changed_part() -> None:
    record = record_of(
        {"code": "def f(n):\n    return n - 1\n"}, {"code": "def f(n):\n    n = int(n)\n    return n + 1\n"}
    )
    lines = code_diff(read(record), "/input/code", "/output/code")
    assert [(line.op, line.before, line.after, line.text.text) for line in lines] == [
        ("same", 1, 1, "def f(n):"),
        ("removed", 2, None, "    return n - 1"),
        ("added", None, 2, "    n = int(n)"),
        ("added", None, 3, "    return n + 1"),
    ]


def test_in_a_changed_line_the_change_is_covered_and_findings_stay_where_they_are() -> None:
    record = record_of({"code": "a = 1\nreturn items[0]"}, {"code": "a = 1\nreturn items[-1]"})
    lines = code_diff(read(record, finding("/input/code", 0, 8)), "/input/code", "/output/code")
    assert [covered(line.text) for line in lines] == [[], [("0", "")], [("-1", "")]]
    marks = [(piece.text, piece.anchor) for line in lines for piece in line.text.segments if piece.outcome]
    assert marks == [("a = 1", "m-0-0"), ("re", "")]


def test_cases_are_read_as_calls() -> None:
    record = record_of({"tests": [[[[1], 2], 3]], "function": "f"}, {})
    assert [(case.call, case.expected) for case in cases_of(record).cases] == [("f([1], 2)", "3")]
    unnamed = record_of({"tests": [[[[1], 2], 3]]}, {})
    assert [case.call for case in cases_of(unnamed).cases] == ["([1], 2)"]
    written = cases_of(record_of({"tests": "assert f(x)"}, {})).written
    assert written is not None
    assert written.text == "assert f(x)"


# --- turns and what is left


def test_turns_have_their_calls() -> None:
    turns = [
        {"role": "user", "content": "book it"},
        {"role": "assistant", "content": "", "calls": [{"name": "book", "arguments": {"to": "Riga"}}]},
    ]
    record = record_of({"turns": turns}, {"label": "booked"})
    said = turns_of(record, read(record))
    assert [(turn.role, turn.text.text) for turn in said] == [("user", "book it"), ("assistant", "")]
    ((name, arguments),) = said[1].calls
    assert (name, arguments.text) == ("book", '{\n  "to": "Riga"\n}')


def test_no_part_of_a_record_is_left_unseen() -> None:
    body = "A line\nand another"
    record = record_of(
        {"text": "short", "subject": "Hello", "channel": "mail", "body": body},
        {"labels": ["a", "b"], "why": ["x" * 50], "more": {"a": [1]}, "nothing": None},
    )
    reading = read(record)
    assert reading.heading is not None
    assert [(fact.name, [value.text for value in fact.values]) for fact in reading.facts] == [
        ("Labels", ["a", "b"]),
        ("Channel", ["mail"]),
    ]
    inputs = parts_of(record.input, "input", reading, "/input/text")
    assert [(part.name, part.text.text if part.text else "") for part in inputs] == [("Body", body)]
    why, more = parts_of(record.output, "output", reading, "")
    assert [item.text for item in why.items] == ["x" * 50]
    assert more.json is not None
    assert '"a"' in more.json.text
