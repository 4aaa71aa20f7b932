"""What a format of the dataset file has to do."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, BinaryIO, Protocol

Example = dict[str, Any]
"""One record of a release with its provenance: JSON values only."""


class Writer(Protocol):
    """Writes the same bytes for the same examples, on any machine: releases are compared by their hash."""

    filename: str

    def write(self, examples: Iterable[Example], target: BinaryIO, *, task_type: str) -> None:
        """Writes the examples in order, holding few of them at a time."""
