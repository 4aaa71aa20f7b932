"""The record does not say what the holdout, or another protected corpus, says."""

from __future__ import annotations

from collections.abc import Iterator

from apps.leakage.screening import screen_texts
from apps.validation.checks.base import Batch, Check, FindingData, Findings, Item
from apps.validation.models import Outcome

# No figure and no protected text: either would make the check an oracle.
MESSAGES = {"leak": "Stands in protected data.", "near": "Too close to protected data."}
OUTCOMES = {"leak": Outcome.BLOCK, "near": Outcome.WARN}
FREE_TEXT = 5
"""Words from which a string of an answer is looked at: labels and names stand in the holdout by right."""


class LeakageCheck(Check):
    name = "leakage"
    version = 2
    title = "Leakage"
    is_final = True

    def run(self, batch: Batch) -> Findings:
        places = [
            (position, pointer, text)
            for position, item in enumerate(batch.items)
            for pointer, text in _texts(item)
        ]
        verdicts = screen_texts(project_uuid=batch.project_uuid, texts=[text for _, _, text in places])
        findings: dict[int, list[FindingData]] = {}
        for (position, pointer, _), verdict in zip(places, verdicts, strict=True):
            if verdict.outcome not in OUTCOMES:
                continue
            start, end = verdict.span or (None, None)
            findings.setdefault(position, []).append(
                FindingData(
                    outcome=OUTCOMES[verdict.outcome],
                    code=verdict.rule,
                    message=MESSAGES[verdict.outcome],
                    pointer=pointer,
                    start=start,
                    end=end,
                )
            )
        return findings


def _texts(item: Item) -> Iterator[tuple[str, str]]:
    for pointer, text in item.strings:
        if pointer.startswith("/input") or len(text.split()) >= FREE_TEXT:
            yield pointer, text
