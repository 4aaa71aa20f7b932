"""No secret and no personal data stands in the record. Names and free addresses are not found by these rules."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from apps.core.detectors.detection import Detection
from apps.core.detectors.personal_data import find_personal_data
from apps.core.detectors.secrets import find_secrets
from apps.validation.checks.base import Batch, Check, FindingData, Findings, Item
from apps.validation.models import Outcome


def _policy(*, allow: bool) -> dict[str, Any]:
    return {
        "allow_reserved": {
            "type": "boolean",
            "default": allow,
            "description": "Whether values are fine that are set aside for documentation and tests "
            "(AKIAIOSFODNN7EXAMPLE, 555-0100, 192.0.2.1).",
        }
    }


class _SensitiveCheck(Check):
    """What is detected blocks; what is fake but shaped like the real thing is for the project to say."""

    def detect(self, text: str) -> Sequence[Detection]:
        raise NotImplementedError

    def run(self, batch: Batch) -> Findings:
        allows_reserved = self.option(batch, "allow_reserved")
        return {
            position: found
            for position, item in enumerate(batch.items)
            if (found := list(_findings(item, self.detect, allows_reserved=allows_reserved)))
        }


class SecretsCheck(_SensitiveCheck):
    name = "secrets"
    title = "Secrets"
    version = 2
    is_final = True
    options = _policy(allow=False)

    def detect(self, text: str) -> Sequence[Detection]:
        return find_secrets(text)


class PersonalDataCheck(_SensitiveCheck):
    """Blocks by default; a project may lower it to a warning."""

    name = "personal_data"
    title = "Personal data"
    version = 2
    may_be_lowered = True
    options = _policy(allow=True)

    def detect(self, text: str) -> Sequence[Detection]:
        return find_personal_data(text)


def _findings(
    item: Item, detector: Callable[[str], Sequence[Detection]], *, allows_reserved: bool
) -> Iterator[FindingData]:
    for pointer, text in item.strings:
        for detection in detector(text):
            if detection.reserved and allows_reserved:
                continue
            yield FindingData(
                outcome=Outcome.BLOCK,
                code=detection.rule,
                message=f"{detection.description}.",
                pointer=pointer,
                start=detection.start,
                end=detection.end,
            )
