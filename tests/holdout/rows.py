"""A small holdout file and its way in."""

from __future__ import annotations

from apps.core.uploads import Upload
from apps.holdout.imports import commit_holdout_import, stage_holdout_import
from apps.holdout.models import HoldoutImport
from apps.specs.models import Project

ROWS = (
    ("I paid twice for one renewal", "refund"),
    ("you charged me although I cancelled", "refund"),
    ("please change my billing address", "billing"),
    ("this user insults everybody", "abuse"),
)


def csv_of(*rows: tuple[str, str], header: str = "text,category") -> Upload:
    return Upload("holdout.csv", "\n".join([header, *(f'"{text}",{label}' for text, label in rows)]).encode())


def import_holdout(project: Project, *rows: tuple[str, str]) -> HoldoutImport:
    staged = stage_holdout_import(project=project, upload=csv_of(*rows), actor=None)
    return commit_holdout_import(project=project, import_=staged, actor=None)
