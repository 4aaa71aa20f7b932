"""One row of the rule tables, and the pieces that many patterns share."""

from __future__ import annotations

from dataclasses import dataclass

# RE2 has no look-ahead. A pattern that ends with this takes the character behind the token as well; the token itself
# is then a group.
END = r"(?:[^0-9A-Za-z_\-]|$)"


@dataclass(frozen=True, slots=True)
class SecretRule:
    """A vendor's token format.

    ``pattern`` is RE2 syntax; its value is the first group that matched, or everything. ``example`` is a made-up
    text that the rule finds, ``near_miss`` one that looks like it and that no rule may find. The pattern is tried only
    on texts with one of the ``keywords`` in them, in any case; without keywords, on texts with a long word in them.
    A ``shapeless`` value could as well be a checksum or a name: it must look random, and words such as "sha256"
    between the vendor's name and the value clear it.
    """

    name: str
    vendor: str
    pattern: str
    example: str
    near_miss: str
    keywords: tuple[str, ...]
    shapeless: bool = False


def named(vendor: str, value: str) -> str:
    """A pattern for a value that only its context gives away.

    The vendor's name, at most a few words such as "API key", then an assignment, "is" or a word that names a
    credential, then the value.
    """
    introduction = r"(?:=>|:=|[=:,(>]|\b(?:is|as|be|key|token|secret|password|pat|dsn)\b)"
    return rf"(?i:{vendor})[\w .\-\[\]\"'\\]{{0,40}}?{introduction}[\s=]{{0,3}}[\"'`\\]{{0,3}}({value}){END}"
