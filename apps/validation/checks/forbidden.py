"""Words and patterns that the spec forbids, in linear time whatever somebody writes as a pattern."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import re2

from apps.core.detectors.patterns import EncodedText, Pattern, literal
from apps.validation.checks.base import Batch, Check, FindingData, Findings, Item
from apps.validation.models import Outcome


class _Forbidden(NamedTuple):
    code: str
    message: str
    pattern: Pattern


class ForbiddenCheck(Check):
    """Tokens of the spec (``forbidden_tokens``) as whole words without regard to case; patterns as RE2 reads them."""

    name = "forbidden"
    title = "Forbidden words"
    is_repairable = True
    options = {
        "patterns": {
            "type": "array",
            "default": [],
            "maxItems": 200,
            "items": {"type": "string", "minLength": 1, "maxLength": 500},
            "description": "RE2 patterns that no text may hold; (?i) for any case.",
        }
    }

    def problems(self, options: Mapping[str, Any]) -> Sequence[str]:
        """The patterns that the linear engine refuses (lookaround, back references, too large), each with why."""
        problems = []
        for number, pattern in enumerate(options.get("patterns", ())):
            if reason := _refusal(pattern):
                problems.append(f"patterns/{number}: {pattern!r} is refused: {reason}")
        return problems

    def run(self, batch: Batch) -> Findings:
        forbidden = list(self._forbidden(batch))
        if not forbidden:
            return {}
        return {
            position: found
            for position, item in enumerate(batch.items)
            if (found := list(_findings(item, forbidden)))
        }

    def _forbidden(self, batch: Batch) -> Iterator[_Forbidden]:
        for token in batch.spec.forbidden_tokens if batch.spec else ():
            if words := str(token).split():
                yield _Forbidden("token", f"Holds “{token}”, which the spec forbids.", _as_words(words))
        for number, pattern in enumerate(self.option(batch, "patterns")):
            message = f"Holds what pattern {number + 1} of the spec forbids."
            yield _Forbidden("pattern", message, Pattern(pattern))


def _refusal(pattern: str) -> str:
    try:
        re2.compile(pattern)
    except re2.error as error:
        reason = error.args[0] if error.args else error
        return reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)
    return ""


def _as_words(words: Sequence[str]) -> Pattern:
    """A bound is asked for where the token begins or ends with a letter or digit, in any script."""
    before = r"(?:^|[^\p{L}\p{N}])" if words[0][0].isalnum() else ""
    after = r"(?:$|[^\p{L}\p{N}])" if words[-1][-1].isalnum() else ""
    phrase = r"\s+".join(map(literal, words))
    return Pattern(f"{before}({phrase}){after}", ignore_case=True)


def _findings(item: Item, forbidden: Sequence[_Forbidden]) -> Iterator[FindingData]:
    for pointer, text in item.strings:
        encoded = EncodedText(text)
        for rule in forbidden:
            span = next(iter(rule.pattern.values(encoded.data)), None)
            if span is None:
                continue
            offsets = encoded.characters(span)
            yield FindingData(
                outcome=Outcome.BLOCK,
                code=rule.code,
                message=rule.message,
                pointer=pointer,
                start=offsets[span[0]],
                end=offsets[span[1]],
            )
