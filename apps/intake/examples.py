"""Publishing a label guide: its examples are real rows that a generator may see.

So they are screened like seeds and kept as seeds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from apps.accounts.models import User
from apps.core.errors import RefusedError
from apps.leakage.screening import screen_texts
from apps.records.models import Record, SourceType, Use
from apps.records.services import NewRecord, canonical_hash, create_records
from apps.specs import services as specs
from apps.specs.models import LabelExample, LabelGuide
from apps.specs.selectors import spec_view
from apps.task_types import task_type_of
from apps.task_types.base import SpecView
from apps.task_types.shape import shape_problem


@dataclass(frozen=True)
class _Shown:
    """An example of the guide as the record that it stands for."""

    example: LabelExample
    input: dict[str, Any]
    output: dict[str, Any]
    text: str
    digest: str


@transaction.atomic
def publish_guide(*, guide: LabelGuide, actor: User | None) -> LabelGuide:
    """Publishes ``guide`` and makes every example a seed row.

    Raises RefusedError that names each label lacking something, or each example whose text stands in the
    holdout or among the train rows (a generator would see it).
    """
    if missing := specs.missing_from_guide(guide):
        raise RefusedError(f"{guide} cannot be published. Missing:", missing)
    examples = list(
        LabelExample.objects.filter(
            label__guide=guide, label__is_rejected=False, is_case=False
        ).select_related("label")
    )
    shown = _read(guide, examples)
    known = {
        record.canonical_hash: record
        for record in Record.objects.filter(project=guide.project)
        .real()
        .filter(canonical_hash__in=[each.digest for each in shown])
    }
    _refuse_protected(guide, shown, known)
    fresh: dict[str, _Shown] = {}
    for each in shown:
        if each.digest not in known:
            fresh.setdefault(each.digest, each)
    rows = [
        NewRecord(source_type=SourceType.REAL, use=Use.SEED, input=each.input, output=each.output)
        for each in fresh.values()
    ]
    seeds = create_records(
        project=guide.project, rows=rows, actor=actor, reason=f"example of guide v{guide.version}"
    )
    known |= {seed.canonical_hash: seed for seed in seeds}
    for each in shown:
        each.example.record_uuid = known[each.digest].uuid
    LabelExample.objects.bulk_update(examples, ["record_uuid"], batch_size=500)
    return specs.publish_guide(guide=guide, actor=actor)


def _read(guide: LabelGuide, examples: Sequence[LabelExample]) -> list[_Shown]:
    """RefusedError names each example that is no record of this task."""
    task_type, view = task_type_of(guide.project.task_type), spec_view(guide.project)
    # The labels of this very guide are not published yet; that each is under its own label is told below.
    schema = task_type.record_schema(SpecView(output_schema=view.output_schema))
    shown, problems = [], []
    for example in examples:
        input_, output = task_type.example(example.text, example.label.name)
        problem = shape_problem({"input": input_, "output": output}, schema)
        if not problem and example.label.name not in task_type.labels_of(input_, output):
            problem = "it is not of this label"
        if problem:
            problems.append(
                f"{example.label.name}: the example “{example.text[:60]}” is no record: {problem}; "
                'give the whole record as JSON, {"input": …, "output": …}'
            )
        text = task_type.text_of(input_)
        shown.append(_Shown(example, input_, output, text, canonical_hash(text)))
    if problems:
        raise RefusedError(f"{guide} cannot be published:", problems)
    return shown


def _refuse_protected(guide: LabelGuide, examples: Sequence[_Shown], known: dict[str, Record]) -> None:
    verdicts = screen_texts(project_uuid=guide.project.uuid, texts=[each.text for each in examples])
    problems = []
    for each, verdict in zip(examples, verdicts, strict=True):
        place = f"{each.example.label.name}: the example “{each.text[:60]}”"
        # Real short texts share phrases: as with any seed, the same whole text is refused, no less.
        if verdict.rule == "text":
            problems.append(f"{place} stands in the holdout; take another one")
        record = known.get(each.digest)
        if record is not None and record.use == Use.TRAIN:
            problems.append(f"{place} is train row {record}, which no generator may see; take another one")
    if problems:
        raise RefusedError(f"{guide} cannot be published:", problems)
