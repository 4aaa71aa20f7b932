"""Finds national identity, health, tax and social security numbers.

A number is found when it is *called* by its name, or, where digits and dates inside it are checked well enough that
few other numbers pass, by itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from apps.core.detectors.detection import Hit
from apps.core.detectors.patterns import EncodedText, Pattern
from apps.core.detectors.personal.context import is_joined, is_labelled_otherwise, names_before
from apps.core.detectors.personal.national_numbers import NATIONAL_NUMBERS, NationalNumber

# After the name: "… number is", "(PESEL): ", "… no. ".
_AFTER_NAME = r"[^\d\n]{0,25}$"
_QQ = Pattern(r"\bQQ ?12 ?34 ?56 ?[A-D]\b")
# Printed in documentation, so likelier an example than a person.
_EXAMPLES = frozenset({"12345678Z", "S1234567D", "00000000T"})
_NOT_ALNUM = re.compile(r"[^0-9A-Za-z]")


class _Finder:
    """A row of the table, compiled."""

    __slots__ = ("_name", "_name_anywhere", "_row", "_shape")

    def __init__(self, row: NationalNumber) -> None:
        self._row = row
        self._shape = Pattern(rf"\b({row.shape})(?:[^0-9A-Za-z]|$)")
        self._name = Pattern(rf"(?:{row.names}){_AFTER_NAME}", ignore_case=True)
        self._name_anywhere = Pattern(row.names, ignore_case=True)

    def hits(self, text: EncodedText) -> Iterator[Hit]:
        row = self._row
        if text.digits < row.fewest_digits:
            return
        if row.unnamed == "never" and not self._name_anywhere.occurs_in(text.data):
            return
        for _, start, end in self._shape.readings(text.data):
            number = text.value(start, end)
            named = names_before(self._name, text, start, width=60)
            if not named and not self._speaks_for_itself(number):
                continue
            valid = row.is_valid(number)
            if is_joined(text, start, end) or not (
                named or (valid and not is_labelled_otherwise(text, start))
            ):
                continue
            reserved = not valid or _NOT_ALNUM.sub("", number) in _EXAMPLES
            yield Hit(row.rule, start, end, row.description, reserved)

    def _speaks_for_itself(self, number: str) -> bool:
        if self._row.unnamed == "separated":
            return not number.isalnum()
        return self._row.unnamed == "always"


_FINDERS = tuple(_Finder(row) for row in NATIONAL_NUMBERS)


def find(text: EncodedText) -> Iterator[Hit]:
    """A number that is called a national one but fails its check cannot have been given out: reserved."""
    for finder in _FINDERS:
        yield from finder.hits(text)
    for start, end in _QQ.values(text.data):
        yield Hit("gb-national-insurance", start, end, "UK National Insurance number", reserved=True)
