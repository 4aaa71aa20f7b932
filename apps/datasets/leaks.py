"""Does a record quote protected data? The same rule as the check before review, applied again later."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from apps.core.text import flatten_strings
from apps.leakage.services import screen_texts


def leaking(project_uuid: UUID, inputs: Sequence[Mapping[str, Any]]) -> list[bool]:
    """For each input, whether any text in it trips a blocking leakage rule."""
    places = [
        (index, text) for index, input_ in enumerate(inputs) for _, text in flatten_strings(dict(input_))
    ]
    verdicts = screen_texts(project_uuid=project_uuid, texts=[text for _, text in places])
    found = {index for (index, _), verdict in zip(places, verdicts, strict=True) if verdict.is_leak}
    return [index in found for index in range(len(inputs))]
