"""Importing a file in two steps: look at every row, then write all that is good, or nothing."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.accounts.models import User
from apps.core import tabular
from apps.core.errors import DomainError, RefusedError, StaleStateError
from apps.core.uploads import Upload
from apps.core.wake import wake
from apps.intake.candidates import check_candidates, require_ready_for_candidates
from apps.intake.models import Import, ImportRole
from apps.intake.report import ImportReport
from apps.intake.seeds_and_train import check_real_rows
from apps.records.real_rows import ColumnMap
from apps.records.services import create_records
from apps.specs.models import Gap, Project


def stage_import(
    *,
    project: Project,
    role: ImportRole,
    upload: Upload,
    actor: User | None,
    mapping: Sequence[str] | None = None,
    gap: Gap | None = None,
    origin: str = "",
) -> Import:
    """Keeps the file and what looking at it found; writes no record.

    ``mapping`` (``["input.text=text", …]``) is guessed from the columns' names when it is not given; a guess
    that is not enough leaves the report empty until ``map_columns``. Raises FileRefusedError or MappingError,
    and for candidates RefusedError when the project is not ready for them.
    """
    if role == ImportRole.CANDIDATES:
        _require_new_candidates(project, gap, upload)
        columns: list[str] = []
        targets: dict[str, str] = {}
    else:
        columns = tabular.columns(upload.content, upload.filename)
        column_map = (
            ColumnMap.guess(columns, project.task_type) if mapping is None else ColumnMap.parse(mapping)
        )
        targets = dict(column_map.targets)
    import_ = Import(
        project=project,
        role=role,
        gap=gap if role == ImportRole.CANDIDATES else None,
        filename=upload.filename,
        sha256=upload.sha256,
        content=upload.content,
        mapping=targets,
        report={"columns": columns},
        origin=origin[:300],
        created_by=actor,
    )
    try:
        _look(import_)
    except tabular.MappingError:
        if mapping is not None:
            raise
    import_.save()
    return import_


def map_columns(*, import_: Import, mapping: Sequence[str], actor: User | None) -> Import:
    """Looks at the staged file again, with other columns. Raises MappingError and leaves it as it was."""
    import_.mapping = dict(ColumnMap.parse(mapping).targets)
    _look(import_)
    changed = Import.objects.filter(pk=import_.pk, committed_at=None).update(
        mapping=import_.mapping, report=import_.report, refused=import_.refused, origin=import_.origin
    )
    if changed != 1:
        raise StaleStateError(_gone(import_))
    return import_


def check_import(import_: Import) -> ImportReport:
    """What would become of every row of the staged file, as things stand now."""
    if import_.role == ImportRole.CANDIDATES:
        return check_candidates(import_)
    return check_real_rows(import_)


def commit_import(*, import_: Import, actor: User | None, drop_near: bool = False) -> Import:
    """Writes every row that is not refused, in one transaction, and forgets the file's content.

    ``drop_near`` leaves out the rows that are nearly like a holdout row. Raises StaleStateError when the
    import was committed before, or when another import brought one of its texts at the same moment;
    RefusedError when no row is left to import. Nothing is written then.
    """
    if import_.committed_at is not None:
        raise StaleStateError(_gone(import_))
    if import_.gap is not None:
        require_ready_for_candidates(project=import_.project, gap=import_.gap)
    report = check_import(import_)
    rows = [row for row in report.rows if not (drop_near and row.is_near_holdout)]
    if not rows:
        raise RefusedError(
            f"No row of {import_.filename} is left to import.",
            [f"line {row.line}: {row.reason}" for row in (*report.refused, *report.skipped)][:20],
        )
    summary = import_.report | report.as_json() | {"preview": [], "dropped_near": drop_near}
    try:
        with transaction.atomic():
            _claim(
                import_,
                report=summary,
                refused=[row.as_json() for row in report.refused],
                rows_imported=len(rows),
                near_holdout=sum(row.is_near_holdout for row in rows),
            )
            create_records(
                project=import_.project,
                rows=[row.record for row in rows],
                actor=actor,
                reason=f"import of {import_.filename}"[:200],
            )
    except IntegrityError as error:
        raise StaleStateError(
            "Another import brought one of these texts a moment ago: look at the file again."
        ) from error
    import_.refresh_from_db()
    # Candidates are checked there, real rows put into the index of near-duplicates.
    wake("validation")
    return import_


def discard_import(*, import_: Import, actor: User | None) -> None:
    """Forgets a staged file that will not be imported."""
    deleted, _ = Import.objects.filter(pk=import_.pk, committed_at=None).delete()
    if not deleted:
        raise StaleStateError(_gone(import_))


def _look(import_: Import) -> None:
    report = check_import(import_)
    import_.report |= report.as_json()
    import_.refused = [row.as_json() for row in report.refused]
    import_.origin = import_.origin or report.origin


def _claim(import_: Import, **changes: object) -> None:
    """Of two commits of one import, the second finds nothing to claim."""
    claimed = Import.objects.filter(pk=import_.pk, committed_at=None).update(
        committed_at=timezone.now(), content=None, **changes
    )
    if claimed != 1:
        raise StaleStateError(_gone(import_))


def _gone(import_: Import) -> str:
    return f"{import_.filename} was imported or discarded already: nothing was changed."


def _require_new_candidates(project: Project, gap: Gap | None, upload: Upload) -> None:
    if gap is None:
        raise DomainError("Say which gap these candidates are meant to fill.")
    require_ready_for_candidates(project=project, gap=gap)
    before = (
        Import.objects.filter(project=project, gap=gap, sha256=upload.sha256)
        .exclude(committed_at=None)
        .first()
    )
    if before is not None:
        raise DomainError(
            f"This very file was imported for {gap} on {before.committed_at:%Y-%m-%d}; "
            "its candidates are there, whatever the checks and the reviewers said of them."
        )
