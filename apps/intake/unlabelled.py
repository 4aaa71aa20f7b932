"""Real inputs without labels: screened like every row that a generator may see, kept until a model labels them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from django.db import transaction

from apps.core import tabular
from apps.core.strict_json import JsonValue
from apps.core.uploads import Upload
from apps.leakage.services import screen_texts
from apps.records.models import UnlabelledInput
from apps.records.real_rows import real_records_by_hash, same_text
from apps.records.services import canonical_hash
from apps.specs.models import Project
from apps.task_types import task_type_of

DEFAULT_MAP = ("input.text=text",)
BATCH = 500


@dataclass
class UnlabelledReport:
    """What became of a file. Reasons name the line."""

    imported: int = 0
    refused: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Row:
    line: int
    input: dict[str, JsonValue]
    text: str
    digest: str


@transaction.atomic
def import_unlabelled(
    *, project: Project, upload: Upload, mapping: Iterable[str] = DEFAULT_MAP
) -> UnlabelledReport:
    """Keeps every row whose text is new to the project and to its holdout; the others are named with the reason.

    FileRefusedError or MappingError when nothing of the file can be read.
    """
    report = UnlabelledReport()
    rows = list(_read(project, upload, tabular.parse_mapping(list(mapping)), report))
    verdicts = screen_texts(project_uuid=project.uuid, texts=[row.text for row in rows])
    real = real_records_by_hash(project, (row.digest for row in rows))
    known = set(project.unlabelled_inputs.values_list("canonical_hash", flat=True))
    new: list[UnlabelledInput] = []
    for row, verdict in zip(rows, verdicts, strict=True):
        if verdict.rule == "text":
            where = same_text(is_up_to_case=verdict.is_same_up_to_case)
            report.refused.append(f"line {row.line}: the same text stands in the holdout {where}")
        elif row.digest in real:
            report.refused.append(f"line {row.line}: the same text is real row #{real[row.digest].pk}")
        elif row.digest in known:
            report.refused.append(f"line {row.line}: the same text is there already")
        else:
            known.add(row.digest)
            new.append(
                UnlabelledInput(
                    project=project, input=row.input, canonical_hash=row.digest, source=upload.filename[:300]
                )
            )
    UnlabelledInput.objects.bulk_create(new, batch_size=BATCH)
    report.imported = len(new)
    return report


def _read(
    project: Project, upload: Upload, mapping: tabular.Mapping, report: UnlabelledReport
) -> Iterable[_Row]:
    task_type = task_type_of(project.task_type)
    for row in tabular.read_rows(upload.content, upload.filename):
        if isinstance(row, tabular.RowError):
            report.refused.append(str(row))
            continue
        try:
            input_, _ = task_type.normalised(tabular.apply_mapping(row, mapping).get("input", {}), {})
        except tabular.RowError as error:
            report.refused.append(str(error))
            continue
        text = task_type.text_of(input_)
        if not text.strip():
            report.refused.append(f"line {row.line}: there is no text")
            continue
        yield _Row(row.line, input_, text, canonical_hash(text))
