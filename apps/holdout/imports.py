"""Importing holdout rows: staged, looked at and committed like other real rows, in this database alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from apps.accounts.models import User
from apps.core import tabular
from apps.core.batches import batched
from apps.core.errors import RefusedError, StaleStateError
from apps.core.uploads import Upload
from apps.holdout.fingerprinting import count_near_real_rows, write_missing_fingerprints
from apps.holdout.models import HoldoutImport, HoldoutRecord, HoldoutSet, HoldoutStatus
from apps.records.models import Record
from apps.records.real_rows import (
    ColumnMap,
    RealRow,
    RefusedRow,
    RowRules,
    counted_notes,
    difference_of,
    read_real_rows,
    real_records_by_hash,
)
from apps.specs.models import Project

DATABASE = "holdout"
BATCH = 500
PREVIEW_ROWS = 10


@dataclass(frozen=True)
class HoldoutReport:
    """What becomes of each row of a file. ``repeats`` of ``rows`` say what another row says already."""

    rows: Sequence[RealRow]
    refused: Sequence[RefusedRow]
    repeats: int

    def as_json(self) -> dict[str, Any]:
        return {
            "rows": len(self.rows),
            "repeats": self.repeats,
            "notes": counted_notes(row.notes for row in self.rows),
            "preview": [
                {"line": row.line, "id": row.row_id, "text": row.text, "label": row.label}
                for row in self.rows[:PREVIEW_ROWS]
            ],
        }


def stage_holdout_import(
    *, project: Project, upload: Upload, actor: User | None, mapping: Sequence[str] | None = None
) -> HoldoutImport:
    """Keeps the file, in the holdout database, and what looking at it found; adds no row.

    ``mapping`` (``["input.text=text", "output.label=category", "id=ticket"]``) is guessed when not given; a
    guess that is not enough leaves the report empty until ``map_holdout_columns``. Raises FileRefusedError,
    MappingError, or DomainError once the holdout takes no more rows.
    """
    _require_collecting(project)
    columns = tabular.columns(upload.content, upload.filename)
    column_map = (
        ColumnMap.guess(columns, project.task_type, with_id=True)
        if mapping is None
        else ColumnMap.parse(mapping)
    )
    import_ = HoldoutImport(
        project_uuid=project.uuid,
        filename=upload.filename,
        sha256=upload.sha256,
        content=upload.content,
        mapping=dict(column_map.targets),
        report={"columns": columns},
        created_by_uuid=actor.uuid if actor else None,
    )
    try:
        _look(import_, project)
    except tabular.MappingError:
        if mapping is not None:
            raise
    import_.save()
    return import_


def map_holdout_columns(
    *, project: Project, import_: HoldoutImport, mapping: Sequence[str], actor: User | None
) -> HoldoutImport:
    """Looks at the staged file again, with other columns. Raises MappingError and leaves it as it was."""
    import_.mapping = dict(ColumnMap.parse(mapping).targets)
    _look(import_, project)
    changed = HoldoutImport.objects.filter(pk=import_.pk, committed_at=None).update(
        mapping=import_.mapping, report=import_.report, refused=import_.refused
    )
    if changed != 1:
        raise StaleStateError(_gone(import_))
    return import_


def check_holdout_import(*, project: Project, import_: HoldoutImport) -> HoldoutReport:
    """What would become of every row of the staged file, as things stand now."""
    rules = RowRules.of(project)
    judged = list(read_real_rows(import_.data, import_.filename, ColumnMap(import_.mapping), rules))
    refused = [row for row in judged if isinstance(row, RefusedRow)]
    rows = [row for row in judged if isinstance(row, RealRow)]
    known = real_records_by_hash(project, (row.canonical_hash for row in rows))
    taken = _taken_ids(project, [row.row_id for row in rows])
    accepted: list[RealRow] = []
    ids: dict[str, int] = {}
    for row in rows:
        first_line = ids.setdefault(row.row_id, row.line)
        reason = _same_text_reason(row, known.get(row.canonical_hash), rules)
        if first_line != row.line:
            reason = f"The id {row.row_id!r} stands on line {first_line} already."
        elif row.row_id in taken:
            reason = f"The id {row.row_id!r} is in the holdout already: map a column of ids (id=COLUMN)."
        if reason:
            refused.append(RefusedRow(row.line, reason))
        else:
            accepted.append(row)
    return HoldoutReport(
        rows=accepted,
        refused=sorted(refused, key=lambda row: row.line),
        repeats=len(accepted) - len({row.canonical_hash for row in accepted}),
    )


def commit_holdout_import(*, project: Project, import_: HoldoutImport, actor: User | None) -> HoldoutImport:
    """Adds every row that is not refused, in one transaction; then writes their fingerprints.

    Raises StaleStateError when it was committed before or the holdout was frozen meanwhile, RefusedError when
    no row is left; nothing is written then. The fingerprints stand in another database: if this process ends
    before they are all there, the evaluation worker and the freezing write the rest.
    """
    if import_.committed_at is not None:
        raise StaleStateError(_gone(import_))
    report = check_holdout_import(project=project, import_=import_)
    if not report.rows:
        problems = [f"line {row.line}: {row.reason}" for row in report.refused[:20]]
        raise RefusedError(f"No row of {import_.filename} is left to import.", problems)
    holdout, _ = HoldoutSet.objects.current_of(project.uuid).get_or_create(
        defaults={"project_uuid": project.uuid}
    )
    with transaction.atomic(using=DATABASE):
        _claim(import_, report)
        _add_rows(holdout, import_, report.rows)
    write_missing_fingerprints(holdout=holdout, project=project)
    HoldoutImport.objects.filter(pk=import_.pk).update(near_real=count_near_real_rows(project))
    import_.refresh_from_db()
    return import_


def discard_holdout_import(*, import_: HoldoutImport, actor: User | None) -> None:
    """Forgets a staged file that will not be imported."""
    deleted, _ = HoldoutImport.objects.filter(pk=import_.pk, committed_at=None).delete()
    if not deleted:
        raise StaleStateError(_gone(import_))


def _require_collecting(project: Project) -> None:
    holdout = HoldoutSet.objects.current_of(project.uuid).first()
    if holdout is not None and holdout.status != HoldoutStatus.COLLECTING:
        raise StaleStateError(
            f"The holdout of {project} is {holdout.status}: no row can be added to it any more."
        )


def _look(import_: HoldoutImport, project: Project) -> None:
    report = check_holdout_import(project=project, import_=import_)
    import_.report |= report.as_json()
    import_.refused = [row.as_json() for row in report.refused]


def _same_text_reason(row: RealRow, record: Record | None, rules: RowRules) -> str | None:
    if record is None:
        return None
    difference = difference_of(row.text, rules.task_type.text_of(record.input))
    return f"The same text is {record.use} row #{record.pk} {difference}."


def _taken_ids(project: Project, ids: Iterable[str]) -> set[str]:
    rows = HoldoutRecord.objects.filter(holdout__in=HoldoutSet.objects.current_of(project.uuid))
    return {
        taken
        for chunk in batched(ids, BATCH)
        for taken in rows.filter(source_id__in=chunk).values_list("source_id", flat=True)
    }


def _claim(import_: HoldoutImport, report: HoldoutReport) -> None:
    """Of two commits of one import, the second finds nothing to claim."""
    claimed = HoldoutImport.objects.filter(pk=import_.pk, committed_at=None).update(
        committed_at=timezone.now(),
        content=None,
        report=import_.report | report.as_json() | {"preview": []},
        refused=[row.as_json() for row in report.refused],
        rows_imported=len(report.rows),
    )
    if claimed != 1:
        raise StaleStateError(_gone(import_))


def _add_rows(holdout: HoldoutSet, import_: HoldoutImport, rows: Sequence[RealRow]) -> None:
    # The update is also the lock against a freezing that begins at this moment.
    collecting = HoldoutSet.objects.filter(pk=holdout.pk, status=HoldoutStatus.COLLECTING)
    if collecting.update(row_count=F("row_count") + len(rows)) != 1:
        raise StaleStateError("The holdout was frozen meanwhile: no row can be added to it any more.")
    HoldoutRecord.objects.bulk_create(
        [
            HoldoutRecord(
                holdout=holdout,
                source_id=row.row_id,
                input=row.input,
                gold=row.output,
                label=row.label,
                tags=row.tags,
                canonical_hash=row.canonical_hash,
                import_uuid=import_.uuid,
                source_line=row.line,
            )
            for row in rows
        ],
        batch_size=BATCH,
    )


def _gone(import_: HoldoutImport) -> str:
    return f"{import_.filename} was imported or discarded already: nothing was changed."
