"""Finds personal data that has a form: addresses of mail, network and post, account and identity numbers, telephones.

Names, and places without a street or a code, have no form and are not found.
"""

from __future__ import annotations

from collections.abc import Iterator

from apps.core.detectors.detection import Detection, Hit, mask, to_detections
from apps.core.detectors.patterns import EncodedText
from apps.core.detectors.personal import (
    birth_dates,
    emails,
    national_ids,
    network,
    payments,
    phones,
    places,
    social_security,
)

__all__ = ["Detection", "find_personal_data", "mask"]


def find_personal_data(text: str, *, allow_reserved: bool = True) -> list[Detection]:
    """Every piece of personal data in ``text``, in order of position, none overlapping another.

    Values set aside for tests and documentation are marked ``reserved``; ``allow_reserved=False`` leaves them out.
    """
    encoded = EncodedText(text)
    found = to_detections(encoded, _hits(encoded), "pii")
    return found if allow_reserved else [detection for detection in found if not detection.reserved]


def _hits(text: EncodedText) -> Iterator[Hit]:
    """In order of precedence: what carries a check digit or a name before what only has a shape."""
    yield from emails.find(text)
    yield from network.find(text)
    yield from payments.find(text)
    yield from social_security.find(text)
    yield from birth_dates.find(text)
    yield from places.find_coordinates(text)
    yield from national_ids.find(text)
    yield from phones.find(text)
    yield from places.find_addresses(text)
