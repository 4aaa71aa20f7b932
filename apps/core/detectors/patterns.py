"""Regular expressions in linear time (RE2), over the UTF-8 bytes of a text.

RE2 works on bytes. Its ``str`` interface encodes the text anew for every pattern and fails on lone surrogates, which
JSON can carry; so a text is encoded once, every pattern reads the same bytes, and the few offsets that are reported
are turned back into characters at the end.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any, Protocol

import re2

Span = tuple[int, int]
NO_SPAN: Span = (-1, -1)


class Match(Protocol):
    def span(self, group: int = 0) -> Span: ...


class EncodedText:
    """A text as bytes, with the way back from byte offsets to character offsets."""

    __slots__ = ("data", "digits")

    def __init__(self, text: str) -> None:
        # A surrogate half becomes a question mark: one byte, and one character on the way back.
        self.data = text.encode("utf-8", "replace")
        self.digits = len(self.data) - len(self.data.translate(None, b"0123456789"))

    def characters(self, offsets: Iterable[int]) -> dict[int, int]:
        """Maps byte offsets, each on a character boundary, to character offsets in one pass over the text."""
        if self.data.isascii():
            return {offset: offset for offset in offsets}
        answer: dict[int, int] = {}
        done = count = 0
        for offset in sorted(set(offsets)):
            count += len(self.data[done:offset].decode())
            answer[offset] = count
            done = offset
        return answer

    def value(self, start: int, end: int) -> str:
        return self.data[start:end].decode()

    def before(self, start: int, width: int) -> bytes:
        """The ``width`` bytes before an offset: for a look at the context, so a cut character does no harm."""
        return self.data[max(0, start - width) : start]

    def after(self, end: int, width: int) -> bytes:
        return self.data[end : end + width]


class Pattern:
    """An RE2 pattern over bytes. When it has groups, its value is the first group that took part in the match."""

    def __init__(self, pattern: str, *, ignore_case: bool = False) -> None:
        self.pattern, self.ignore_case = pattern, ignore_case

    @cached_property
    def _regexp(self) -> Any:
        """Compiled at its first use: all of them take 60 MB, and most processes never look for anything."""
        options = re2.Options()
        options.case_sensitive = not self.ignore_case
        options.log_errors = False
        return re2.compile(self.pattern, options)

    @property
    def groups(self) -> int:
        """How many groups it has. Compiles, so it raises re2.error for a pattern that RE2 refuses."""
        count: int = self._regexp.groups
        return count

    def matches(self, data: bytes) -> Iterator[Match]:
        found: Iterator[Match] = self._regexp.finditer(data)
        return found

    def readings(self, data: bytes) -> Iterator[tuple[Match, int, int]]:
        """Matches with the spans of their values; a value is looked at again for a match that starts inside it.

        In ``key="token" value="…"`` the first reading takes ``token`` for the value and must not hide the second.
        """
        begin = 0
        while match := self._regexp.search(data, begin):
            start, end = self.value_span(match)
            yield match, start, end
            begin = max(start, match.span()[0] + 1)

    def values(self, data: bytes) -> Iterator[Span]:
        """The spans of all values, left to right."""
        return (self.value_span(match) for match in self.matches(data))

    def value_span(self, match: Match) -> Span:
        for group in range(1, self._regexp.groups + 1):
            span = match.span(group)
            if span != NO_SPAN:
                return span
        return match.span()

    def occurs_in(self, data: bytes) -> bool:
        return self._regexp.search(data) is not None

    def fits(self, data: bytes) -> bool:
        """Whether the pattern matches the whole of ``data``."""
        return self._regexp.fullmatch(data) is not None


class WordIndex:
    """Which of many rules can match at all: one pass over the text for the words of all of them.

    Only for words and simple choices of words. RE2 gives up, silently, on a set whose automaton outgrows its memory;
    that of words stays far below.
    """

    __slots__ = ("_owners", "_set")

    def __init__(self, patterns: Mapping[str, Iterable[int]]) -> None:
        """``patterns`` maps RE2 syntax, matched without regard to case, to the numbers of the rules it wakes."""
        options = re2.Options()
        options.case_sensitive = False
        options.log_errors = False
        options.max_mem = 64 << 20
        self._set = re2.Set.SearchSet(options)
        self._owners: list[tuple[int, ...]] = []
        for pattern, rules in patterns.items():
            self._set.Add(pattern)
            self._owners.append(tuple(rules))
        self._set.Compile()

    def rules(self, data: bytes) -> set[int]:
        found = self._set.Match(data)
        return {rule for pattern in found for rule in self._owners[pattern]} if found else set()


def literal(text: str) -> str:
    """RE2 syntax for ``text`` itself."""
    escaped: str = re2.escape(text)
    return escaped
