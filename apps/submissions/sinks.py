"""Where answers go: records for generation, findings for a judge. The machine does not care."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar

from apps.core.strict_json import JsonValue
from apps.submissions.models import SubmissionRequest

Row = TypeVar("Row")


class UnusableAnswerError(Exception):
    """An answer that is understood but is not what was asked for. ``reason`` is for counting, short."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class Sink(Protocol[Row]):
    def read(self, request: SubmissionRequest, answer: JsonValue) -> Sequence[Row]:
        """The rows that ``answer`` to ``request`` amounts to; writes nothing. Raises UnusableAnswerError."""

    def write(self, rows: Sequence[Row]) -> None:
        """Writes them. Called in the transaction that moves the checkpoint: all of it happens or nothing."""
