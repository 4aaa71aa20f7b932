"""What a gold item shows beside its text: what the checks say of it and what is near it, as on any other card."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from apps.records.models import Record
from apps.review.models import GoldItem, GoldKind
from apps.review.payloads import COMPARING, Payload
from apps.similarity.minhash import jaccard, shingles
from apps.similarity.services import Near, find_near, keep_neighbours
from apps.specs.models import Project
from apps.task_types import task_type_of
from apps.validation.checks import REGISTRY, FindingData
from apps.validation.models import Finding
from apps.validation.pipeline import STOPS, make_batch
from apps.validation.services import check_copies, finding_row


def look_at(project: Project, payloads: Sequence[Payload]) -> list[list[FindingData] | None]:
    """What the checks say of each of ``payloads``, had nobody said the same before; None where one would stop it.

    What a check stops is never in review, so nothing that looks like it may be.
    """
    found = check_copies(project=project, payloads=payloads, but=COMPARING)
    return [None if any(finding.outcome in STOPS for finding in findings) else findings for findings in found]


def keep_looks(project: Project, items: Sequence[GoldItem], found: Sequence[Sequence[FindingData]]) -> None:
    """Writes findings and neighbours of ``items``, which were just made."""
    Finding.objects.bulk_create(
        finding_row(item.record, finding)
        for item, findings in zip(items, found, strict=True)
        for finding in findings
    )
    text_of = task_type_of(project.task_type).text_of
    texts = {item.record.pk: text_of(item.record.current_input) for item in items}
    near_of = find_near(
        project_id=project.pk,
        task_type=project.task_type,
        texts=list(texts.values()),
        record_ids=list(texts),
    )
    bar = _told_from(project)
    keep_neighbours(
        found=[
            (item.record.pk, _shown(item, near, texts, bar))
            for item, near in zip(items, near_of, strict=True)
        ]
    )


def _shown(item: GoldItem, near: Sequence[Near], texts: Mapping[int, str], bar: float) -> list[Near]:
    """The nearest first. Only a near copy has anything so near that a check would speak of it: its original."""
    others = [each for each in near if each.similarity < bar]
    original: Record | None = item.record.derived_from
    if item.kind != GoldKind.NEAR_DUPLICATE or original is None:
        return others
    text = task_type_of(item.project.task_type).text_of(original.current_input)
    return [Near(original.pk, jaccard(shingles(texts[item.record.pk]), shingles(text))), *others]


def _told_from(project: Project) -> float:
    """The similarity from which the check on near-duplicates says something."""
    check, batch = REGISTRY["near_duplicate"], make_batch(project, [])
    return float(min(check.option(batch, "warn"), check.option(batch, "block")))
