"""Publishing a label guide: its examples are real rows that a generator may see.

So they are screened like seeds and kept as seeds.
"""

from __future__ import annotations

from django.db import transaction

from apps.accounts.models import User
from apps.core.errors import RefusedError
from apps.leakage.screening import screen_texts
from apps.records.models import Record, SourceType, Use
from apps.records.services import NewRecord, canonical_hash, create_records
from apps.specs import services as specs
from apps.specs.models import LabelExample, LabelGuide
from apps.task_types import task_type_of


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
    known = {
        record.canonical_hash: record
        for record in Record.objects.filter(project=guide.project)
        .real()
        .filter(canonical_hash__in=[canonical_hash(example.text) for example in examples])
    }
    _refuse_protected(guide, examples, known)
    fresh: dict[str, LabelExample] = {}
    for example in examples:
        text_hash = canonical_hash(example.text)
        if text_hash not in known:
            fresh.setdefault(text_hash, example)
    rows = []
    for example in fresh.values():
        input_, output = task_type_of(guide.project.task_type).example(example.text, example.label.name)
        rows.append(NewRecord(source_type=SourceType.REAL, use=Use.SEED, input=input_, output=output))
    seeds = create_records(
        project=guide.project, rows=rows, actor=actor, reason=f"example of guide v{guide.version}"
    )
    known |= {seed.canonical_hash: seed for seed in seeds}
    for example in examples:
        example.record_uuid = known[canonical_hash(example.text)].uuid
    LabelExample.objects.bulk_update(examples, ["record_uuid"], batch_size=500)
    return specs.publish_guide(guide=guide, actor=actor)


def _refuse_protected(guide: LabelGuide, examples: list[LabelExample], known: dict[str, Record]) -> None:
    verdicts = screen_texts(project_uuid=guide.project.uuid, texts=[example.text for example in examples])
    problems = []
    for example, verdict in zip(examples, verdicts, strict=True):
        place = f"{example.label.name}: the example “{example.text[:60]}”"
        # Real short texts share phrases: as with any seed, the same whole text is refused, no less.
        if verdict.rule == "text":
            problems.append(f"{place} stands in the holdout; take another one")
        record = known.get(canonical_hash(example.text))
        if record is not None and record.use == Use.TRAIN:
            problems.append(f"{place} is train row {record}, which no generator may see; take another one")
    if problems:
        raise RefusedError(f"{guide} cannot be published:", problems)
