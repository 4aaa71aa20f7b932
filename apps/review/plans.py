"""Sampling plans of lots: setting aside, drawing, the verdict, and what it does to the records nobody looked at.

``advance_plan`` does the next slice in one transaction, whichever stage the plan is in:

1. *taking*: what waits in the lot (free, never decided, straight from the checks) leaves the queue; each record
   gets its place in a random order that anybody can compute again from the seed.
2. *sampling*: the next in that order go to people. A record counts as bad when it was edited or rejected: the
   rest would be released as written. Counted is only an unbroken run from the start of the order, so that what
   takes long to decide is not left out.
3. *accepting*, *refusing*, *returning*: the rest is accepted by ``review_method=lot``, or goes to full review.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from datetime import timedelta
from math import ceil
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Exists, F, OuterRef

from apps.accounts.models import User
from apps.core.clock import database_now
from apps.core.errors import RefusedError, StaleStateError
from apps.core.statistics.acceptance import single_verdict
from apps.core.statistics.sequential import Plan, Sample, Verdict, run_plan
from apps.core.statistics.switching import Carried, Level, run_reduced
from apps.core.wake import wake
from apps.generation.pauses import pause_prompt
from apps.records.models import Record, RecordEvent, ReviewMethod
from apps.records.services import move_records
from apps.records.states import RecordStatus
from apps.review.drawing import draw_next, draw_risky
from apps.review.models import Lot, LotDelta, LotStatus, ReviewTask, TaskKind, TaskQuerySet, TaskStatus
from apps.review.plan_models import (
    PLAN_MACHINE,
    SETTLING,
    PlanKind,
    PlannedRecord,
    PlanStatus,
    SamplingPlan,
)

SLICE = 500
AHEAD = 10
"""Records of a sequential plan that wait for people at a time: enough to work on, few beyond the verdict."""
LOOK_AGAIN = timedelta(seconds=5)
LEAST_POPULATION = 20
BAD = frozenset({RecordStatus.EDITED, RecordStatus.REJECTED})
LEFT = frozenset({RecordStatus.FAILED_CHECKS, RecordStatus.NOT_CHECKED, RecordStatus.GENERATED})
"""A check took the record back after it was drawn: it is no record of the lot any more, neither good nor bad."""


def start_plan(
    *,
    lot: Lot,
    kind: PlanKind,
    actor: User | None,
    share: float | None = None,
    risk_share: float = 0.0,
    rule: Plan | None = None,
    level: Level = Level.NORMAL,
    seed: int | None = None,
) -> SamplingPlan:
    """Puts what waits in ``lot`` now under a plan. Without ``seed`` a random one is drawn; it is kept either way.

    A reduced plan stands on those before it, so ``batches.next_plan`` says whether there may be one.

    RefusedError names what is wrong with the numbers, or says that too few wait; StaleStateError while another
    plan of this lot is running.
    """
    rule = rule or Plan()
    if problems := _problems(kind, share, risk_share, rule):
        raise RefusedError("This plan cannot be used:", problems)
    if lot.status != LotStatus.OPEN:
        raise StaleStateError("This lot is closed.")
    waiting = takeable(lot).count()
    if waiting < LEAST_POPULATION:
        raise RefusedError(
            f"{waiting} records wait here that nobody has in hand; below {LEAST_POPULATION}, review them all."
        )
    now = database_now()
    try:
        with transaction.atomic():
            plan = SamplingPlan.objects.create(
                lot=lot,
                kind=kind,
                level=level,
                share=None if kind == PlanKind.SEQUENTIAL else share,
                risk_share=risk_share,
                good=rule.good,
                poor=rule.poor,
                alpha=rule.alpha,
                beta=rule.beta,
                seed=secrets.randbits(62) if seed is None else seed,
                last_task=takeable(lot).order_by("-pk").values_list("pk", flat=True)[0],
                started_by=actor,
                created_at=now,
                next_attempt_at=now,
            )
    except IntegrityError:
        raise StaleStateError("This lot is under a plan already: let it end, or stop it.") from None
    wake("validation")
    return plan


@transaction.atomic
def stop_plan(*, plan: SamplingPlan, actor: User) -> None:
    """Sends everything that nobody has looked at to full review. StaleStateError once there is a verdict."""
    now = database_now()
    _move(
        plan,
        PlanStatus.RETURNING,
        stopped_by=actor,
        decided_at=now,
        next_attempt_at=now,
        note="a lead stopped it",
    )
    wake("validation")


@transaction.atomic
def advance_plan(plan_id: int, *, size: int = SLICE) -> None:
    """The next slice of a plan that is due; idempotent. Another worker's plan is left to it."""
    due = SamplingPlan.objects.due(database_now()).filter(pk=plan_id).select_related("lot__project")
    plan = due.select_for_update(skip_locked=True, of=("self",)).first()
    if plan is None:
        return
    if plan.status == PlanStatus.TAKING:
        _take(plan, size)
    elif plan.status == PlanStatus.SAMPLING:
        _sample(plan, size)
    else:
        _settle(plan, size)
    wake("validation")


def sample_of(plan: SamplingPlan) -> Sample:
    """How far the random sample is, in its order up to the first record that is not decided."""
    if plan.kind == PlanKind.SEQUENTIAL:
        return run_plan(plan.rule, decided_run(plan))
    outcomes = decided_run(plan)
    bad, reviewed = sum(outcomes), len(outcomes)
    is_through = reviewed == plan.records.filter(is_random=True).exclude(record__status__in=LEFT).count()
    if plan.kind == PlanKind.REDUCED:
        return run_reduced(plan.rule, carried_into(plan), outcomes, is_through=is_through)[0]
    if not is_through:
        return Sample(reviewed, bad, Verdict.UNDECIDED)
    return Sample(
        reviewed, bad, single_verdict(plan.rule, lot=max(plan.population, 1), sampled=reviewed, bad=bad)
    )


def carried_into(plan: SamplingPlan) -> Carried:
    """What the reduced samples right before ``plan`` say; any other verdict of the lot began their sequence anew."""
    before = (
        SamplingPlan.objects.with_verdict().filter(lot=plan.lot_id, pk__lt=plan.pk).order_by("-pk").first()
    )
    return before.carried if before is not None and before.kind == PlanKind.REDUCED else Carried()


def decided_run(plan: SamplingPlan) -> list[bool]:
    """Whether each record is bad, from the start of the random order to the first that is not decided."""
    outcomes = []
    drawn = plan.records.filter(is_random=True).order_by("rank", "pk")
    for status in drawn.values_list("record__status", flat=True):
        if status in LEFT:
            continue
        if status != RecordStatus.ACCEPTED and status not in BAD:
            break
        outcomes.append(status in BAD)
    return outcomes


def rank_of(seed: int, record: Record) -> int:
    """The place of ``record`` in the random order: 63 bits of SHA-256 over the seed and its uuid."""
    digest = hashlib.sha256(f"{seed}:{record.uuid}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def _problems(kind: PlanKind, share: float | None, risk_share: float, rule: Plan) -> list[str]:
    problems = []
    if kind != PlanKind.SEQUENTIAL and (share is None or not 0 < share < 1):
        problems.append("share: above 0 and below 1.")
    if not 0 <= risk_share <= 0.5:
        problems.append("share of the riskiest: 0 to 0.5.")
    if not 0 < rule.good < rule.poor < 1:
        problems.append("the share of bad records that is fine lies above 0 and below the one that is not.")
    if not (0 < rule.alpha <= 0.5 and 0 < rule.beta <= 0.5):
        problems.append("both error rates lie above 0 and at most at 0.5.")
    return problems


def takeable(lot: Lot) -> TaskQuerySet:
    """What waits here for a first look and came straight from the checks. Whatever people have had to do with
    (recalled, undone, flagged, sent on against a check's word, in somebody's hands) stays with people."""
    others = ReviewTask.objects.filter(record=OuterRef("record")).exclude(pk=OuterRef("pk"))
    passed = RecordEvent.objects.filter(
        record=OuterRef("record"), seq=OuterRef("record__event_seq"), status_from=RecordStatus.GENERATED
    )
    return (
        ReviewTask.objects.obtainable(database_now())
        .filter(
            Exists(passed),
            ~Exists(others),
            lot=lot,
            kind=TaskKind.REVIEW,
            assignee=None,
            record__status=RecordStatus.AWAITING_REVIEW,
        )
        .order_by("pk")
    )


def _take(plan: SamplingPlan, size: int) -> None:
    chosen = takeable(plan.lot).filter(pk__lte=plan.last_task).select_related("record")
    tasks = list(chosen.select_for_update(skip_locked=True, of=("self", "record"))[:size])
    if tasks:
        ids = [task.pk for task in tasks]
        ReviewTask.objects.filter(pk__in=ids).update(
            status=TaskStatus.CANCELLED, lease_holder=None, lease_until=None
        )
        LotDelta.objects.create(lot=plan.lot, opened=-len(tasks))
        records = [task.record for task in tasks]
        move_records(
            records=records, to=RecordStatus.SAMPLED_OUT, actor=plan.started_by, reason=f"set aside by {plan}"
        )
        PlannedRecord.objects.bulk_create(
            PlannedRecord(plan=plan, record=record, rank=rank_of(plan.seed, record)) for record in records
        )
        _again(plan, population=F("population") + len(tasks))
    elif not plan.population:
        _move(
            plan, PlanStatus.RETURNING, note="nothing was left to set aside", next_attempt_at=database_now()
        )
    else:
        draw_risky(plan, count=ceil(plan.risk_share * plan.population))
        _move(plan, PlanStatus.SAMPLING, next_attempt_at=database_now())


def _sample(plan: SamplingPlan, size: int) -> None:
    if missing := _to_draw(plan):
        draw_next(plan, count=min(missing, size))
        _again(plan)
        return
    sample = sample_of(plan)
    is_whole = not plan.records.filter(is_random=False).exists()
    values: dict[str, Any] = {"reviewed": sample.reviewed, "bad": sample.bad, "decided_at": database_now()}
    if plan.kind == PlanKind.REDUCED and sample.verdict == Verdict.ACCEPTED:
        _, carried = run_reduced(plan.rule, carried_into(plan), decided_run(plan), is_through=True)
        values |= {"carried_reviewed": carried.reviewed, "carried_bad": carried.bad}
    if sample.verdict == Verdict.ACCEPTED:
        _move(plan, PlanStatus.ACCEPTING, next_attempt_at=database_now(), **values)
    elif sample.verdict == Verdict.REFUSED:
        is_paused = _pause(plan, sample)
        note = "No new run of its prompt starts until a lead lifts the pause." if is_paused else ""
        _move(plan, PlanStatus.REFUSING, next_attempt_at=database_now(), note=note, **values)
    elif is_whole and sample.reviewed == _still_in(plan):
        _move(
            plan,
            PlanStatus.RETURNING,
            next_attempt_at=database_now(),
            note="people saw every record",
            **values,
        )
    else:
        # People have to decide first.
        _again(plan, after=LOOK_AGAIN)


def _still_in(plan: SamplingPlan) -> int:
    return plan.records.exclude(record__status__in=LEFT).count()


def _to_draw(plan: SamplingPlan) -> int:
    """How many more of the random order are to go to people now."""
    drawn = plan.records.filter(is_random=True)
    left = plan.records.filter(is_random=False).count()
    if plan.kind != PlanKind.SEQUENTIAL:
        return min(left, max(0, ceil((plan.share or 0) * plan.population) - drawn.count()))
    if run_plan(plan.rule, decided_run(plan)).verdict != Verdict.UNDECIDED:
        return 0
    waiting = drawn.filter(record__status__in=[RecordStatus.AWAITING_REVIEW, RecordStatus.FLAGGED]).count()
    return min(left, max(0, AHEAD - waiting))


def _settle(plan: SamplingPlan, size: int) -> None:
    rest = Record.objects.filter(planned__plan=plan, status=RecordStatus.SAMPLED_OUT).order_by("pk")
    records = list(rest.select_for_update(of=("self",))[:size])
    if records:
        _settle_records(plan, records)
        _again(plan)
    else:
        to = SETTLING[PlanStatus(plan.status)]
        _move(plan, to, finished_at=database_now(), next_attempt_at=None)


def _settle_records(plan: SamplingPlan, records: Sequence[Record]) -> None:
    if plan.status == PlanStatus.ACCEPTING:
        move_records(
            records=records,
            to=RecordStatus.ACCEPTED,
            actor=None,
            reason=f"{plan}: lot accepted",
            review_method=ReviewMethod.LOT,
            reviewed_at=database_now(),
            decision_uuid=plan.uuid,
        )
        return
    why = "lot refused" if plan.status == PlanStatus.REFUSING else "full review"
    move_records(
        records=records,
        to=RecordStatus.AWAITING_REVIEW,
        actor=plan.stopped_by,
        reason=f"{plan}: {why}",
        due_at=database_now(),
    )


def _pause(plan: SamplingPlan, sample: Sample) -> bool:
    """Whether there was a prompt to pause: what was imported has none here."""
    lot = plan.lot
    pause = pause_prompt(
        project=lot.project,
        label=lot.prompt_version,
        model=lot.generator_model,
        reason=f"Its lot was refused: {sample.bad} of {sample.reviewed} edited or rejected.",
    )
    return pause is not None


def _again(plan: SamplingPlan, *, after: timedelta = timedelta(), **changes: Any) -> None:
    SamplingPlan.objects.filter(pk=plan.pk).update(next_attempt_at=database_now() + after, **changes)


def _move(plan: SamplingPlan, to: PlanStatus, **changes: Any) -> None:
    PLAN_MACHINE.swap(SamplingPlan.objects.filter(pk=plan.pk), old=plan.status, new=to, **changes)
    plan.refresh_from_db()
