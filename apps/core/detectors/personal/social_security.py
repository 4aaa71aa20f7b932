"""US social security numbers."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from stdnum.us import ssn

from apps.core.detectors.detection import Hit
from apps.core.detectors.patterns import EncodedText, Pattern
from apps.core.detectors.personal.context import is_joined, is_labelled_otherwise, names_before

_SEPARATED = Pattern(r"\b(\d{3}-\d{2}-\d{4}|\d{3} \d{2} \d{4}|\d{3}\.\d{2}\.\d{4})\b")
_NAMED = Pattern(
    r"\b(?:ssns?|social security|soc\.? ?sec\.?|ss ?(?:#|number|no\.?)|social (?:number|no\.?|#)"
    r"|\bsocial is)[^\d\n]{0,30}(\d{3}[\- .]?\d{2}[\- .]?\d{4})\b",
    ignore_case=True,
)
_NAMED_AFTER = Pattern(
    r"\b(\d{3}[\- .]?\d{2}[\- .]?\d{4}) (?:is|was) (?:my|his|her|their|the|your)(?: \w+)? ?(?:ssn"
    r"|social security)",
    ignore_case=True,
)
_CUE = Pattern(r"(?:\bssn|social)[^\d\n]{0,30}$", ignore_case=True)
# Printed in wallets and pamphlets (Social Security Administration, "Misused numbers"), or kept for advertisements.
_NEVER_ISSUED = Pattern(r"078051120|219099999|98765432\d|457555462")


def find(text: EncodedText) -> Iterator[Hit]:
    if text.digits < 9:
        return
    for start, end in chain(*(pattern.values(text.data) for pattern in (_NAMED, _NAMED_AFTER, _SEPARATED))):
        digits = "".join(filter(str.isdigit, text.value(start, end)))
        known = _NEVER_ISSUED.fits(digits.encode())
        if not (known or ssn.is_valid(digits)) or is_joined(text, start, end):
            continue
        if names_before(_CUE, text, start) or not is_labelled_otherwise(text, start):
            yield Hit("us-social-security", start, end, "US social security number", known)
