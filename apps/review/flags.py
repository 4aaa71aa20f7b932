"""Flagged records: a reviewer asked, a lead answers."""

from __future__ import annotations

from django.db import transaction
from django.db.models import Max

from apps.accounts.models import User
from apps.core.clock import database_now
from apps.records.models import Record
from apps.records.services import move_records
from apps.records.states import RecordStatus
from apps.review.leases import LEASE
from apps.review.lots import open_lots
from apps.review.models import Action, LotDelta, ReviewTask, TaskKind
from apps.review.opening import CAME_BACK, WARNED, lot_key


@transaction.atomic
def reopen_flagged(*, record: Record, actor: User, take: bool) -> ReviewTask:
    """Sends a flagged record back to review; with ``take`` into the hands of ``actor``, who decides it.

    The flag and its note stay in the ledger and are shown with the record. StaleStateError when somebody else
    was quicker.
    """
    last = record.review_tasks.select_related("lot").order_by("-round", "-slot")[0]
    move_records(
        records=[record],
        to=RecordStatus.AWAITING_REVIEW,
        actor=actor,
        reason="flag: taken by a lead" if take else "flag: back to review",
        decision_uuid=None,
    )
    key = lot_key(record)
    lot = open_lots([key])[key]
    lease = {"lease_holder": actor, "lease_until": database_now() + LEASE, "fence": 1} if take else {}
    task = ReviewTask.objects.create(
        project=record.project,
        record=record,
        lot=lot,
        kind=TaskKind.ADJUDICATION if take else TaskKind.REVIEW,
        round=record.review_tasks.aggregate(last=Max("round"))["last"] + 1,
        priority=CAME_BACK if take else WARNED,
        assignee=actor if take else None,
        **lease,
    )
    LotDelta.objects.create(lot=last.lot, opened=-1, **{Action.FLAGGED: -1})
    LotDelta.objects.create(lot=lot, opened=1)
    return task
