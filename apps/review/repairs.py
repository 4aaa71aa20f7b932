"""Sending dropped records to the repairer: the finding of the check becomes a row that the rooms below can read."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction

from apps.core.errors import DomainError
from apps.generation.models import RepairOrder
from apps.records.models import Record
from apps.records.states import RecordStatus
from apps.validation.checks import repairable_checks
from apps.validation.models import Finding, Outcome


@transaction.atomic
def order_repair(*, records: Iterable[Record]) -> list[RepairOrder]:
    """One attempt for each of ``records``. DomainError names a record that cannot be mended, and why."""
    return [_order(record) for record in records]


def _order(record: Record) -> RepairOrder:
    if record.status != RecordStatus.FAILED_CHECKS:
        raise DomainError(f"Record #{record.pk} was not dropped by a check.")
    if record.derived_from_id and RepairOrder.objects.filter(record=record.derived_from_id).exists():
        raise DomainError(f"Record #{record.pk} is a repair itself: there is one attempt.")
    findings = list(Finding.objects.filter(record=record, outcome=Outcome.BLOCK).order_by("id"))
    if final := sorted({finding.check_name for finding in findings}.difference(repairable_checks())):
        raise DomainError(
            f"Record #{record.pk}: what {', '.join(final)} found is not for a generator to mend."
        )
    order, is_new = RepairOrder.objects.get_or_create(
        record=record, defaults={"finding": " ".join(finding.message for finding in findings)}
    )
    if not is_new:
        raise DomainError(f"Record #{record.pk} has been sent to be mended before: there is one attempt.")
    return order
