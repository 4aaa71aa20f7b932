"""One row of the table of context rules, and how a value is read out of a sentence, a setting or a piece of JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from apps.core.detectors.patterns import EncodedText, Match, Span

Finder = Callable[[EncodedText], Iterator[Span]]


@dataclass(frozen=True, slots=True)
class ContextRule:
    """A credential that only its surroundings give away.

    ``find`` gives the byte spans of the values; it is asked only about texts with one of the ``keywords`` in them.
    """

    name: str
    description: str
    keywords: tuple[str, ...]
    find: Finder
    example: str
    near_miss: str


# Between a name and its value: ``"name": "``, ``name :=``, ``var name string =``, ``<name>``, ``name: |`` and a new
# line, ``"name", "value": "``, "name is now", "name for the printer is".
PURPOSE = (
    r"(?: ?\([^)\n]{1,40}\)|(?: |: ?)(?:string|str|char \*?)"
    r"| (?:for|to|of|on|in|from|für|fürs|vom|zum|zur|pour|du|de|del|della|di|da|do|para|per|voor|van"
    r"|för|til|для|od)(?: [\w.@'’\-]{1,40}){1,6}?"
    r"|(?: (?:has|have|had|was|is|got|been|now|just|reset|changed|set|updated)){1,5})?"
)
AFTER_NAME = r"\\{0,2}[\"'\])]{0,2}[ \t]{0,3}"
OPERATOR = (
    r"(?:=>|[?+.:]{0,3}={1,2}|:[ \t]{0,2}[|>][+\-]?\s{1,12}|>\s{0,12}|:|：|\|\|"
    r"|,?\s{1,6}[\"']?value[\"']?\s{0,2}[:=]|\b(?:is|are|was)(?: now| still| currently)?:?|\b(?:to|as|lautet"
    r"|ist|war|est|es|era|sind|er|var|je|jest|on|fue)\b:?|(?:é|è|är|était|это|は|是|为|為|:は)[: ]?)"
)
VALUE = (
    r"[ \t]{0,3}\\{0,2}(?:\"([^\"\n]{1,200})\"|'([^'\n]{1,200})'|`([^`\n]{1,200})`|“([^”\n]{1,200})”"
    r"|‘([^’\n]{1,200})’|([^\s\"'`<>“”‘’]{1,200}))"
)

_QUOTES = ("“".encode(), "‘".encode(), b'"', b"'", b"`")
_SENTENCE_MARKS = ".,;:)]}>\"'\\"


def introduction(text: EncodedText, match: Match, start: int, *, look_back: int) -> bytes:
    """What stands before the value: the match up to it, and ``look_back`` bytes more."""
    begin = match.span()[0]
    return text.before(begin, look_back) + text.data[begin:start]


def is_quoted(text: EncodedText, start: int) -> bool:
    return text.before(start, 3).endswith(_QUOTES)


def read_value(text: EncodedText, start: int, end: int) -> tuple[str, int]:
    """The value and where it ends: a quoted one as it stands, any other without the sentence's punctuation.

    A value in a query string ends where the next parameter starts.
    """
    value = text.value(start, end)
    if is_quoted(text, start):
        # In JSON inside JSON the closing quote has a backslash before it, as the opening one has.
        kept = value.rstrip("\\") if text.before(start, 2)[:1] == b"\\" else value
        return kept, start + len(kept.encode())
    kept = value.split("&", 1)[0] if text.before(start, 1) == b"=" else value
    kept = kept.rstrip(_SENTENCE_MARKS)
    return kept, start + len(kept.encode())


def ends_clause(text: EncodedText, end: int) -> bool:
    """Whether sentence or line stop here, so that the word before was all there was to say."""
    rest = text.after(end, 5).lstrip(b" \t")
    return not rest or rest[:1] in b".,;\n\r\"'`)}]&!<|/\\" or rest.startswith(b"and ")
