"""Finds national identity, health, tax and social security numbers.

A number is found when it is *called* by its name, or, where digits and dates inside it are checked well enough that
few other numbers pass, by itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from apps.core.detectors.detection import Hit
from apps.core.detectors.patterns import EncodedText, Pattern, WordIndex
from apps.core.detectors.personal.context import is_joined, is_labelled_otherwise, names_before
from apps.core.detectors.personal.national_numbers import NATIONAL_NUMBERS, NationalNumber

# After the name: "… number is", "(PESEL): ", "… no. ".
_AFTER_NAME = r"[^\d\n]{0,25}$"
_QQ = Pattern(r"\bQQ ?12 ?34 ?56 ?[A-D]\b")
# Printed in documentation, so likelier an example than a person.
_EXAMPLES = frozenset({"12345678Z", "S1234567D", "00000000T"})
# How far before the number its name can stand, in bytes.
NAME_WIDTH = 60
FEWEST_DIGITS = min(row.fewest_digits for row in NATIONAL_NUMBERS)
_NOT_ALNUM = re.compile(r"[^0-9A-Za-z]")


class _Finder:
    """A row of the table, compiled."""

    __slots__ = ("_name", "_shape", "row")

    def __init__(self, row: NationalNumber) -> None:
        self.row = row
        self._shape = Pattern(rf"\b({row.shape})(?:[^0-9A-Za-z]|$)")
        self._name = Pattern(rf"(?:{row.names}){_AFTER_NAME}", ignore_case=True)

    def hits(self, text: EncodedText, *, may_be_named: bool) -> Iterator[Hit]:
        for _, start, end in self._shape.readings(text.data):
            number = text.value(start, end)
            named = may_be_named and names_before(self._name, text, start, width=NAME_WIDTH)
            if not (named or self._speaks_for_itself(number)) or is_joined(text, start, end):
                continue
            valid = self.row.is_valid(number)
            if named or (valid and not is_labelled_otherwise(text, start)):
                reserved = not valid or _NOT_ALNUM.sub("", number) in _EXAMPLES
                yield Hit(self.row.rule, start, end, self.row.description, reserved)

    def _speaks_for_itself(self, number: str) -> bool:
        if self.row.unnamed == "separated":
            return not number.isalnum()
        return self.row.unnamed == "always"


_FINDERS = tuple(_Finder(row) for row in NATIONAL_NUMBERS)
# One look for all the shapes that need no name: most texts with digits have none of them.
_UNNAMED = Pattern(
    rf"\b(?:{'|'.join(row.shape for row in NATIONAL_NUMBERS if row.unnamed != 'never')})(?:[^0-9A-Za-z]|$)"
)
_NAMES = WordIndex({row.names: [number] for number, row in enumerate(NATIONAL_NUMBERS)})


def find(text: EncodedText) -> Iterator[Hit]:
    """A number that is called a national one but fails its check cannot have been given out: reserved."""
    if text.digits < FEWEST_DIGITS:
        return
    named = _NAMES.rules(text.data)
    unnamed = _UNNAMED.occurs_in(text.data)
    for number, finder in enumerate(_FINDERS):
        if number not in named and not (unnamed and finder.row.unnamed != "never"):
            continue
        if text.digits >= finder.row.fewest_digits:
            yield from finder.hits(text, may_be_named=number in named)
    for start, end in _QQ.values(text.data):
        yield Hit("gb-national-insurance", start, end, "UK National Insurance number", reserved=True)
