"""Account and card numbers: IBAN, payment cards, bank accounts that are named as such."""

from __future__ import annotations

from collections.abc import Iterator

from stdnum import luhn
from stdnum.iso7064 import mod_97_10
from stdnum.us import rtn

from apps.core.detectors.detection import Hit
from apps.core.detectors.patterns import EncodedText, Pattern
from apps.core.detectors.personal.context import is_joined, is_labelled_otherwise

# Length of the IBAN by country: SWIFT, IBAN Registry (ISO 13616), release 98.
_COUNTRIES_BY_LENGTH = {
    15: "NO",
    16: "BE",
    18: "DK FI FO GL NL SD FK",
    19: "MK SI",
    20: "AT BA EE KZ LT LU XK",
    21: "CH HR LI LV MN",
    22: "BG BH CR DE GB GE IE ME RS VA",
    23: "AE GI IL IQ TL OM SO",
    24: "AD CZ ES MD PK RO SA SE SK TN VG",
    25: "LY PT ST",
    26: "IS TR",
    27: "BI FR GR IT MC MR SM DJ",
    28: "AL AZ BY CY DO GT HU LB NI PL SV",
    29: "BR EG PS QA UA",
    30: "JO KW MU",
    31: "MT SC LC",
    33: "RU",
}
_IBAN_LENGTHS = {code: length for length, codes in _COUNTRIES_BY_LENGTH.items() for code in codes.split()}
_IBAN = Pattern(r"\b[A-Z]{2}\d{2}(?:[ \-\x{a0}]?[0-9A-Z]){11,34}\b", ignore_case=True)
# The registry's own examples, which documentation repeats.
_IBAN_EXAMPLE_LIST = """
GB29NWBK60161331926819 GB82WEST12345698765432 GB33BUKB20201555555555 DE89370400440532013000
FR1420041010050500013M02606 FR7630006000011234567890189 NL91ABNA0417164300 ES9121000418450200051332
IT60X0542811101000000123456 BE68539007547034 CH9300762011623852957 AT611904300234573201
IE29AIBK93115212345678 PL61109010140000071219812874 SE4550000000058398257466 DK5000400440116243
NO9386011117947 FI2112345600000785 PT50000201231234567890154 LU280019400644750000
"""
_IBAN_EXAMPLES = frozenset(_IBAN_EXAMPLE_LIST.split())

_CARD = Pattern(r"\b\d(?:[ \-\x{a0}.]?\d){11,18}\b")
# Issuers' first digits and lengths: ISO/IEC 7812 registrations as the networks publish them.
_ISSUERS = Pattern(
    r"4\d{12}(?:\d{3})?(?:\d{3})?|5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d{2}|7[01]\d|720)\d{12}|3[47]\d{13}"
    r"|3(?:0[0-59]|[689]\d)\d{11}|6(?:011|5\d{2}|4[4-9]\d)\d{12}|35(?:2[89]|[3-8]\d)\d{12}|62\d{14,17}"
    r"|(?:5018|5020|5038|5612|5893|6304|6759|676[1-3])\d{8,15}|220[0-4]\d{12}|(?:60|65|81|82|508)\d{13,14}"
)
_CARD_GROUPS = Pattern(
    r"\d{4}(?:[ \-\x{a0}.]\d{4}){3}(?:[ \-]\d{1,3})?|\d{4}[ \-\x{a0}.]\d{6}[ \-\x{a0}.]\d{4,5}|\d{15,16}"
)
CARD_CUE_WIDTH = 60
_CARD_CUE = Pattern(
    r"card|visa|master ?card|amex|american express|discover|diners|maestro|jcb|credit|debit|\bcc\b|\bpan\b"
    r"|karte|carte|tarjeta|cartão",
    ignore_case=True,
)
_OTHER_CARD = Pattern(
    r"(?:loyalty|gift|rewards?|member(?:ship)?|points|library|sim|student|id|bus|travel|oyster|club"
    r"|bonus)[ \-]?cards?\b",
    ignore_case=True,
)
# Test numbers that payment companies print in their documentation.
_TEST_CARD_LIST = """
4242424242424242 4000056655665556 4111111111111111 4012888888881881 4222222222222 4000000000000002
4000000000009995 4000000000003220 4000002500003155 4000000000000077 4917610000000000 4988438843884305
4166676667666746 4646464646464644 4000620000000007 4000160000000004 4293189100000008 5555555555554444
5105105105105100 5200828282828210 5454545454545454 5555341244441115 2223003122003222 2222400070000005
2222410740360010 2223000048410010 378282246310005 371449635398431 378734493671000 370000000000002
374251018720018 6011111111111117 6011000990139424 6011981111111113 6011000000000004 6445644564456445
30569309025904 38520000023237 3056930009020004 36227206271667 3530111333300000 3566002020360505
3569990010095841 6200000000000005 6205500000000000004 6759649826438453 6304000000000000 5019717010103742
4263982640269299 4035501000000008 4360000001000005 4571000000000001 6250941006528599 4508750015741019
5413330089010434 4716000000000000
"""
_TEST_CARDS = frozenset(_TEST_CARD_LIST.split())

_BANK_ACCOUNT = Pattern(
    r"(?:(?:bank|checking|savings?|current|deposit|giro|brokerage|payroll)[ \-](?:account|acct|a/c)"
    r"|(?:sort code|bsb|ifsc|blz|bankleitzahl"
    r"|routing)[^\n]{0,40}?(?:account|acct|a/c|konto))(?: ?(?:number|no\.?|num|nr\.?|#"
    r"|nummer))?[^\d\n]{0,15}?(\d(?:[ \-]?\d){5,16})\b"
    r"|\b(?:account|acct|a/c)[^\d\n]{0,15}?(\d{6,17})[^\d\n]{1,5}(?:sort code|routing|bsb|ifsc|blz)",
    ignore_case=True,
)
_ROUTING = Pattern(
    r"\b(?:routing|aba|rtn)(?: ?(?:transit|number|no\.?|#|code))*[^\d\n]{0,10}?(\d{9})\b", ignore_case=True
)


def find(text: EncodedText) -> Iterator[Hit]:
    if text.digits < 6:
        return
    if text.digits >= 10:
        yield from _find_ibans(text)
        yield from _find_cards(text)
    for start, end in _BANK_ACCOUNT.values(text.data):
        yield Hit("bank-account", start, end, "Bank account number")
    for start, end in _ROUTING.values(text.data):
        if rtn.is_valid(text.value(start, end)):
            yield Hit("us-routing-number", start, end, "Routing number of a US bank")


def _find_ibans(text: EncodedText) -> Iterator[Hit]:
    for match, start, _ in _IBAN.readings(text.data):
        written = text.value(*match.span())
        length = _IBAN_LENGTHS.get(written[:2].upper())
        cut = _first_characters(written, length) if length else None
        if cut is None or is_joined(text, start, start + len(cut.encode())):
            continue
        compact = "".join(filter(str.isalnum, cut)).upper()
        if mod_97_10.is_valid(compact[4:] + compact[:4]):
            yield Hit("iban", start, start + len(cut.encode()), "IBAN", compact in _IBAN_EXAMPLES)


def _first_characters(written: str, length: int) -> str | None:
    """``written`` up to its ``length``-th letter or digit, or None when it is shorter."""
    seen = 0
    for at, character in enumerate(written):
        seen += character.isalnum()
        if seen == length:
            return written[: at + 1]
    return None


def _find_cards(text: EncodedText) -> Iterator[Hit]:
    for start, end in _CARD.values(text.data):
        written = text.data[start:end]
        number = "".join(filter(str.isdigit, written.decode()))
        if not (_ISSUERS.fits(number.encode()) and luhn.is_valid(number)) or is_joined(text, start, end):
            continue
        before = text.before(start, CARD_CUE_WIDTH)
        if _OTHER_CARD.occurs_in(before):
            continue
        known = number in _TEST_CARDS
        named = _CARD_CUE.occurs_in(before)
        if known or named or (_CARD_GROUPS.fits(written) and not is_labelled_otherwise(text, start)):
            yield Hit("payment-card", start, end, "Payment card number", known)
