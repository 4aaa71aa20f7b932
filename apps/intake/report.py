"""What looking at a file found, before anything is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from apps.records.real_rows import RefusedRow, counted_notes
from apps.records.services import NewRecord

PREVIEW_ROWS = 10


@dataclass(frozen=True)
class ImportRow:
    """A row that would be imported."""

    line: int
    text: str
    label: str
    record: NewRecord
    is_near_holdout: bool = False
    notes: Sequence[str] = ()
    """What was read otherwise than it is written."""


@dataclass(frozen=True)
class ImportReport:
    """What becomes of each row: ``rows`` come in, ``refused`` do not, ``skipped`` are in already."""

    rows: Sequence[ImportRow]
    refused: Sequence[RefusedRow]
    skipped: Sequence[RefusedRow] = ()
    origin: str = ""
    """Where the lines themselves say they come from."""

    @property
    def near_lines(self) -> list[int]:
        return [row.line for row in self.rows if row.is_near_holdout]

    def as_json(self) -> dict[str, Any]:
        """What the import's page shows."""
        return {
            "rows": len(self.rows),
            "skipped": [row.as_json() for row in self.skipped],
            "near_lines": self.near_lines,
            "notes": counted_notes(row.notes for row in self.rows),
            "preview": [
                {"line": row.line, "text": row.text, "label": row.label} for row in self.rows[:PREVIEW_ROWS]
            ],
        }
