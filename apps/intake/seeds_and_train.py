"""Judging a file of seed or train rows against what the project and its holdout have already.

A seed is shown to generators, so refusing the holdout's own texts here is part of the holdout wall. Real
short texts are alike by nature: only the *same* text is refused, a similar one is counted and shown.
"""

from __future__ import annotations

from apps.intake.models import Import, ImportRole
from apps.intake.report import ImportReport, ImportRow
from apps.leakage.services import LeakVerdict, screen_texts
from apps.records.models import Record, SourceType, Use
from apps.records.real_rows import (
    ColumnMap,
    RealRow,
    RefusedRow,
    RowRules,
    difference_of,
    read_real_rows,
    real_records_by_hash,
    same_text,
)
from apps.records.services import NewRecord

USE_OF = {ImportRole.SEED: Use.SEED, ImportRole.TRAIN: Use.TRAIN}


def check_real_rows(import_: Import) -> ImportReport:
    """Reads every row of the staged file. Raises FileRefusedError or MappingError when none can be read."""
    project, rules = import_.project, RowRules.of(import_.project)
    judged = list(read_real_rows(import_.data, import_.filename, ColumnMap(import_.mapping), rules))
    refused = [row for row in judged if isinstance(row, RefusedRow)]
    rows = [row for row in judged if isinstance(row, RealRow)]
    verdicts = screen_texts(project_uuid=project.uuid, texts=[row.text for row in rows])
    known = real_records_by_hash(project, (row.canonical_hash for row in rows))
    accepted: list[ImportRow] = []
    skipped: list[RefusedRow] = []
    seen: dict[str, RealRow] = {}
    for row, verdict in zip(rows, verdicts, strict=True):
        record = known.get(row.canonical_hash)
        first = seen.setdefault(row.canonical_hash, row)
        reason = _refusal(row, first, verdict, record, import_.role, rules)
        if reason:
            refused.append(RefusedRow(row.line, reason))
        elif record is not None:
            skipped.append(RefusedRow(row.line, f"Already imported as seed #{record.pk}."))
        else:
            accepted.append(_import_row(row, verdict, import_))
    return ImportReport(accepted, sorted(refused, key=lambda row: row.line), skipped)


def _refusal(
    row: RealRow, first: RealRow, verdict: LeakVerdict, record: Record | None, role: str, rules: RowRules
) -> str | None:
    """Why ``row`` may not come in; the holdout's word counts before everything else."""
    if verdict.rule == "text":
        return f"The same text stands in the holdout {same_text(is_up_to_case=verdict.is_same_up_to_case)}."
    if first is not row:
        label = "" if first.label == row.label else f", labelled {first.label!r} there"
        return f"The same text as line {first.line} {difference_of(row.text, first.text)}{label}."
    if record is None or record.use == Use.SEED:
        return None
    difference = difference_of(row.text, rules.task_type.text_of(record.input))
    what = f"The same text is train row #{record.pk} {difference}"
    return f"{what}, which no generator may see." if role == ImportRole.SEED else f"{what}."


def _import_row(row: RealRow, verdict: LeakVerdict, import_: Import) -> ImportRow:
    return ImportRow(
        line=row.line,
        text=row.text,
        label=row.label,
        record=NewRecord(
            source_type=SourceType.REAL,
            use=USE_OF[ImportRole(import_.role)],
            input=row.input,
            output=row.output,
            axes=row.tags,
            import_uuid=import_.uuid,
            reading_note="; ".join(row.notes),
        ),
        is_near_holdout=not verdict.is_clean,
        notes=row.notes,
    )
