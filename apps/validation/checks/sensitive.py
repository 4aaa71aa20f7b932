"""No secret and no personal data stands in the record. Names and free addresses are not found by these rules."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from apps.core.detectors.detection import Detection
from apps.core.detectors.personal_data import find_personal_data
from apps.core.detectors.secrets import find_secrets
from apps.validation.checks.base import Batch, Check, FindingData, Findings, Item
from apps.validation.models import Outcome


class SecretsCheck(Check):
    name = "secrets"
    title = "Secrets"
    version = 2
    is_final = True

    def run(self, batch: Batch) -> Findings:
        return {
            position: found
            for position, item in enumerate(batch.items)
            if (found := list(_findings(item, find_secrets, lambda _: Outcome.BLOCK)))
        }


class PersonalDataCheck(Check):
    """Blocks by default; a project may lower it to a warning, and reserved test values are fine unless it says no."""

    name = "personal_data"
    title = "Personal data"
    version = 2
    may_be_lowered = True
    options = {
        "allow_reserved": {
            "type": "boolean",
            "default": True,
            "description": "Values set aside for documentation and tests (555-0100, 192.0.2.1) are fine.",
        }
    }

    def run(self, batch: Batch) -> Findings:
        reserved = Outcome.PASS if self.option(batch, "allow_reserved") else Outcome.BLOCK

        def outcome_of(detection: Detection) -> Outcome:
            return reserved if detection.reserved else Outcome.BLOCK

        return {
            position: found
            for position, item in enumerate(batch.items)
            if (found := list(_findings(item, find_personal_data, outcome_of)))
        }


def _findings(
    item: Item, detector: Callable[[str], Sequence[Detection]], outcome_of: Callable[[Detection], Outcome]
) -> Iterator[FindingData]:
    for pointer, text in item.strings:
        for detection in detector(text):
            if (outcome := outcome_of(detection)) != Outcome.PASS:
                yield FindingData(
                    outcome=outcome,
                    code=detection.rule,
                    message=f"{detection.description}.",
                    pointer=pointer,
                    start=detection.start,
                    end=detection.end,
                )
