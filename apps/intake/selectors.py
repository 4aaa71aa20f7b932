"""What the import pages show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from apps.intake.models import Import
from apps.specs.models import Project

SHOWN_ROWS = 200


@dataclass(frozen=True)
class ImportPage:
    """One import. Before it is committed: what would happen; afterwards: what did."""

    import_: Import
    is_read: bool
    """False while the columns are not mapped well enough to read a row."""
    rows: int
    notes: list[dict[str, Any]]
    """What was read otherwise than it is written, each with its number of rows."""
    preview: list[dict[str, Any]]
    refused: list[dict[str, Any]]
    refused_count: int
    skipped_count: int
    near_lines: list[int]
    near_count: int

    @property
    def is_committed(self) -> bool:
        return self.import_.committed_at is not None


def import_page(import_: Import) -> ImportPage:
    report = import_.report
    near_lines = report.get("near_lines", [])
    return ImportPage(
        import_=import_,
        is_read="rows" in report,
        rows=import_.rows_imported if import_.committed_at else report.get("rows", 0),
        notes=report.get("notes", []),
        preview=report.get("preview", []),
        refused=import_.refused[:SHOWN_ROWS],
        refused_count=len(import_.refused),
        skipped_count=len(report.get("skipped", [])),
        near_lines=near_lines[:SHOWN_ROWS],
        near_count=len(near_lines),
    )


def imports_of(project: Project) -> QuerySet[Import]:
    """Newest first, without the files themselves."""
    imports = Import.objects.filter(project=project).select_related("created_by", "gap")
    return imports.defer("content", "report", "refused").order_by("-id")
