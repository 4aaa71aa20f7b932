"""Records that come into a lot after its plan began: each batch is sampled on its own, as those before it earned.

How closely follows from the verdicts on the lot so far (``core.statistics.switching``): one after the other until
decided, at first and after a refusal; a tenth of a batch after one that passed; half the tolerance after two refusals
within five; people see everything once it was refused five times under that.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from math import ceil

from django.db import transaction

from apps.accounts.models import User
from apps.core.clock import database_now
from apps.core.errors import DomainError, RefusedError
from apps.core.statistics.sequential import Plan
from apps.core.statistics.switching import Level, level_of, tightened
from apps.review.models import Lot
from apps.review.plan_models import OPEN_PLAN, PASSED, PlanKind, SamplingPlan
from apps.review.plans import LEAST_POPULATION, start_plan, takeable

REDUCED_SHARE = 0.10
ENOUGH_ALONE = 77
"""A sample of this size tells 5% from 15% bad by itself (measurement.md §5: n = 77, c = 7): no need to carry over."""
LOOK_AGAIN = timedelta(seconds=30)
MOST_IN_BATCH = 1_000_000


@dataclass(frozen=True)
class NextPlan:
    """What the history of a lot asks for. ``kind``: None where people have to see everything."""

    level: Level
    passed: int
    refused: int
    kind: PlanKind | None
    share: float | None
    rule: Plan

    @property
    def words(self) -> str:
        """For the page; nothing where there is no history."""
        if not self.passed + self.refused:
            return ""
        before = f"Batches before: {self.passed} passed, {self.refused} refused"
        meaning = {
            Level.NORMAL: "so this one is looked at until it is decided.",
            Level.REDUCED: "the last one passed, so a tenth is enough: each such sample adds to the ones before it.",
            Level.TIGHTENED: "two of five were refused, so less counts as fine until five in a row have passed.",
            Level.ENDED: "five under tightened sampling: people have to see every record of this lot.",
        }
        return f"{before}; {meaning[self.level]}"


def next_plan(lot: Lot, *, waiting: int) -> NextPlan:
    """By the verdicts on ``lot`` so far, for a batch of ``waiting`` records."""
    plans = list(SamplingPlan.objects.with_verdict().filter(lot=lot).order_by("pk"))
    history = [plan.status in PASSED for plan in plans]
    level = level_of(history)
    chosen = [plan.rule for plan in lot.plans.exclude(level=Level.TIGHTENED).order_by("pk")]
    rule = chosen[-1] if chosen else Plan()
    kind: PlanKind | None = PlanKind.SEQUENTIAL
    share = None
    if level == Level.REDUCED:
        share = REDUCED_SHARE
        kind = PlanKind.SHARE if ceil(share * waiting) >= ENOUGH_ALONE else PlanKind.REDUCED
    elif level == Level.TIGHTENED:
        rule = tightened(rule)
    elif level == Level.ENDED:
        kind = None
    return NextPlan(level, sum(history), len(history) - sum(history), kind, share, rule)


def start_next_plan(*, lot: Lot, actor: User | None, risk_share: float = 0.0) -> SamplingPlan:
    """The plan that the history of ``lot`` asks for, over what waits. RefusedError where it asks for full review."""
    plan = next_plan(lot, waiting=takeable(lot).count())
    if plan.kind is None:
        raise RefusedError(plan.words)
    return start_plan(
        lot=lot,
        kind=plan.kind,
        share=plan.share,
        rule=plan.rule,
        level=plan.level,
        risk_share=risk_share,
        actor=actor,
    )


def follow_lot(*, lot: Lot, batch_size: int | None) -> None:
    """From now on every ``batch_size`` records that wait in ``lot`` come under their next plan by themselves.

    None: no more. RefusedError for a size that is too small to sample.
    """
    if batch_size is not None and not LEAST_POPULATION <= batch_size <= MOST_IN_BATCH:
        raise RefusedError(f"A batch has {LEAST_POPULATION} to {MOST_IN_BATCH:,} records.")
    due = None if batch_size is None else database_now()
    Lot.objects.filter(pk=lot.pk).update(batch_size=batch_size, next_batch_at=due)


def lots_due() -> list[int]:
    due = Lot.objects.open().filter(next_batch_at__lte=database_now()).order_by("pk")
    return list(due.values_list("pk", flat=True))


def begin_batch(lot_id: int) -> SamplingPlan | None:
    """Puts a batch that has come together under its plan. Idempotent; the next count is LOOK_AGAIN later."""
    with transaction.atomic():
        due = Lot.objects.open().filter(pk=lot_id, next_batch_at__lte=database_now())
        lot = due.select_for_update(skip_locked=True, of=("self",), no_key=True).first()
        if lot is None or lot.batch_size is None:
            return None
        Lot.objects.filter(pk=lot.pk).update(next_batch_at=database_now() + LOOK_AGAIN)
        if lot.plans.filter(status__in=OPEN_PLAN).exists():
            return None
        if takeable(lot)[: lot.batch_size].count() < lot.batch_size:
            return None
    if next_plan(lot, waiting=lot.batch_size).kind is None:
        # People see everything: there is no next plan for this lot.
        follow_lot(lot=lot, batch_size=None)
        return None
    with suppress(DomainError):
        # Where somebody was quicker, the next count finds what is left.
        return start_next_plan(lot=lot, actor=None)
    return None
