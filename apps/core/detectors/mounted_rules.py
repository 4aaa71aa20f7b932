"""Rules of a team's own, in the format of gitleaks (TOML), beside the ones in this package.

Read are ``id``, ``description``, ``regex``, ``secretGroup``, ``entropy`` and ``keywords`` of each ``[[rules]]``, its
``allowlist`` or ``allowlists`` with ``regexes``, ``stopwords`` and ``regexTarget``, and the file's own ``allowlist``.
Rules that look at paths have nothing to look at here and are refused, and so is what RE2 cannot compile (look-ahead,
back-references): a rule that is silently left out would be worse than none.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import re2

from apps.core.detectors.patterns import NO_SPAN, EncodedText, Pattern, Span
from apps.core.detectors.secret_context import ContextRule
from apps.core.detectors.secret_values import entropy

Target = Literal["secret", "match", "line"]
TARGETS = ("secret", "match", "line")


class MountedRuleError(ValueError):
    """A rule, or the file of rules, that cannot be used. The message names the rule and the reason."""


@dataclass(frozen=True)
class Allowlist:
    """What clears a finding: a pattern in the secret, the match or the line, or a word in the secret."""

    patterns: tuple[Pattern, ...]
    stopwords: tuple[bytes, ...]
    target: Target

    def clears(self, secret: bytes, match: bytes, line: bytes) -> bool:
        target = {"secret": secret, "match": match, "line": line}[self.target]
        lowered = secret.lower()
        return any(pattern.occurs_in(target) for pattern in self.patterns) or any(
            word in lowered for word in self.stopwords
        )


@dataclass(frozen=True)
class MountedRule:
    name: str
    description: str
    pattern: Pattern
    group: int
    """Of the secret in a match; 0 is the first group that took part, or the whole match."""
    least_entropy: float
    keywords: tuple[str, ...]
    allowlists: tuple[Allowlist, ...]

    def find(self, text: EncodedText) -> Iterator[Span]:
        for match in self.pattern.matches(text.data):
            whole = match.span()
            start, end = match.span(self.group) if self.group else self.pattern.value_span(match)
            if (start, end) == NO_SPAN or start == end:
                continue
            secret = text.data[start:end]
            if self.least_entropy and entropy(secret.decode(errors="replace")) <= self.least_entropy:
                continue
            line = _line_of(text.data, *whole)
            if not any(each.clears(secret, text.data[slice(*whole)], line) for each in self.allowlists):
                yield start, end

    def as_context_rule(self) -> ContextRule:
        return ContextRule(self.name, self.description, self.keywords, self.find, example="", near_miss="")


def read_rules(path: Path) -> list[MountedRule]:
    """Raises MountedRuleError for the first thing that is wrong."""
    rules, errors = read_rules_and_errors(path)
    if errors:
        raise MountedRuleError(errors[0])
    return rules


def read_rules_and_errors(path: Path) -> tuple[list[MountedRule], list[str]]:
    """Every rule that can be used, and a message for each that cannot."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        return [], [f"{path}: cannot be read: {error.strerror}."]
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        return [], [f"{path}: not TOML: {error}."]
    rows = content.get("rules")
    if not isinstance(rows, list) or not rows:
        return [], [f"{path}: has no [[rules]]."]
    rules: list[MountedRule] = []
    errors: list[str] = []
    try:
        everywhere = _allowlists(content)
    except MountedRuleError as error:
        return [], [f"{path}: {error}"]
    for number, row in enumerate(rows, start=1):
        name = row.get("id") if isinstance(row, dict) else None
        try:
            rule = _rule(row, everywhere)
        except MountedRuleError as error:
            errors.append(f"{path}, rule {name or number}: {error}")
            continue
        if any(rule.name == other.name for other in rules):
            errors.append(f"{path}, rule {rule.name}: two rules have this id.")
        rules.append(rule)
    return rules, errors


def _rule(row: object, everywhere: Sequence[Allowlist]) -> MountedRule:
    if not isinstance(row, dict) or not isinstance(row.get("id"), str) or not row["id"]:
        raise MountedRuleError("needs an id.")
    if "path" in row or not isinstance(row.get("regex"), str):
        raise MountedRuleError("needs a regex, and no path: texts have no files.")
    pattern, groups = _compiled(row["regex"])
    group = row.get("secretGroup", 0)
    if not isinstance(group, int) or not 0 <= group <= groups:
        raise MountedRuleError(f"secretGroup is {group!r}, but the regex has {groups} groups.")
    least = row.get("entropy", 0)
    if isinstance(least, bool) or not isinstance(least, int | float):
        raise MountedRuleError(f"entropy is {least!r}, not a number of bits per character.")
    return MountedRule(
        name=row["id"],
        description=str(row.get("description") or row["id"]).rstrip("."),
        pattern=pattern,
        group=group,
        least_entropy=float(least),
        keywords=_words(row, "keywords"),
        allowlists=(*_allowlists(row), *everywhere),
    )


def _allowlists(row: Mapping[str, Any]) -> tuple[Allowlist, ...]:
    found = row.get("allowlists", [])
    found = [*found, row["allowlist"]] if "allowlist" in row else found
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise MountedRuleError("allowlists must be tables.")
    return tuple(_allowlist(each) for each in found)


def _allowlist(row: Mapping[str, Any]) -> Allowlist:
    target = row.get("regexTarget", "secret")
    if target not in TARGETS:
        raise MountedRuleError(f"regexTarget is {target!r}, not one of {', '.join(TARGETS)}.")
    if str(row.get("condition", "OR")).upper() not in {"OR", "||"}:
        raise MountedRuleError(
            "an allowlist that needs all of its conditions is not supported: split the rule."
        )
    return Allowlist(
        patterns=tuple(_compiled(each)[0] for each in _words(row, "regexes")),
        stopwords=tuple(each.lower().encode() for each in _words(row, "stopwords")),
        target=target,
    )


def _compiled(regex: str) -> tuple[Pattern, int]:
    pattern = Pattern(regex)
    try:
        return pattern, pattern.groups
    except re2.error as error:
        reason = error.args[0] if error.args else error
        reason = reason.decode(errors="replace") if isinstance(reason, bytes) else reason
        raise MountedRuleError(f"RE2 refuses {regex!r}: {reason}.") from error


def _words(row: Mapping[str, Any], name: str) -> tuple[str, ...]:
    words = row.get(name, [])
    if not isinstance(words, list) or not all(isinstance(word, str) and word for word in words):
        raise MountedRuleError(f"{name} must be a list of strings that are not empty.")
    return tuple(words)


def _line_of(data: bytes, start: int, end: int) -> bytes:
    first = data.rfind(b"\n", 0, start) + 1
    last = data.find(b"\n", end)
    return data[first : last if last >= 0 else len(data)]
