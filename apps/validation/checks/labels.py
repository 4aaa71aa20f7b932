"""The label is one that the published guide allows, and one that the record's gap asked for."""

from __future__ import annotations

from apps.validation.checks.base import Batch, Check, FindingData, Findings
from apps.validation.models import Outcome


class LabelCheck(Check):
    name = "label"
    title = "Allowed label"
    is_repairable = True

    def run(self, batch: Batch) -> Findings:
        allowed, rejected = set(batch.view.labels), set(batch.view.rejected_labels)
        findings = {}
        for position, item in enumerate(batch.items):
            label = batch.task_type.facet(item.output)
            if not allowed or label in allowed:
                continue
            code = "rejected" if label in rejected else "unknown"
            what = "is rejected by" if label in rejected else "is not in"
            findings[position] = [
                FindingData(
                    outcome=Outcome.BLOCK,
                    code=code,
                    message=f"The label “{label[:80]}” {what} the label guide.",
                    pointer="/output/label",
                )
            ]
        return findings
