"""Drawing records of a sampling plan for people: the next in the random order, and the riskiest besides."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from django.db.models import Max

from apps.core.batches import batched
from apps.core.clock import database_now
from apps.critic.models import lowest_scores
from apps.records.services import move_records
from apps.records.states import RecordStatus
from apps.review.lots import SAMPLED
from apps.review.models import LotDelta, ReviewTask
from apps.review.opening import DOUBTED
from apps.review.plan_models import PlannedRecord, Risk, SamplingPlan
from apps.validation.models import Finding, Outcome

RARE = 0.05
"""A value of an axis that at most this share of the lot has is rare."""
MOST_RISKY = 500
CHUNK = 5000


def draw_next(plan: SamplingPlan, *, count: int) -> None:
    """The next ``count`` of the random order go to people. One that the risk audit has drawn is there already."""
    chosen = plan.records.filter(is_random=False).order_by("rank", "pk").select_related("record")
    rows = list(chosen.select_for_update(of=("self", "record"))[:count])
    _hand_out(plan, [row for row in rows if row.drawn_at is None], priority=SAMPLED)
    ids = [row.pk for row in rows]
    plan.records.filter(pk__in=ids, drawn_at=None).update(is_random=True, drawn_at=database_now())
    plan.records.filter(pk__in=ids).update(is_random=True)


def draw_risky(plan: SamplingPlan, *, count: int) -> None:
    """Up to ``count`` of the riskiest go to people, at most MOST_RISKY; the kinds of risk take turns."""
    chosen = _in_turn(_riskiest_first(plan), min(count, MOST_RISKY)) if count else {}
    rows = list(plan.records.filter(record__in=chosen, drawn_at=None).select_related("record"))
    _hand_out(plan, rows, priority=DOUBTED)
    now = database_now()
    for row in rows:
        row.drawn_at, row.risk = now, chosen[row.record_id]
    PlannedRecord.objects.bulk_update(rows, ["drawn_at", "risk"], batch_size=200)


def _hand_out(plan: SamplingPlan, rows: Sequence[PlannedRecord], *, priority: int) -> None:
    """Opens a task for each that is still set aside; what a check took back meanwhile is not shown to anybody."""
    records = [row.record for row in rows if row.record.status == RecordStatus.SAMPLED_OUT]
    if not records:
        return
    move_records(records=records, to=RecordStatus.AWAITING_REVIEW, actor=None, reason=f"drawn by {plan}")
    tasks = ReviewTask.objects.filter(record__in=[record.pk for record in records])
    rounds = dict(tasks.values_list("record").annotate(last=Max("round")).order_by())
    ReviewTask.objects.bulk_create(
        ReviewTask(
            project_id=record.project_id,
            record=record,
            lot=plan.lot,
            round=rounds.get(record.pk, 0) + 1,
            priority=priority,
        )
        for record in records
    )
    LotDelta.objects.create(lot=plan.lot, opened=len(records))


def _riskiest_first(plan: SamplingPlan) -> list[tuple[Risk, list[int]]]:
    """Record ids by kind of risk, the riskiest first; ties in the random order."""
    rows = list(plan.records.order_by("rank", "pk").values_list("record_id", "record__axes"))
    ids = [pk for pk, _ in rows]
    doubts: dict[int, int] = {}
    for chunk in batched(ids, CHUNK):
        doubts |= lowest_scores(chunk)
    near = set(
        Finding.objects.filter(
            record__planned__plan=plan, check_name="leakage", outcome=Outcome.WARN
        ).values_list("record_id", flat=True)
    )
    rarity = _rarity(rows)
    return [
        (Risk.DOUBTED, sorted((pk for pk in ids if pk in doubts), key=lambda pk: doubts[pk])),
        (Risk.NEAR, [pk for pk in ids if pk in near]),
        (Risk.RARE, sorted((pk for pk in ids if pk in rarity), key=lambda pk: rarity[pk])),
    ]


def _rarity(rows: Sequence[tuple[int, Mapping[str, object]]]) -> dict[int, int]:
    """Record → how many of the lot share its rarest value; only where that is rare."""
    counts = Counter((name, str(value)) for _, axes in rows for name, value in axes.items())
    rarest = {
        pk: min((counts[name, str(value)] for name, value in axes.items()), default=len(rows))
        for pk, axes in rows
    }
    return {pk: count for pk, count in rarest.items() if count <= RARE * len(rows)}


def _in_turn(segments: Sequence[tuple[Risk, Sequence[int]]], count: int) -> dict[int, Risk]:
    chosen: dict[int, Risk] = {}
    queues: list[tuple[Risk, Iterator[int]]] = [(risk, iter(ids)) for risk, ids in segments]
    while queues:
        for queue in list(queues):
            risk, ids = queue
            pk = next((each for each in ids if each not in chosen), None)
            if pk is None:
                queues.remove(queue)
            elif len(chosen) < count:
                chosen[pk] = risk
            else:
                return chosen
    return chosen
