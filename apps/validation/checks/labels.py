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
            labels = batch.task_type.labels_of(item.input, item.output) or ("",)
            wrong = [label for label in labels if label not in allowed] if allowed else []
            if wrong:
                findings[position] = [
                    _finding(label, batch.task_type.facet_pointer, is_rejected=label in rejected)
                    for label in wrong
                ]
        return findings


def _finding(label: str, pointer: str, *, is_rejected: bool) -> FindingData:
    return FindingData(
        outcome=Outcome.BLOCK,
        code="rejected" if is_rejected else "unknown",
        message=f"The label “{label[:80]}” {'is rejected by' if is_rejected else 'is not in'} the label guide.",
        pointer=pointer,
    )
