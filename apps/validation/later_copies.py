"""Of near copies the lowest id stays, whichever was checked first.

A record looks for others only after it stands in the index, so of two workers at least one sees the other's copy. The
one that sees may hold the lower id, though, while the higher has passed already: then the higher is taken back.
"""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction

from apps.core.batches import batched
from apps.core.errors import StaleStateError
from apps.records.models import Record
from apps.records.services import move_records
from apps.records.states import RecordStatus
from apps.similarity.services import Near
from apps.validation.checks import REGISTRY, Batch, Check, FindingData
from apps.validation.models import Finding, Outcome
from apps.validation.pipeline import checks_of, is_stopped

UNDECIDED = (RecordStatus.GENERATED, RecordStatus.AWAITING_REVIEW, RecordStatus.SAMPLED_OUT)


def take_back_later_copies(batch: Batch, results: Sequence[Sequence[FindingData]]) -> None:
    """Drops undecided records with higher ids that nearly say what a passing record of ``batch`` says."""
    check = REGISTRY["near_duplicate"]
    if check not in checks_of(batch) or batch.severity(check) != Outcome.BLOCK:
        return
    block_from = check.option(batch, "block")
    in_batch = {item.record_id for item in batch.items}
    stays: dict[int, Near] = {}
    for item, found in zip(batch.items, results, strict=True):
        for near in () if is_stopped(found) else batch.near.get(item.record_id, ()):
            is_later = near.record_id > item.record_id and near.record_id not in in_batch
            if is_later and near.similarity >= block_from:
                stays[near.record_id] = Near(item.record_id, near.similarity)
    for chunk in batched(sorted(stays), 500):
        for record in Record.objects.candidates().filter(pk__in=chunk, status__in=UNDECIDED):
            _take_back(record, stays[record.pk], check)


def _take_back(record: Record, earlier: Near, check: Check) -> None:
    while record.status in UNDECIDED:
        try:
            _drop(record, earlier, check)
        except StaleStateError:
            # Its own worker may have let it through this moment: then it is still to be taken back.
            record.refresh_from_db()
        else:
            return


@transaction.atomic
def _drop(record: Record, earlier: Near, check: Check) -> None:
    move_records(records=[record], to=RecordStatus.FAILED_CHECKS, actor=None, reason=check.name)
    Finding.objects.create(
        record=record,
        check_name=check.name,
        check_version=check.version,
        outcome=Outcome.BLOCK,
        code="near_candidate",
        message=f"Nearly the same as candidate record #{earlier.record_id} "
        f"(similarity {earlier.similarity:.2f}).",
    )
