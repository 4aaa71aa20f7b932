"""The text is in a language that the spec names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from py3langid import langid

from apps.validation.checks.base import Batch, Check, FindingData, Findings
from apps.validation.models import Outcome

FEWEST_LETTERS = 20
"""Shorter texts ("ok danke") are not judged: a guess about them is worth nothing."""
SURE_FROM = 0.9


class LanguageCheck(Check):
    """Identified by py3langid (97 languages). Warns: short and mixed texts are easily taken for another language."""

    name = "language"
    title = "Language"
    severity = Outcome.WARN
    options = {
        "allowed": {
            "type": "array",
            "default": [],
            "items": {"type": "string", "pattern": "^[a-z]{2}$"},
            "description": "ISO 639-1 codes, e.g. en, de. Empty: any language.",
        }
    }

    def problems(self, options: Mapping[str, Any]) -> Sequence[str]:
        known = set(_identifier().labels)
        return [
            f"allowed/{number}: {code!r} is no language that can be told; it takes {', '.join(sorted(known))}"
            for number, code in enumerate(options.get("allowed", ()))
            if code not in known
        ]

    def run(self, batch: Batch) -> Findings:
        allowed = set(self.option(batch, "allowed"))
        if not allowed:
            return {}
        findings = {}
        for position, item in enumerate(batch.items):
            if sum(map(str.isalpha, item.text)) < FEWEST_LETTERS:
                continue
            language, probability = _identifier().classify(item.text)
            if language not in allowed and probability >= SURE_FROM:
                findings[position] = [
                    FindingData(
                        outcome=Outcome.WARN,
                        code=str(language),
                        message=f"Reads like {language}; the spec allows {', '.join(sorted(allowed))}.",
                    )
                ]
        return findings


@cache
def _identifier() -> Any:
    """Its model takes half a second to load, so only where a spec asks for it."""
    return langid.LanguageIdentifier.from_model_file(langid.MODEL_FILE, norm_probs=True)
