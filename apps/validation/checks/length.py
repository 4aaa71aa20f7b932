"""The text is as long as the spec allows."""

from __future__ import annotations

from apps.validation.checks.base import Batch, Check, FindingData, Findings
from apps.validation.models import Outcome


class LengthCheck(Check):
    name = "length"
    title = "Length"
    is_repairable = True

    def run(self, batch: Batch) -> Findings:
        low = batch.spec.min_chars if batch.spec else 1
        high = batch.spec.max_chars if batch.spec else 100_000
        findings = {}
        for position, item in enumerate(batch.items):
            length = len(item.text.strip())
            if low <= length <= high:
                continue
            code = "too_short" if length < low else "too_long"
            findings[position] = [
                FindingData(
                    outcome=Outcome.BLOCK,
                    code=code,
                    message=f"{length} characters; the spec allows {low} to {high}.",
                )
            ]
        return findings
