"""Why a comparison could not be trusted, whatever its scores: looked for before anybody looks at a score."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from django.db.models import Min

from apps.core.batches import batched
from apps.datasets.leaks import leaking
from apps.datasets.models import Release
from apps.evaluation.launch_gate import InvalidReason
from apps.evaluation.models import ModelUnderTest, Training
from apps.evaluation.predictions import stored_hash
from apps.evaluation.training import TrainingRow, real_rows_of, rows_of
from apps.generation.models import Run
from apps.holdout.contents import content_hash
from apps.holdout.models import HoldoutRecord, HoldoutSet, HoldoutStatus
from apps.intake.models import Import
from apps.records.services import canonical_hash
from apps.specs.models import HoldoutSeal, Project
from apps.specs.services import meaning_hash
from apps.submissions.models import Submission

BATCH = 500
NAMED = 5


def training_rows(project: Project, models: Iterable[ModelUnderTest]) -> list[TrainingRow]:
    """Every row that any of ``models`` is known to have been trained on, once."""
    known = [model for model in models if model.trained_on == Training.RELEASES]
    wanted = {uuid for model in known for uuid in model.release_uuids}
    releases = Release.objects.filter(project=project, uuid__in=wanted).select_related("project")
    rows = {row.record: row for release in releases.order_by("number") for row in rows_of(release)}
    if any(not model.release_uuids for model in known):
        rows = {row.record: row for row in real_rows_of(project)} | rows
    return list(rows.values())


def invalid_reasons(
    *,
    project: Project,
    seal: HoldoutSeal | None,
    models: Mapping[str, ModelUnderTest],
    training: Sequence[TrainingRow],
) -> list[InvalidReason]:
    """All but the spent looks, which are known when one is reserved. Compares no prediction with a gold label."""
    holdout = HoldoutSet.objects.filter(uuid=seal.holdout_uuid).first() if seal else None
    if seal is None or holdout is None or holdout.status != HoldoutStatus.FROZEN:
        return [InvalidReason("not_frozen", "The holdout is not frozen.")]
    if content_hash(holdout) != seal.content_hash:
        return [InvalidReason("not_frozen", "The holdout's rows no longer match its seal.")]
    return [
        *_other_holdout(seal, models),
        *_answers_changed(models),
        *_labels_changed(project, seal),
        *_made_before_the_seal(seal, training),
        *_in_the_holdout(project, holdout, training),
    ]


def _other_holdout(seal: HoldoutSeal, models: Mapping[str, ModelUnderTest]) -> list[InvalidReason]:
    strangers = [part for part, model in models.items() if model.holdout_uuid != seal.holdout_uuid]
    if not strangers:
        return []
    text = f"The {' and the '.join(strangers)} answered another holdout than the one that is frozen now."
    return [InvalidReason("not_frozen", text)]


def _answers_changed(models: Mapping[str, ModelUnderTest]) -> list[InvalidReason]:
    """A look is paid for one hash: other answers behind it would be scored for free."""
    changed = [part for part, model in models.items() if stored_hash(model) != model.predictions_hash]
    if not changed:
        return []
    text = f"The stored answers of the {' and the '.join(changed)} are not those that were handed in."
    return [InvalidReason("predictions_changed", text)]


def _labels_changed(project: Project, seal: HoldoutSeal) -> list[InvalidReason]:
    guide = project.published_guide()
    if guide is not None and meaning_hash(guide) == seal.guide_hash:
        return []
    now = f"v{guide.version} means something else" if guide else "none is published now"
    text = (
        f"The labels changed since freezing: the holdout was labelled by guide v{seal.guide_version}, {now}. "
        "Freeze a relabelled successor."
    )
    return [InvalidReason("labels_changed", text)]


def _made_before_the_seal(seal: HoldoutSeal, training: Sequence[TrainingRow]) -> list[InvalidReason]:
    """A generator that wrote before the holdout was fixed could have been chosen by what the holdout showed."""
    made = [row for row in training if not row.is_real]
    sent, imported = _first_sent(made), _committed(made)
    early = [row for row in made if _first_moment(row, sent, imported) < seal.sealed_at]
    if not early:
        return []
    text = f"{len(early)} training records were asked for before the holdout was sealed: {_names(early)}."
    return [InvalidReason("made_before_seal", text)]


def _first_moment(
    row: TrainingRow, sent: Mapping[UUID, datetime], imported: Mapping[UUID, datetime]
) -> datetime:
    """When the first request of its run went out; for an import, when it came in; else when it was made."""
    if row.run is not None:
        return min(sent.get(row.run, row.created_at), row.created_at)
    return imported.get(row.import_, row.created_at) if row.import_ else row.created_at


def _first_sent(rows: Sequence[TrainingRow]) -> dict[UUID, datetime]:
    found: dict[UUID, datetime] = {}
    for chunk in batched({row.run for row in rows if row.run}, BATCH):
        runs = Run.objects.filter(uuid__in=chunk).values_list("uuid", "started_at")
        found |= {uuid: started_at for uuid, started_at in runs if started_at is not None}
        sent = Submission.objects.filter(run_uuid__in=chunk).exclude(sent_at=None)
        found |= dict(sent.values_list("run_uuid").annotate(first=Min("sent_at")))
    return found


def _committed(rows: Sequence[TrainingRow]) -> dict[UUID, datetime]:
    found: dict[UUID, datetime] = {}
    for chunk in batched({row.import_ for row in rows if row.import_}, BATCH):
        imports = Import.objects.filter(uuid__in=chunk).values_list("uuid", "committed_at")
        found |= {uuid: committed_at for uuid, committed_at in imports if committed_at is not None}
    return found


def _in_the_holdout(
    project: Project, holdout: HoldoutSet, training: Sequence[TrainingRow]
) -> list[InvalidReason]:
    protected = set(HoldoutRecord.objects.filter(holdout=holdout).values_list("canonical_hash", flat=True))
    equal = [row for row in training if canonical_hash(row.text) in protected]
    reasons = []
    if equal:
        text = f"{len(equal)} training rows say the same as a holdout row: {_names(equal)}."
        reasons.append(InvalidReason("training_row_in_holdout", text))
    named = {row.record for row in equal}
    others = [row for row in training if not row.is_real and row.record not in named]
    leaks = leaking(project.uuid, [row.input for row in others])
    quoting = [row for row, is_leak in zip(others, leaks, strict=True) if is_leak]
    if quoting:
        text = f"{len(quoting)} synthetic training records quote the holdout: {_names(quoting)}."
        reasons.append(InvalidReason("synthetic_leak", text))
    return reasons


def _names(rows: Sequence[TrainingRow]) -> str:
    shown = ", ".join(str(row.record) for row in rows[:NAMED])
    return shown + (f" and {len(rows) - NAMED} more" if len(rows) > NAMED else "")
