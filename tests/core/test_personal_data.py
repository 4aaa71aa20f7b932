"""Personal data is found with exact spans; order numbers, versions, dates and amounts are left alone."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.core.detectors.personal.national_numbers import NATIONAL_NUMBERS, NationalNumber
from apps.core.detectors.personal_data import find_personal_data, mask
from benchmarks.checks_quality import DATA, Line, read_set

# What is worse than linear in it would take minutes.
LENGTHS = [pytest.param(200_000, id="200k"), pytest.param(1_000_000, id="1M", marks=pytest.mark.soak)]
SEEN = [line for line in read_set(DATA / "personal.jsonl") if line.half == "seen"]


def found_in(text: str) -> list[tuple[str, str]]:
    return [(each.rule, text[each.start : each.end]) for each in find_personal_data(text)]


@pytest.mark.parametrize("line", [line for line in SEEN if line.span], ids=lambda line: line.text[:40])
def test_personal_data_is_found_by_its_rule_with_its_exact_span(line: Line) -> None:
    assert line.span
    assert found_in(line.text) == [(line.how, line.text[slice(*line.span)])]


@pytest.mark.parametrize("line", [line for line in SEEN if line.span], ids=lambda line: line.text[:40])
def test_spans_count_characters_when_emoji_and_accents_stand_before(line: Line) -> None:
    assert line.span
    found = found_in(f"日本 👩‍👩‍👧 é😀 \n{line.text}")
    assert found == [(line.how, line.text[slice(*line.span)])]


# Lines that name the rule; what stands under "as people write" may be found by any.
RULES = {row.rule for row in NATIONAL_NUMBERS} | {"passport-number", "driving-licence-number"}
NATIONAL = [line for line in SEEN if line.how in RULES and not line.span]


@pytest.mark.parametrize("line", NATIONAL, ids=lambda line: line.text)
def test_a_national_number_is_found_and_can_belong_to_somebody(line: Line) -> None:
    assert [(each.rule, each.reserved) for each in find_personal_data(line.text)] == [(line.how, False)]


def test_a_number_that_is_called_national_but_fails_its_check_is_reserved() -> None:
    assert [(each.rule, each.reserved) for each in find_personal_data("my Aadhaar is 1234 5678 9012")] == [
        ("in-aadhaar", True)
    ]
    assert found_in("my parcel is 1234 5678 9012") == []


@pytest.mark.parametrize("row", NATIONAL_NUMBERS, ids=lambda row: row.rule)
@given(data=st.data())
@settings(max_examples=60)
def test_no_check_of_a_national_number_raises_on_a_number_of_its_shape(
    row: NationalNumber, data: st.DataObject
) -> None:
    number = data.draw(st.from_regex(row.shape, fullmatch=True, alphabet=st.characters(codec="ascii")))
    assert row.is_valid(number) in (True, False)


RESERVED = [
    "john.doe@example.com",
    "a@b.test",
    "555-123-4567",
    "(212) 555-0187",
    "+1 212 555 0187",
    "020 7946 0958",
    "+44 7700 900123",
    "01632 960123",
    "+33 1 99 00 12 34",
    "4242 4242 4242 4242",
    "4111111111111111",
    "378282246310005",
    "DE89 3704 0044 0532 0130 00",
    "078-05-1120",
    "SSN 987-65-4320",
    "QQ 12 34 56 C",
    "12345678Z",
    "192.0.2.17",
    "198.51.100.3",
    "Private 10.0.0.1",
    "my ip is 192.168.1.10",
    "she logged in from 172.16.4.7",
    "2001:db8::1",
    "IP fe80::1",
    "my ip is ::ffff:192.168.1.1",
    "00:00:5E:00:53:01",
]
REAL = [
    "jane@firma.de",
    "+49 30 901820",
    "4539148803436467",
    "DE02120300000000202051",
    "536-22-8726",
    "84.23.11.201",
    "2a02:8108:8ac0::1",
    "3C:22:FB:12:34:56",
]


@pytest.mark.parametrize("text", RESERVED)
def test_values_set_aside_for_tests_and_fiction_are_reported_as_reserved(text: str) -> None:
    assert [each.reserved for each in find_personal_data(text)] == [True]
    assert find_personal_data(text, allow_reserved=False) == []


@pytest.mark.parametrize("text", REAL)
def test_values_that_can_belong_to_somebody_are_not_reserved(text: str) -> None:
    assert [each.reserved for each in find_personal_data(text)] == [False]


@pytest.mark.parametrize(
    "line", [line for line in SEEN if not line.expected], ids=lambda line: line.text[:40]
)
def test_numbers_that_belong_to_no_person_are_left_alone(line: Line) -> None:
    assert found_in(line.text) == []


def test_several_values_in_one_text_are_reported_in_order() -> None:
    text = "Jane <jane@firma.de>, +49 30 901820, card 4539 1488 0343 6467, IPs 84.23.11.201 and 2a02:8108::1"
    assert [rule for rule, _ in found_in(text)] == [
        "email",
        "phone-number",
        "payment-card",
        "ipv4-address",
        "ipv6-address",
    ]


def test_masking_hides_every_value() -> None:
    text = "😀 jane.doe@firma.de rang 030 901820."
    assert mask(text, find_personal_data(text)) == "😀 ja…de rang …."


def test_a_lone_surrogate_neither_stops_the_search_nor_moves_the_span() -> None:
    assert found_in("\ud800 é \udfff jane@firma.de") == [("email", "jane@firma.de")]


ADVERSARIES = [
    "a",
    "1",
    "@",
    "a@",
    "a.",
    ":",
    "1:",
    "1.",
    "1 ",
    "-",
    "+1 ",
    "0323 99 ",
    "1::1 ",
    "4444 ",
    "DE89 ",
]
ADVERSARIES += [
    "born ",
    "lat 1.23 ",
    "1 Main St ",
    "1 rue de la ",
    "a at b dot ",
    "call 555 ",
    "é",
    "01 23 45 67 89 ",
]


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("unit", ADVERSARIES)
def test_any_length_of_one_pattern_does_not_hide_what_follows(unit: str, length: int) -> None:
    text = unit * (length // len(unit)) + "\n\n jane@firma.de"
    assert found_in(text)[-1] == ("email", "jane@firma.de")


@given(st.text(alphabet=st.characters(), max_size=400))
def test_any_text_gives_ordered_spans_inside_it(text: str) -> None:
    end = 0
    for detection in find_personal_data(text):
        assert end <= detection.start < detection.end <= len(text)
        end = detection.end


@given(st.text(alphabet="0123456789 .-/()+:,ABCXYZabc@", max_size=120))
def test_any_text_of_digits_and_separators_gives_ordered_spans_inside_it(text: str) -> None:
    end = 0
    for detection in find_personal_data(text):
        assert end <= detection.start < detection.end <= len(text)
        end = detection.end
