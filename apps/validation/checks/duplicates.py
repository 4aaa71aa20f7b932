"""The record says something that no other record of the project says already."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from apps.core.batches import batched
from apps.records.models import Record
from apps.records.states import RecordStatus
from apps.similarity.services import SHOWN_FROM, Near, find_near
from apps.validation.checks.base import Batch, Check, FindingData, Findings
from apps.validation.models import Outcome

# What was dropped or refused does not stand in the way of a better copy of itself.
OUT_OF_THE_WAY = (RecordStatus.FAILED_CHECKS, RecordStatus.NOT_CHECKED, RecordStatus.REJECTED)


class ExactDuplicateCheck(Check):
    """Same canonical text as an earlier record; of two that came together the lower id stays."""

    name = "exact_duplicate"
    title = "Exact duplicate"

    def run(self, batch: Batch) -> Findings:
        others = self._others(batch)
        findings = {}
        for position, item in enumerate(batch.items):
            earlier = [
                (pk, is_real)
                for pk, is_real in others.get(item.canonical_hash, ())
                if item.yields_to(pk, other_is_real=is_real)
            ]
            if earlier:
                pk, is_real = min(earlier)
                findings[position] = [
                    FindingData(
                        outcome=Outcome.BLOCK,
                        code="same_as_real" if is_real else "same_as_record",
                        message=f"The same text as {'real' if is_real else 'candidate'} record #{pk}.",
                    )
                ]
        return findings

    def _others(self, batch: Batch) -> Mapping[str, Sequence[tuple[int, bool]]]:
        found: dict[str, list[tuple[int, bool]]] = {}
        for hashes in batched({item.canonical_hash for item in batch.items}, 500):
            rows = (
                Record.objects.filter(project=batch.project, canonical_hash__in=hashes)
                .exclude(status__in=OUT_OF_THE_WAY)
                .values_list("canonical_hash", "id", "source_type")
            )
            for text_hash, pk, source_type in rows:
                if pk in batch.stopped:
                    continue
                found.setdefault(text_hash, []).append((pk, source_type == "real"))
        return found


class NearDuplicateCheck(Check):
    """Nearly the same text as an earlier record. The batch is in the index, committed, before this runs."""

    name = "near_duplicate"
    title = "Near duplicate"

    options = {
        "block": {
            "type": "number",
            "minimum": 0.3,
            "maximum": 1,
            "default": 0.8,
            "description": "Similarity (Jaccard of character 5-grams) from which a copy is dropped.",
        },
        "warn": {
            "type": "number",
            "minimum": 0.3,
            "maximum": 1,
            "default": 0.7,
            "description": "Similarity from which the reviewer is told.",
        },
    }

    def run(self, batch: Batch) -> Findings:
        block_from, warn_from = self.option(batch, "block"), self.option(batch, "warn")
        near_of = self._near_of(batch, min(block_from, warn_from))
        standing = self._standing({near.record_id for nears in near_of for near in nears} - batch.stopped)
        findings = {}
        for position, (item, nears) in enumerate(zip(batch.items, near_of, strict=True)):
            earlier = [
                near
                for near in nears
                if near.record_id in standing
                and item.yields_to(near.record_id, other_is_real=standing[near.record_id])
            ]
            if earlier:
                findings[position] = [self._finding(earlier[0], block_from, standing)]
        return findings

    def _near_of(self, batch: Batch, at_least: float) -> list[list[Near]]:
        """What the batch knows already, when it was looked at widely enough."""
        if at_least < SHOWN_FROM or any(item.record_id not in batch.near for item in batch.items):
            return find_near(
                project_id=batch.project.pk,
                task_type=batch.project.task_type,
                texts=[item.text for item in batch.items],
                at_least=at_least,
            )
        return [
            [near for near in batch.near[item.record_id] if near.similarity >= at_least]
            for item in batch.items
        ]

    def _standing(self, record_ids: set[int]) -> dict[int, bool]:
        """Record id → is it real, for those that still stand in the way."""
        found: dict[int, bool] = {}
        for chunk in batched(sorted(record_ids), 500):
            rows = Record.objects.filter(pk__in=chunk).exclude(status__in=OUT_OF_THE_WAY)
            found |= {pk: kind == "real" for pk, kind in rows.values_list("id", "source_type")}
        return found

    def _finding(self, near: Near, block_from: float, standing: dict[int, bool]) -> FindingData:
        kind = "real" if standing[near.record_id] else "candidate"
        return FindingData(
            outcome=Outcome.BLOCK if near.similarity >= block_from else Outcome.WARN,
            code=f"near_{kind}",
            message=f"Nearly the same as {kind} record #{near.record_id} (similarity {near.similarity:.2f}).",
        )
