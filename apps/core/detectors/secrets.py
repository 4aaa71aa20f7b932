"""Finds credentials: the vendors' token formats, and values that their context gives away.

Words that every rule needs are looked for first, all in one pass; most texts hold none of them and are done.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path

from django.conf import settings

from apps.core.detectors import secret_values as values
from apps.core.detectors.detection import Detection, Hit, mask, to_detections
from apps.core.detectors.mounted_rules import read_rules
from apps.core.detectors.patterns import EncodedText, Pattern, WordIndex, literal
from apps.core.detectors.secret_context import CONTEXT_RULES, ContextRule
from apps.core.detectors.secret_rules import SECRET_RULES, SecretRule

__all__ = ["Detection", "SecretScanner", "find_secrets", "mask"]

# What a rule without keywords needs: no token of that kind is shorter.
_LONG_WORD = Pattern(r"[0-9A-Za-z_\-.]{30,}")
_ABOUT_HASHES = Pattern(
    r"hash|sha-?\d|md5|checksum|digest|commit|revision|etag|fingerprint|thumbprint|integrity",
    ignore_case=True,
)


class _Format:
    """A token format, ready to search for."""

    __slots__ = ("description", "pattern", "rule")

    def __init__(self, rule: SecretRule) -> None:
        self.rule = rule
        self.pattern = Pattern(rule.pattern)
        self.description = f"{rule.vendor} credential ({rule.name})"

    def hits(self, text: EncodedText) -> Iterator[Hit]:
        for match in self.pattern.matches(text.data):
            start, end = self.pattern.value_span(match)
            value = text.value(start, end)
            if not self._is_plausible(value, text.data[match.span()[0] : start]):
                continue
            yield Hit(self.rule.name, start, end, self.description, reserved=values.is_documented(value))

    def _is_plausible(self, value: str, introduction: bytes) -> bool:
        if values.is_placeholder(value):
            return False
        if not self.rule.shapeless:
            return True
        return values.looks_random(value) and not _ABOUT_HASHES.occurs_in(introduction)


class SecretScanner:
    """Searches texts for the given formats and for values in context. Build it once; it holds compiled patterns."""

    def __init__(self, formats: Sequence[SecretRule], contexts: Sequence[ContextRule]) -> None:
        self._formats = [_Format(rule) for rule in formats]
        self._contexts = tuple(contexts)
        self._keywordless = {number for number, rule in enumerate(formats) if not rule.keywords}
        # Only a mounted rule may go without keywords and without a long word; it is asked about every text.
        self._always = {
            len(formats) + number for number, context in enumerate(contexts) if not context.keywords
        }
        wakes: defaultdict[str, list[int]] = defaultdict(list)
        for number, keywords in enumerate(
            [rule.keywords for rule in formats] + [rule.keywords for rule in contexts]
        ):
            for keyword in keywords:
                wakes[literal(keyword)].append(number)
        self._index = WordIndex(wakes)

    def find(self, text: str) -> list[Detection]:
        """Every credential in ``text``, in order of position, none overlapping another."""
        encoded = EncodedText(text)
        awake = self._index.rules(encoded.data) | self._always
        if self._keywordless and _LONG_WORD.occurs_in(encoded.data):
            awake |= self._keywordless
        return to_detections(encoded, self._hits(encoded, sorted(awake)), "secret") if awake else []

    def _hits(self, text: EncodedText, rules: Sequence[int]) -> Iterator[Hit]:
        for number in rules:
            if number < len(self._formats):
                yield from self._formats[number].hits(text)
                continue
            context = self._contexts[number - len(self._formats)]
            for start, end in context.find(text):
                reserved = values.is_documented(text.value(start, end))
                yield Hit(context.name, start, end, context.description, reserved=reserved)


@lru_cache(maxsize=4)
def _scanner(rules_file: str) -> SecretScanner:
    """The package's rules, then those of ``rules_file``, which name only what no rule of the package has named."""
    mounted = [rule.as_context_rule() for rule in read_rules(Path(rules_file))] if rules_file else []
    return SecretScanner(SECRET_RULES, (*CONTEXT_RULES, *mounted))


def find_secrets(text: str) -> list[Detection]:
    """Every credential in ``text``, in order of position, none overlapping another.

    Looks for the rules of ``SECRET_RULES_FILE``, too, and raises MountedRuleError when they cannot be used: a text
    that was not checked by all rules is not checked. Without Django's settings the package's own rules are all.
    """
    return _scanner(settings.SECRET_RULES_FILE if settings.configured else "").find(text)
