"""Recall: a lead takes reviewed records back, whatever release they are in, and people decide them anew.

``advance_recall`` takes the next slice of a recall and commits how far it came together with what it took, so a
killed worker loses one slice. There is no undo: who was wrong to recall decides the records again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from django.db import transaction
from django.db.models import F

from apps.accounts.models import User
from apps.core.clock import database_now
from apps.core.errors import RefusedError, StaleStateError
from apps.core.wake import wake
from apps.records.models import Record, RecordQuerySet
from apps.records.services import move_records
from apps.records.states import RecordStatus
from apps.review.models import Decision, LotDelta
from apps.review.recall_criteria import levels_below, records_that_fit
from apps.review.recall_models import RECALL_MACHINE, Recall, RecalledRecord, RecallStatus
from apps.specs.models import Project

SLICE = 200
LONGEST_REASON = 160


def start_recall(
    *,
    project: Project,
    criteria: Mapping[str, str],
    reason: str,
    actor: User | None,
    expected: int | None = None,
) -> Recall:
    """Begins to take back every accepted or edited record that fits ``criteria`` and is decided by now.

    RefusedError without a reason, for criteria that cannot be read and when nothing fits; StaleStateError when
    not ``expected`` records fit, because the lead saw another list.
    """
    reason = reason.strip()
    if not reason or len(reason) > LONGEST_REASON:
        raise RefusedError(
            f"Say in at most {LONGEST_REASON} characters why these records are recalled: it stays with each."
        )
    records = records_that_fit(project, criteria)
    count = records.count()
    if not count:
        raise RefusedError("No accepted or edited record fits, so there is nothing to recall.")
    if expected is not None and count != expected:
        raise StaleStateError(
            f"{count:,} records fit by now, not {expected:,}: look again before you recall."
        )
    now = database_now()
    recall = Recall.objects.create(
        project=project,
        criteria={name: word for name, word in criteria.items() if word},
        reason=reason,
        fitting=count,
        last_record=records.order_by("-pk").values_list("pk", flat=True)[0],
        started_by=actor,
        created_at=now,
        next_attempt_at=now,
    )
    wake("validation")
    return recall


@transaction.atomic
def advance_recall(recall_id: int, *, size: int = SLICE) -> bool:
    """Takes the next slice back; False when there is nothing (more) to do or another worker is at it."""
    due = Recall.objects.due(database_now()).filter(pk=recall_id).select_related("project")
    recall = due.select_for_update(skip_locked=True, of=("self",)).first()
    if recall is None:
        return False
    records = list(_still_to_take(recall).select_for_update(of=("self",))[:size])
    taken = _take_back(recall, records)
    own = Recall.objects.filter(pk=recall.pk)
    own.update(taken_back=F("taken_back") + taken)
    if len(records) < size:
        RECALL_MACHINE.swap(
            own,
            old=RecallStatus.TAKING_BACK,
            new=RecallStatus.DONE,
            finished_at=database_now(),
            next_attempt_at=None,
        )
    else:
        own.update(done_up_to=records[-1].pk, next_attempt_at=database_now())
    wake("validation")
    return len(records) == size


def _still_to_take(recall: Recall) -> RecordQuerySet:
    """What was decided after it began is an answer to it, and stays."""
    fitting = records_that_fit(recall.project, recall.criteria)
    return fitting.filter(
        pk__gt=recall.done_up_to, pk__lte=recall.last_record, reviewed_at__lte=recall.created_at
    ).order_by("pk")


def _take_back(recall: Recall, records: Sequence[Record]) -> int:
    """``records`` and what was made from them, back into the queue."""
    chosen = {record.pk: record for record in records}
    derived: dict[int, Record] = {}
    for level in levels_below(Record.objects.filter(pk__in=chosen)):
        for record in level.releasable().select_for_update(of=("self",)).order_by("pk"):
            derived.setdefault(record.pk, record)
    for pk in chosen:
        derived.pop(pk, None)
    everything = [*chosen.values(), *derived.values()]
    if not everything:
        return 0
    now = database_now()
    RecalledRecord.objects.bulk_create(
        RecalledRecord(
            recall=recall,
            record=record,
            decision_uuid=record.decision_uuid,
            status_before=record.status,
            review_method=record.review_method,
            is_derived=record.pk in derived,
            recalled_at=now,
        )
        for record in everything
    )
    _uncount(everything)
    reason = f"recall {recall.pk}: {recall.reason}"
    move_records(records=everything, to=RecordStatus.RECALLED, actor=recall.started_by, reason=reason)
    # The text stays as it was released: an edit is what people look at again.
    move_records(
        records=everything,
        to=RecordStatus.AWAITING_REVIEW,
        actor=recall.started_by,
        reason=reason,
        due_at=now,
        reviewer=None,
        review_method="",
        reviewed_at=None,
        decision_uuid=None,
    )
    return len(everything)


def _uncount(records: Sequence[Record]) -> None:
    """A decision that counts no more leaves the counts of its lot."""
    decided = Decision.objects.filter(uuid__in=[record.decision_uuid for record in records])
    per_lot = Counter(decided.values_list("task__lot", "action"))
    LotDelta.objects.bulk_create(
        LotDelta(lot_id=lot, opened=-count, **{action: -count}) for (lot, action), count in per_lot.items()
    )
