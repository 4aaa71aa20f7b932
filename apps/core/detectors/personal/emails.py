"""E-mail addresses, plain and written out ("jane [at] firm [dot] com")."""

from __future__ import annotations

from collections.abc import Iterator

from apps.core.detectors.detection import Hit
from apps.core.detectors.patterns import EncodedText, Pattern

_PLAIN = Pattern(
    r"[\p{L}\p{N}][\p{L}\p{N}._%+'’\-]*@(?:[\p{L}\p{N}](?:[\p{L}\p{N}\-]*[\p{L}\p{N}])?\.)+(?:\p{L}{2,24}"
    r"|xn--[0-9a-z]+)"
)
_AT = r"(?:at|ät|arroba|chiocciola|arobase)"
_DOT = r"(?:dot|punkt|point|punto|ponto|punt)"
_WRITTEN_OUT = Pattern(
    rf"\b([0-9A-Za-z][\w.+\-]{{0,63}}(?: ?[\[({{<] ?(?:{_AT}|@) ?[\])}}>] ?(?:[\w\-]{{1,63}}"
    rf"(?: ?[\[({{<] ?(?:{_DOT}|\.) ?[\])}}>] ?|\.)){{1,4}}[a-z]{{2,12}}"
    rf"|(?: {_DOT} [\w\-]{{1,30}}){{0,2}} {_AT} (?:[\w\-]{{1,63}} {_DOT} ){{1,3}}[a-z]{{2,12}}))\b",
    ignore_case=True,
)
# What follows the last dot in names of files: ``logo@2x.png`` is a picture.
_FILE_ENDING_LIST = """
png jpg jpeg gif svg webp ico css js ts jsx tsx py rb go rs java html htm json xml yml yaml md txt
"""
_FILE_ENDINGS = frozenset(_FILE_ENDING_LIST.split())
# RFC 2606 and RFC 6761, and the addresses that software uses for nobody.
_RESERVED_DOMAINS = ("example.com", "example.org", "example.net", "example.edu")
_RESERVED_ENDINGS = (".example", ".test", ".invalid", ".localhost", ".local")
_USER_IN_ADDRESS = Pattern(r"[A-Za-z][\w+.\-]*://[^/?#\s]*$")
_SHELL_USERS = frozenset({b"git", b"hg", b"svn"})


def find(text: EncodedText) -> Iterator[Hit]:
    if b"@" in text.data:
        yield from _find_plain(text)
    for start, end in _WRITTEN_OUT.values(text.data):
        yield Hit("email", start, end, "E-mail address, written out")


def _find_plain(text: EncodedText) -> Iterator[Hit]:
    for start, end in _PLAIN.values(text.data):
        user, _, domain = text.data[start:end].rpartition(b"@")
        if user in _SHELL_USERS or _USER_IN_ADDRESS.occurs_in(text.before(start, 120)):
            continue
        host = domain.decode().lower()
        if host.rpartition(".")[2] not in _FILE_ENDINGS:
            yield Hit("email", start, end, "E-mail address", reserved=is_reserved_domain(host))


def is_reserved_domain(host: str) -> bool:
    """Whether the domain is set aside for documentation and tests, as ``example.com`` is."""
    return host.endswith(_RESERVED_ENDINGS) or any(
        host == domain or host.endswith(f".{domain}") for domain in _RESERVED_DOMAINS
    )
