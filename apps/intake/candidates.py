"""Records that another generator made: one JSON object per line, with the provenance that every record needs.

    {"input": {"text": "…"}, "output": {"label": "…"}, "generator_provider": "…", "generator_model": "…",
     "generator_model_family": "…", "prompt_version": "…"}

and optionally ``axes`` (object), ``rights_note`` and ``origin`` (texts). Whether a label is allowed, a text
too long or a copy is for the checks to say, as with any other candidate.
"""

from __future__ import annotations

from typing import Any

from apps.core import tabular
from apps.core.errors import DomainError, RefusedError
from apps.intake.models import Import
from apps.intake.report import ImportReport, ImportRow
from apps.records.models import SourceType
from apps.records.real_rows import RefusedRow
from apps.records.services import NewRecord
from apps.specs.models import Gap, GapStatus, Project
from apps.task_types import TaskType, task_type_of

PAYLOADS = ("input", "output")
PROVENANCE = ("generator_provider", "generator_model", "generator_model_family", "prompt_version")
OPTIONAL_TEXTS = ("rights_note", "origin")
ALLOWED = frozenset({*PAYLOADS, *PROVENANCE, *OPTIONAL_TEXTS, "axes"})
# As wide as the columns they go into.
MAX_CHARS = {
    "generator_provider": 60,
    "generator_model": 120,
    "generator_model_family": 60,
    "prompt_version": 140,
    "rights_note": 200,
    "origin": 300,
}


def require_ready_for_candidates(*, project: Project, gap: Gap) -> None:
    """Raises RefusedError that lists what has to be done first; a sandbox may do without."""
    if gap.project_id != project.pk:
        raise DomainError(f"The gap {gap} is not one of {project}.")
    if project.is_sandbox:
        return
    missing = []
    if project.active_seal() is None:
        missing.append("a frozen holdout: import one and freeze it")
    if project.published_guide() is None:
        missing.append("a published label guide")
    if project.published_spec() is None:
        missing.append("a published spec: its version is the candidates' schema_version")
    if gap.status != GapStatus.OPEN:
        missing.append(f"an open gap: {gap} is {gap.get_status_display().lower()}")
    if missing:
        raise RefusedError(
            f"{project} is governed: it takes candidates only with the following (or make it a sandbox).",
            missing,
        )


def check_candidates(import_: Import) -> ImportReport:
    """Reads every line of the staged file. Raises FileRefusedError when it is not JSONL."""
    if import_.filename.lower().endswith((".csv", ".tsv")):
        raise tabular.FileRefusedError("Candidates come as JSONL: one object per line, with its provenance.")
    task_type = task_type_of(import_.project.task_type)
    spec = import_.project.published_spec()
    rows: list[ImportRow] = []
    refused: list[RefusedRow] = []
    origins: dict[str, None] = {}
    for row in tabular.read_rows(import_.data, import_.filename):
        if isinstance(row, tabular.RowError):
            refused.append(RefusedRow(row.line, row.reason))
        elif problems := _problems_of(row.values, task_type):
            refused.append(RefusedRow(row.line, " ".join(problems)))
        else:
            rows.append(_import_row(row, import_, task_type, spec.version if spec else None))
            origins |= dict.fromkeys([str(row.values["origin"])] if row.values.get("origin") else [])
    return ImportReport(rows, refused, origin="; ".join(origins)[: MAX_CHARS["origin"]])


def _problems_of(values: dict[str, Any], task_type: TaskType) -> list[str]:
    """Everything that is wrong with one line."""
    problems = [f"{name!r} must be an object." for name in PAYLOADS if not isinstance(values.get(name), dict)]
    problems += [
        f"{name!r} is missing: say what made it." for name in PROVENANCE if values.get(name) in (None, "")
    ]
    for name in (*PROVENANCE, *OPTIONAL_TEXTS):
        problems += _problems_with_text(name, values.get(name))
    if not isinstance(values.get("axes", {}), dict):
        problems.append("'axes' must be an object.")
    if unknown := sorted(values.keys() - ALLOWED):
        # A field like review_status must not look as if it had been taken over.
        problems.append(f"Unknown: {', '.join(map(repr, unknown))}. Known: {', '.join(sorted(ALLOWED))}.")
    if not problems and not _text_of(values, task_type).strip():
        problems.append("The input has no text.")
    return problems


def _text_of(values: dict[str, Any], task_type: TaskType) -> str:
    input_, _ = task_type.normalised(values["input"], values["output"])
    return task_type.text_of(input_)


def _problems_with_text(name: str, value: object) -> list[str]:
    if value in (None, ""):
        return []
    if not isinstance(value, str):
        return [f"{name!r} must be text."]
    limit = MAX_CHARS[name]
    return [f"{name!r} is longer than {limit} characters."] if len(value) > limit else []


def _import_row(
    row: tabular.Row, import_: Import, task_type: TaskType, schema_version: int | None
) -> ImportRow:
    values: dict[str, Any] = row.values
    input_, output = task_type.normalised(values["input"], values["output"])
    notes = task_type.notes(values["input"], values["output"])
    return ImportRow(
        notes=notes,
        line=row.line,
        text=task_type.text_of(input_),
        label=task_type.facet(input_, output),
        record=NewRecord(
            source_type=SourceType.SYNTHETIC,
            gap=import_.gap,
            input=input_,
            output=output,
            **{name: values[name] for name in PROVENANCE},
            schema_version=schema_version,
            axes=values.get("axes") or {},
            rights_note=values.get("rights_note") or "",
            import_uuid=import_.uuid,
            reading_note="; ".join(notes),
        ),
    )
