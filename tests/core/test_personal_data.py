"""Personal data is found with exact spans; order numbers, versions, dates and amounts are left alone."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.core.detectors.personal.national_numbers import NATIONAL_NUMBERS, NationalNumber
from apps.core.detectors.personal_data import find_personal_data, mask

MILLION = 1_000_000


def found_in(text: str) -> list[tuple[str, str]]:
    return [(each.rule, text[each.start : each.end]) for each in find_personal_data(text)]


EMAILS = [
    ("Contact me at john.smith@gmail.com.", "john.smith@gmail.com"),
    ("e-mail: Jürgen.Müller@bücher.de", "Jürgen.Müller@bücher.de"),
    ("o'brien.sean@tcd.ie", "o'brien.sean@tcd.ie"),
    ("mailto:bob+tag@mail.co.uk?subject=hi", "bob+tag@mail.co.uk"),
    ("https://shop.internal/?email=bob@web.de&x=1", "bob@web.de"),
    ("write to jane [at] acme [dot] com", "jane [at] acme [dot] com"),
    ("jane dot doe at gmail dot com", "jane dot doe at gmail dot com"),
]
PHONES = [
    ("Call me on (415) 555-2671 tonight", "(415) 555-2671"),
    ("917.867.5309", "917.867.5309"),
    ("1-800-275-2273", "1-800-275-2273"),
    ("phone 4155552671", "4155552671"),
    ("my phone: 867-5309", "867-5309"),
    ("+44 (0)20 7123 4567", "+44 (0)20 7123 4567"),
    ("+49 151 12345678 12 times", "+49 151 12345678"),
    ("Tel. 0041 44 668 18 00", "0041 44 668 18 00"),
    ("07911123456", "07911123456"),
    ("020 8123 4567", "020 8123 4567"),
    ("089/12345678", "089/12345678"),
    ("0171 2345678", "0171 2345678"),
    ("01.42.68.53.00", "01.42.68.53.00"),
    ("0612345678", "0612345678"),
    ("llámame al 612 345 678", "612 345 678"),
    ("0412 345 678", "0412 345 678"),
    ("98765 43210 is my mobile", "98765 43210"),
    ("(11) 91234-5678", "(11) 91234-5678"),
    ("138 1234 5678", "138 1234 5678"),
    ("03-1234-5678", "03-1234-5678"),
    ("whatsapp +971501234567", "+971501234567"),
]
IBANS = [
    ("DE02120300000000202051", "DE02120300000000202051"),
    ("pay to NL02 ABNA 0123 4567 89 please", "NL02 ABNA 0123 4567 89"),
    ("fr76 3000 6000 0112 3456 7890 189", "fr76 3000 6000 0112 3456 7890 189"),
    ("IBAN:GB33-BUKB-2020-1555-5555-55.", "GB33-BUKB-2020-1555-5555-55"),
]
CARDS = [
    ("my credit card is 4556-7375-8689-9855", "4556-7375-8689-9855"),
    ("4539148803436467", "4539148803436467"),
    ("Amex 3714 496353 98431", "3714 496353 98431"),
    ("2223 0000 4841 0010", "2223 0000 4841 0010"),
]
SSNS = [
    ("536-22-8726", "536-22-8726"),
    ("078.05.1123", "078.05.1123"),
    ("social security number is 536228726", "536228726"),
    ("536228726 is my social security number", "536228726"),
]
NETWORK = [
    ("logged in from 84.23.11.201", "ipv4-address", "84.23.11.201"),
    ("server ip 8.8.8.8", "ipv4-address", "8.8.8.8"),
    ("Route is 91.198.174.0/24.", "ipv4-address", "91.198.174.0/24"),
    ("my ip is 2400:c401::5054:ff:fe1b:b031.", "ipv6-address", "2400:c401::5054:ff:fe1b:b031"),
    ("684D:1111:222:3333:4444:5555:6:77", "ipv6-address", "684D:1111:222:3333:4444:5555:6:77"),
    ("Connect to [2a02:8108:8ac0::1]:8080", "ipv6-address", "2a02:8108:8ac0::1"),
    ("fe80::1%eth0/64", "ipv6-address", "fe80::1%eth0/64"),
    ("Mapped: ::ffff:84.23.11.201", "ipv6-address", "::ffff:84.23.11.201"),
    ("0:0:0:0:0:FFFF:129.144.52.38", "ipv6-address", "0:0:0:0:0:FFFF:129.144.52.38"),
    ("connecting from ::1", "ipv6-address", "::1"),
    ("mac 3C:22:FB:12:34:56", "mac-address", "3C:22:FB:12:34:56"),
    ("3c-22-fb-12-34-56", "mac-address", "3c-22-fb-12-34-56"),
    ("001a.2b3c.4d5e", "mac-address", "001a.2b3c.4d5e"),
]
PLACES = [
    ("I am at 37.7749,-122.4194", "coordinates", "37.7749,-122.4194"),
    ("geo:37.786971,-122.399677", "coordinates", "37.786971,-122.399677"),
    ("GPS 51.5074 -0.1278", "coordinates", "51.5074 -0.1278"),
    ("40°26'46\"N 79°58'56\"W", "coordinates", "40°26'46\"N 79°58'56\"W"),
    ("35.6895° N, 139.6917° E", "coordinates", "35.6895° N, 139.6917° E"),
    ("123 Main Street, Springfield, IL 62704", "postal-address", "123 Main Street, Springfield, IL 62704"),
    (
        "ship to 55 Oak St Apt 4B, Portland, OR 97201",
        "postal-address",
        "55 Oak St Apt 4B, Portland, OR 97201",
    ),
    ("P.O. Box 123, Austin, TX 78701", "postal-address", "P.O. Box 123, Austin, TX 78701"),
    ("I live at 742 Evergreen Terrace", "postal-address", "742 Evergreen Terrace"),
    ("10 Downing Street, London SW1A 2AA", "postal-address", "10 Downing Street, London SW1A 2AA"),
    ("my postcode is M1 1AE", "postal-address", "M1 1AE"),
    ("Hauptstraße 12, 10115 Berlin", "postal-address", "Hauptstraße 12, 10115 Berlin"),
    ("12 rue de la Paix, 75002 Paris", "postal-address", "12 rue de la Paix, 75002 Paris"),
]
BIRTHS = [
    ("born on 12 March 1985", "12 March 1985"),
    ("date of birth 1985-03-12", "1985-03-12"),
    ("DOB: 5/6/78", "5/6/78"),
    ("My birthday is July 4, 1990", "July 4, 1990"),
    ("She was born in Leeds on 4th of July 1976", "4th of July 1976"),
    ("geb. 01.02.1980", "01.02.1980"),
    ("Ich bin am 7. Juli 1983 geboren", "7. Juli 1983"),
    ("né le 3 mars 1970", "3 mars 1970"),
    ("fecha de nacimiento: 12/03/1985", "12/03/1985"),
]
EVERYTHING = [
    *((text, "email", value) for text, value in EMAILS),
    *((text, "phone-number", value) for text, value in PHONES),
    *((text, "iban", value) for text, value in IBANS),
    *((text, "payment-card", value) for text, value in CARDS),
    *((text, "us-social-security", value) for text, value in SSNS),
    *((text, "date-of-birth", value) for text, value in BIRTHS),
    *NETWORK,
    *PLACES,
    ("sort code 20-00-00 account 55779911", "bank-account", "55779911"),
    ("My bank account number is 12345678", "bank-account", "12345678"),
    ("routing number 021000021", "us-routing-number", "021000021"),
]


@pytest.mark.parametrize(("text", "rule", "value"), EVERYTHING)
def test_personal_data_is_found_by_its_rule_with_its_exact_span(text: str, rule: str, value: str) -> None:
    assert found_in(text) == [(rule, value)]


@pytest.mark.parametrize(("text", "rule", "value"), EVERYTHING)
def test_spans_count_characters_when_emoji_and_accents_stand_before(text: str, rule: str, value: str) -> None:
    assert found_in(f"日本 👩‍👩‍👧 é😀 \n{text}") == [(rule, value)]


NATIONAL = [
    ("NINO AB123456C", "gb-national-insurance"),
    ("NHS number 943 476 5919", "gb-nhs-number"),
    ("Steuer-ID 86095742719", "de-tax-id"),
    ("Sozialversicherungsnummer 65 170839 J 003", "de-social-insurance"),
    ("2 69 05 49 588 157 80", "fr-social-security"),
    ("DNI 54362315K", "es-dni"),
    ("NIE X2482300W", "es-nie"),
    ("RSSMRA85T10A562S", "it-codice-fiscale"),
    ("BSN 111222333", "nl-bsn"),
    ("85.07.30-033.28", "be-national-number"),
    ("PESEL 44051401359", "pl-pesel"),
    ("811218-9876", "se-personnummer"),
    ("131052-308T", "fi-hetu"),
    ("CPR 211062-5629", "dk-cpr"),
    ("390.533.447-05", "br-cpf"),
    ("Aadhaar 2341 2341 2346", "in-aadhaar"),
    ("ABCPE1234F", "in-pan"),
    ("SIN 130-692-544", "ca-sin"),
    ("TFN 876 543 210", "au-tfn"),
    ("ID number 8001015009087", "za-identity"),
    ("11010519491231002X", "cn-resident-id"),
    ("920815-1234567", "kr-resident-registration"),
    ("756.9217.0769.85", "ch-ahv"),
    ("RUT 12.345.678-5", "cl-rut"),
    ("736028/5163", "cz-birth-number"),
    ("S9812381D", "sg-nric"),
    ("A123456(3)", "hk-identity"),
    ("passport number C01X00T47", "passport-number"),
    ("driver license number: S123-4567-8901", "driving-licence-number"),
    ("ITIN 912-78-1234", "us-itin"),
]


@pytest.mark.parametrize(("text", "rule"), NATIONAL)
def test_a_national_number_is_found_and_can_belong_to_somebody(text: str, rule: str) -> None:
    assert [(each.rule, each.reserved) for each in find_personal_data(text)] == [(rule, False)]


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
    "10.0.0.1:22",
    "Private 10.0.0.1",
    "192.168.1.10",
    "localhost 127.0.0.1",
    "Broadcast 255.255.255.255",
    "2001:db8::1",
    "fe80::1",
    "::ffff:192.168.1.1",
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


ORDERS = [
    "INV-2024-00231",
    "invoice INV-2024-123456789",
    "order 4155552671",
    "order number 415-555-2671",
    "Ref: 020 7946 0958",
    "my order number is 536-22-8726",
    "Order #20240312884213",
    "tracking 9400 1000 0000 0000 0000 00",
    "FedEx 7712 3456 7890",
    "part number 123-45-6789",
    "order 4539148803436467",
    "Bestellnummer 302-1234567-1234567",
    "customer id 9876543210",
    "booking 347 1234567",
    "Product code AB123456C",
    "voucher 12345678Z",
    "SKU A4-83-E7",
    "ISBN 978-3-16-148410-0",
    "EAN 4006381333931",
    "Lot L2024-0312-B",
    "SHELL LOYALTY CARD\n6018840126306675",
]
CHECKS_THAT_FAIL = [
    "4111 1111 1111 1112",
    "378282246310006",
    "DE89 3704 0044 0532 0130 01",
    "GB82 WEST 1234 5698 7654 33",
    "000-12-3456",
    "ssn 666-12-3456",
    "123-00-4567",
    "123-45-0000",
    "256.256.256.256",
    "999.999.999.999",
    "2001::db8::1",
    "12345:db8::1",
    "::ffff:256.0.0.1",
]
VERSIONS_AND_HASHES = [
    "version 1.2.3.4",
    "Version 192.168.1.1 of the manual",
    "v10.2.0.1",
    "Chrome/120.0.0.0 Safari/537.36",
    "firmware 4.2.0.13",
    "section 10.1.2.3 of the manual",
    "update to 1.10.2.33",
    "1.2.3.4.5",
    "text192.168.1.1",
    "550e8400-e29b-41d4-a716-446655440000",
    "d41d8cd98f00b204e9800998ecf8427e",
    "aa:bb:cc:dd:ee:ff:00:11:22:33:44:55:66:77:88:99",
    "std::vector<int> and Foo::Bar::baz",
    "x = a[::2] + b[1::3]",
    "Time 12:34:56, ratio 1:2:3:4, at 12::30",
    "fe80::1text",
]
DATES_AND_AMOUNTS = [
    "2024-03-12 10:30:45",
    "12.03.2024",
    "meeting on 12/03/2024 at 10:30",
    "text me at 10:30 on 12/03",
    "founded on 12 March 1985",
    "the invoice dated 12/03/1985",
    "birthday card order 12/03/24 arrived",
    "born to run 1975 tour",
    "$1,234.56 and EUR 1.234.567,89",
    "USD 12 345 678",
    "+2 points, +15%, +100 XP",
    "10 000 000 people",
    "100 200 300 400",
    "timestamp 1710230400",
    "0.1234, 0.5678, 0.9101",
    "[0.12345, 12.34567, 3.14159]",
    "(1.2345, 2.3456)",
    "price 12.3400 14.5600",
    "my account balance is 12345678",
]
WORDS = [
    "logo@2x.png",
    "npm install foo@1.2.3",
    "git@github.com:org/repo.git",
    "https://user:pass@host.com/",
    "@handle at home",
    "the top 10 Wall Street banks",
    "5 Star Hotel, 24 Main points",
    "Top 5 places to see in 75001 Paris",
    "call 911 or call me in 20 minutes",
    "the number is 42",
    "phone battery 3000 mAh",
    "account ending 1234",
    "IPv6 is not supported",
]


@pytest.mark.parametrize(
    "text", [*ORDERS, *CHECKS_THAT_FAIL, *VERSIONS_AND_HASHES, *DATES_AND_AMOUNTS, *WORDS]
)
def test_numbers_that_belong_to_no_person_are_left_alone(text: str) -> None:
    assert found_in(text) == []


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


@pytest.mark.parametrize("unit", ADVERSARIES)
def test_a_million_characters_of_one_pattern_do_not_hide_what_follows(unit: str) -> None:
    text = unit * (MILLION // len(unit)) + "\n\n jane@firma.de"
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
