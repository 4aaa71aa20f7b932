"""Telephone numbers, by shape, by what the sentence calls them, and by the numbering plans of libphonenumber.

A number is a candidate when it starts with a country code, has the shape in which a country writes its numbers, or
stands after words such as "call" or "phone". libphonenumber then says whether any plan has such a number. Its own
matcher reads order numbers and dates as telephone numbers too, and is slow.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

import phonenumbers

from apps.core.detectors.detection import Hit
from apps.core.detectors.patterns import EncodedText, Pattern
from apps.core.detectors.personal.context import is_joined, is_labelled_otherwise, names_before

_GAP = r"[ .\-/\x{a0}\x{2010}\x{2011}\x{2013}]"
_INTERNATIONAL = Pattern(
    rf"(?:\+ ?|\b00|\b011[ \-])[1-9]\d{{0,3}}(?:{_GAP}?\(0?\d{{0,5}}\))?(?:{_GAP}{{0,2}}\d{{1,12}}){{1,7}}"
)
_NORTH_AMERICAN = Pattern(
    r"(?:\b1[ .\-])?(?:\([2-9]\d{2}\)[ .\-\x{2011}\x{2013}]{0,2}|\b[2-9]\d{2}[ .\-\x{2011}\x{2013}])"
    r"\d{3}[ .\-\x{2011}\x{2013}]\d{4}\b"
)
_LEADING_ZERO = Pattern(rf"(?:\(0[1-9]\d{{0,4}}\)|\b0[1-9]\d{{0,3}})(?:{_GAP}{{1,2}}\d{{2,9}}){{1,5}}\b")
# Shapes that are typical for one country even without any word about telephones.
_NATIONAL: tuple[tuple[Pattern, str], ...] = (
    (Pattern(r"\b07\d{9}\b"), "GB"),
    (Pattern(r"\b0[67]\d{8}\b"), "FR"),
    (Pattern(r"\b04\d{2}[ \-]\d{3}[ \-]\d{3}\b"), "AU"),
    (Pattern(r"\b[6-9]\d{4}[ \-]\d{5}\b"), "IN"),
    (Pattern(r"\(\d{2}\) ?9?\d{4}-\d{4}\b"), "BR"),
    (Pattern(r"\b1[3-9]\d[ \-]\d{4}[ \-]\d{4}\b"), "CN"),
    (Pattern(r"\b[679]\d{2} \d{2} \d{2} \d{2}\b"), "ES"),
    (Pattern(r"\b8 ?\(9\d{2}\) ?\d{3}[ \-]\d{2}[ \-]\d{2}\b"), "RU"),
)
_ANY_GROUPING = Pattern(rf"\(?\b\d{{2,12}}\)?(?:{_GAP}{{0,2}}\d{{2,9}}){{0,5}}\b")
# The countries whose plans are tried, in this order, on a number without a country code: with a trunk zero or without.
_REGIONS_WITH_ZERO = (
    "GB",
    "DE",
    "FR",
    "NL",
    "BE",
    "CH",
    "AT",
    "AU",
    "SE",
    "JP",
    "IT",
    "IL",
    "IE",
    "ZA",
    "NZ",
    "IN",
    "TR",
)
_REGIONS_WITHOUT_ZERO = (
    "US",
    "ES",
    "IT",
    "PL",
    "IN",
    "BR",
    "MX",
    "PT",
    "NO",
    "DK",
    "CZ",
    "GR",
    "CN",
    "SG",
    "HK",
)
# Groups in which account numbers are written, too: only a word about telephones makes these a telephone number.
_UNTYPICAL = Pattern(r"\d{3}[ \-.]\d{3}[ \-.]\d{3}|(?:\d{4}[ \-.]){2}\d{4}")
_CONTINUED = Pattern(r"\d[ .]$")

_CUE = Pattern(
    r"(?:\b(?:(?:tele)?phones?|tel|telefon\w*|mobiles?|mobilnummer|cell(?:phone|ular)?s?|call(?:ed|ing|s"
    r"|back)?|text(?:ed|ing)?|sms|whatsapp|signal|viber|fax|dial|ring|rang|contact|reach|landline|handy\w*"
    r"|ruf\w*|anruf\w*|erreich\w*|portable|tél|téléphone|appele[rz]|joindre|móvil|teléfono|ll[aá]m\w*|celular"
    r"|cellulare|chiam\w*|telefone|ligue|hotline|helpline|voicemail|ph|mob|mobil)\b|(?:my|our|his|her|their"
    r"|new|old|other|best|the) numbers?\b|☎|📞|📱)[^\d\n]{0,30}$",
    ignore_case=True,
)
_CUE_AFTER = Pattern(
    r"^[^\d\n\p{L}]{0,4}(?:(?:is|ist|es|est|è|é|to|jest|är|er) )?(?:(?:my|mein|meine|mi|il mio|o meu|mon|mój"
    r"|our|her|his|the) )?(?:new |nuevo |neue )?(?:mobile|cell|phone|number to call|telephone|handy\w*|mobil\w*"
    r"|teléfono|móvil|celular|cellulare|telefono|telem[óo]vel|telefone|portable|téléphone|telefon\w*|numer|nummer"
    r"|call me|text me|whatsapp|to reach me)",
    ignore_case=True,
)
# Set aside for films, books and tests, in E.164 digits. United States: NANPA, 555-0100 to 555-0199; area code 555 is
# not in use. United Kingdom: Ofcom, numbers for use in drama. France: Arcep. Australia: ACMA. Germany: BNetzA.
_FICTION = Pattern(
    r"1\d{3}55501\d{2}|1555\d{7}|441632960\d{3}|44(?:113|114|115|116|117|118|121|131|141|151|161)4960\d{3}"
    r"|442079460\d{3}|441914980\d{3}|442890180\d{3}|442896496\d{3}|442920180\d{3}|447700900\d{3}"
    r"|448081570\d{3}|449098790\d{3}|443069990\d{3}|33(?:19900|26191|35301|46571|53649|63998)\d{4}"
    r"|61[2378](?:5550|7010)\d{4}|61491570\d{3}|61180[01](?:160401|975)\d*|4930(?:23125)\d{3}|496990009\d{3}"
    r"|494066969\d{3}|492214710\d{3}|498999998\d{3}|4917139200\d{2}|491729925904|4917604069\d{3}"
)
_CUE_WORD = Pattern(
    r"phone|tel|mobil|cell|call|text|sms|whatsapp|signal|viber|fax|dial|ring|rang|contact|reach|landline"
    r"|handy|ruf|erreich|portable|tél|appel|joindre|móvil|numer|nummer|telem|ll[aá]m|celular|chiam|telefone|ligue|hotline"
    r"|helpline|voicemail|number|\bph\b|\bmob\b|☎|📞|📱",
    ignore_case=True,
)
_DATE = Pattern(
    r"\d{1,2}([.\-/ ])\d{1,2}[.\-/ ](?:19|20)\d{2}|(?:19|20)\d{2}([.\-/ ])\d{1,2}[.\-/ ]\d{1,2}.*"
)
_LOCAL = Pattern(r"\d{3}[ .\-]\d{4}|\(?\d{3}\)?[ .\-]\d{3}[ .\-]\d{4}|\d{10}")
_LAST_GROUP = re.compile(r"[^0-9]{1,3}[0-9]+$")
SHORTEST, LONGEST = 7, 15  # digits; E.164 allows 15


def find(text: EncodedText) -> Iterator[Hit]:
    if text.digits < SHORTEST:
        return
    yield from _find_international(text)
    yield from _find_north_american(text)
    yield from _find_national(text)
    yield from _find_after_cue(text)


def _hit(start: int, end: int, *, reserved: bool) -> Hit:
    return Hit("phone-number", start, end, "Telephone number", reserved)


def _find_international(text: EncodedText) -> Iterator[Hit]:
    for start, end in _INTERNATIONAL.values(text.data):
        if is_joined(text, start, end):
            continue
        written = text.value(start, end)
        # What follows the telephone number ("… 4567 12 times") is read as its last group: try without it.
        for cut in _shortened(written):
            number = _international_digits(cut)
            valid = is_fiction(number) or is_in_plan(number)
            if valid or (written[0] == "+" and _is_shaped(cut, number) and names_before(_CUE, text, start)):
                yield _hit(start, start + len(cut.encode()), reserved=is_fiction(number) or not valid)
                break
        else:
            if written[0] == "+" and _is_shaped(written, _international_digits(written)):
                yield _hit(start, end, reserved=True)


def _shortened(written: str) -> Iterator[str]:
    """The number as matched, and without its last group or its last two."""
    yield written
    for _ in range(2):
        head = _LAST_GROUP.sub("", written)
        if head in ("", written):
            return
        written = head
        yield written


def _international_digits(written: str) -> str:
    digits = _digits(written.replace("(0)", ""))
    if written[0] == "+":
        return digits
    return digits.removeprefix("011") if digits.startswith("011") else digits.removeprefix("00")


def _is_shaped(written: str, number: str) -> bool:
    """A number outside every plan, written as only telephone numbers are: three groups or more, ten digits or more."""
    return LONGEST >= len(number) >= 10 and len(written.split()) + written.count("-") + written.count(".") > 2


def _find_north_american(text: EncodedText) -> Iterator[Hit]:
    for start, end in _NORTH_AMERICAN.values(text.data):
        if _is_other(text, start, end):
            continue
        number = "1" + _digits(text.value(start, end))[-10:]
        valid = is_in_plan(number)
        if valid or number[1:4] == "555" or names_before(_CUE, text, start):
            yield _hit(start, end, reserved=is_fiction(number) or not valid)


def _find_national(text: EncodedText) -> Iterator[Hit]:
    for start, end in _LEADING_ZERO.values(text.data):
        written = text.data[start:end]
        digits = _digits(written.decode())
        if (
            not 9 <= len(digits) <= 12
            or _UNTYPICAL.fits(written)
            or _CONTINUED.occurs_in(text.before(start, 2))
        ):
            continue
        number = None if _is_other(text, start, end) else national_number(digits)
        if number:
            yield _hit(start, end, reserved=is_fiction(number))
    for pattern, region in _NATIONAL:
        for start, end in pattern.values(text.data):
            number = national_number(_digits(text.value(start, end)), region)
            if number and not _is_other(text, start, end):
                yield _hit(start, end, reserved=is_fiction(number))


def _find_after_cue(text: EncodedText) -> Iterator[Hit]:
    if not _CUE_WORD.occurs_in(text.data):
        return
    for start, end in _ANY_GROUPING.values(text.data):
        written = text.value(start, end)
        digits = _digits(written)
        if not SHORTEST <= len(digits) <= 12 or _DATE.fits(written.encode()):
            continue
        named = names_before(_CUE, text, start) or _CUE_AFTER.occurs_in(text.after(end, 40))
        if not named or _is_other(text, start, end):
            continue
        number = national_number(digits)
        if number or _LOCAL.fits(written.encode()):
            yield _hit(start, end, reserved=number is None or is_fiction(number))


def _is_other(text: EncodedText, start: int, end: int) -> bool:
    return is_joined(text, start, end) or is_labelled_otherwise(text, start)


def _digits(written: str) -> str:
    return "".join(character for character in written if "0" <= character <= "9")


@lru_cache(maxsize=4096)
def is_in_plan(number: str) -> bool:
    """Whether a numbering plan has the number, given with its country code and without a plus."""
    if not SHORTEST <= len(number) <= LONGEST:
        return False
    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(f"+{number}"))
    except phonenumbers.NumberParseException:
        return False


@lru_cache(maxsize=4096)
def national_number(digits: str, region: str | None = None) -> str | None:
    """The number with its country code, by ``region`` or the first of several countries whose plan has it."""
    several = _REGIONS_WITH_ZERO if digits[0] == "0" else _REGIONS_WITHOUT_ZERO
    for country in (region,) if region else several:
        try:
            parsed = phonenumbers.parse(digits, country)
        except phonenumbers.NumberParseException:
            continue
        number = f"{parsed.country_code}{phonenumbers.national_significant_number(parsed)}"
        # Not every plan of libphonenumber knows the numbers that its regulator keeps for fiction.
        if is_fiction(number) or phonenumbers.is_valid_number(parsed):
            return number
    return None


def is_fiction(number: str) -> bool:
    """Whether the number, with its country code, is one that regulators set aside for fiction and tests."""
    return _FICTION.fits(number.encode())
