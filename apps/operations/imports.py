"""Importing a file from the command line: the two steps of the page in one, with what came of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from apps.core.errors import DomainError, RefusedError
from apps.core.uploads import Upload
from apps.holdout import imports as holdout
from apps.holdout.models import HoldoutImport
from apps.intake import services as intake
from apps.intake.models import Import, ImportRole
from apps.specs.models import Gap, Project

HOLDOUT = "holdout"
SHOWN_ROWS = 20


NOUNS = {"seed": "seed rows", "train": "train rows", HOLDOUT: "holdout rows", "candidates": "candidates"}


@dataclass(frozen=True)
class Outcome:
    """What one file brought; ``refused`` and ``skipped`` hold objects with ``line`` and ``reason``."""

    role: str
    filename: str
    import_uuid: UUID
    imported: int
    refused: list[dict[str, Any]]
    skipped: list[dict[str, Any]]
    near_holdout: int
    near_lines: list[int]
    dropped_near: bool

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"import_uuid": str(self.import_uuid)}

    def as_lines(self, project: Project) -> str:
        parts = [f"{len(self.refused)} refused"]
        if self.skipped:
            parts.append(f"{len(self.skipped)} seeds already")
        if self.near_holdout:
            parts.append(f"{self.near_holdout} {self._near_rows()}")
        rows = f"{self.imported} {NOUNS[self.role]} of {self.filename}"
        lines = [f"Imported {rows} into {project}: {', '.join(parts)}."]
        lines += [f"  line {row['line']}: {row['reason']}" for row in self.refused[:SHOWN_ROWS]]
        if len(self.refused) > SHOWN_ROWS:
            lines.append(f"  … and {len(self.refused) - SHOWN_ROWS} more (all of them with --json)")
        return "\n".join(lines)

    def _near_rows(self) -> str:
        if self.role == HOLDOUT:
            return "seed or train rows are nearly like a holdout row"
        return f"nearly like a holdout row ({'left out' if self.dropped_near else 'kept'})"


def import_rows(
    *, project: Project, role: str, upload: Upload, mapping: Sequence[str], drop_near: bool, strict: bool
) -> Outcome:
    """Seed or train rows. With ``strict`` a single refused row keeps the whole file out (RefusedError)."""
    staged = intake.stage_import(
        project=project, role=ImportRole(role), upload=upload, mapping=mapping, actor=None
    )
    return _commit(staged, drop_near=drop_near, strict=strict)


def import_candidates(*, project: Project, gap: Gap, upload: Upload, origin: str, strict: bool) -> Outcome:
    """Candidates from elsewhere; they are records due for checks afterwards."""
    staged = intake.stage_import(
        project=project, role=ImportRole.CANDIDATES, upload=upload, gap=gap, origin=origin, actor=None
    )
    return _commit(staged, drop_near=False, strict=strict)


def import_holdout(*, project: Project, upload: Upload, mapping: Sequence[str], strict: bool) -> Outcome:
    staged = holdout.stage_holdout_import(project=project, upload=upload, mapping=mapping, actor=None)

    def commit() -> HoldoutImport:
        return holdout.commit_holdout_import(project=project, import_=staged, actor=None)

    def discard() -> None:
        holdout.discard_holdout_import(import_=staged, actor=None)

    done = _all_or_nothing(staged.refused, commit, discard, strict=strict)
    return Outcome(
        role=HOLDOUT,
        filename=done.filename,
        import_uuid=done.uuid,
        imported=done.rows_imported,
        refused=done.refused,
        skipped=[],
        near_holdout=done.near_real,
        near_lines=[],
        dropped_near=False,
    )


def _commit(staged: Import, *, drop_near: bool, strict: bool) -> Outcome:
    def commit() -> Import:
        return intake.commit_import(import_=staged, actor=None, drop_near=drop_near)

    def discard() -> None:
        intake.discard_import(import_=staged, actor=None)

    done = _all_or_nothing(staged.refused, commit, discard, strict=strict)
    return Outcome(
        role=done.role,
        filename=done.filename,
        import_uuid=done.uuid,
        imported=done.rows_imported,
        refused=done.refused,
        skipped=done.report["skipped"],
        near_holdout=len(done.report["near_lines"]),
        near_lines=done.report["near_lines"],
        dropped_near=drop_near,
    )


def _all_or_nothing(
    refused: Sequence[dict[str, Any]], commit: Callable[[], Any], discard: Callable[[], None], *, strict: bool
) -> Any:
    """Leaves no staged file behind that nobody will look at."""
    try:
        if strict and refused:
            raise RefusedError(
                f"{len(refused)} rows are refused, so --strict imports none:",
                [f"line {row['line']}: {row['reason']}" for row in refused[:SHOWN_ROWS]],
            )
        return commit()
    except DomainError:
        discard()
        raise
