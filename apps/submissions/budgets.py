"""What a project may spend. Money is reserved before anything is sent, and settled when a submission ends.

A reservation is one conditional UPDATE for each period: of two that together exceed a cap, the database lets one
through. Both periods, all time and the month, move in the transaction of the status that they belong to.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import F, Q

from apps.core.clock import database_now
from apps.core.errors import RefusedError
from apps.specs.models import Project
from apps.submissions.models import Budget, Delivery, Spending, Submission, SubmissionStatus

S = SubmissionStatus
MILLION = Decimal(1_000_000)
CENT_FRACTIONS = Decimal("0.000001")
# Ended before the provider did any work.
UNDONE = frozenset({S.REJECTED, S.FAILED})


def period_of(moment: datetime) -> str:
    """The month that pays for what is reserved at ``moment``."""
    return f"{moment:%Y-%m}"


@transaction.atomic
def reserve(*, project: Project, amount: Decimal) -> str:
    """Sets ``amount`` US dollars aside; returns the month that pays.

    RefusedError names the cap that is in the way, what of it is taken, and what to do.
    """
    month = period_of(database_now())
    budget = Budget.objects.filter(project=project).first()
    caps = {
        Spending.TOTAL: budget.total_cap if budget else None,
        month: budget.month_cap if budget else None,
    }
    # Always in this order, so that two reservations never wait for each other.
    for period, cap in caps.items():
        Spending.objects.get_or_create(project=project, period=period)
        rows = Spending.objects.filter(project=project, period=period)
        if not _take(rows, amount, cap):
            _refuse(rows.get(), amount, cap)
    return month


def refuse_over_budget(*, project: Project, amount: Decimal) -> None:
    """The same refusal before anything is written down; what holds is the reservation."""
    budget = Budget.objects.filter(project=project).first()
    if budget is None:
        return
    caps = {Spending.TOTAL: budget.total_cap, period_of(database_now()): budget.month_cap}
    for period, cap in caps.items():
        row = Spending.objects.filter(project=project, period=period).first() or Spending(period=period)
        if cap is not None and row.reserved + row.spent + amount > cap:
            _refuse(row, amount, cap)


def refuse_unpriced(*, project: Project) -> None:
    """RefusedError where the project has a cap: what nobody knows the price of cannot be kept under one."""
    caps = Q(total_cap__isnull=False) | Q(month_cap__isnull=False)
    if Budget.objects.filter(caps, project=project).exists():
        raise RefusedError(
            "Nobody knows what this costs, and the project has a budget; nothing was sent.",
            [
                "No list has a price for this model. Enter one in the admin (Prices), 0 for a server of your own; "
                "then estimate again."
            ],
        )


def _take(rows: Any, amount: Decimal, cap: Decimal | None) -> bool:
    """Reserves in one statement, if the cap allows it."""
    within = Q() if cap is None else Q(reserved__lte=Decimal(cap) - amount - F("spent"))
    return bool(rows.filter(within).update(reserved=F("reserved") + amount))


def _refuse(row: Spending, amount: Decimal, cap: Decimal | None) -> None:
    what = f"The cap of {row.period}" if row.period else "The cap of this project"
    raise RefusedError(
        "This would go over the budget; nothing was sent.",
        [
            f"{what} is ${cap:,.2f}: ${row.spent:,.2f} are spent and ${row.reserved:,.2f} reserved, and this "
            f"needs ${amount:,.2f}. Ask for fewer records, wait for what is under way, or raise the cap."
        ],
    )


def settle(submission: Submission) -> None:
    """Turns the reservation of an ended ``submission`` into what it cost. Once; in the transaction that ended it."""
    cost, is_guess = cost_of(submission)
    settled = Submission.objects.filter(pk=submission.pk, settled_at=None).update(
        cost=cost, cost_is_guess=is_guess, settled_at=database_now()
    )
    if not settled or not submission.reserved_period:
        return
    for period in (Spending.TOTAL, submission.reserved_period):
        Spending.objects.filter(project=submission.project_id, period=period).update(
            reserved=F("reserved") - submission.reserved, spent=F("spent") + cost
        )


def cost_of(submission: Submission) -> tuple[Decimal, bool]:
    """US dollars that an ended submission cost, and whether that is a guess.

    What was sent and came back without any count of tokens is taken to have cost what was reserved: a batch that
    was cancelled or given up may have been billed. Of requests posted one by one, as much as were posted.
    """
    has_usage = submission.input_tokens or submission.output_tokens
    if has_usage:
        is_guess = not submission.price or bool(submission.price.get("is_guess"))
        return _priced(submission, submission.price), is_guess
    if not submission.post_count or submission.status in UNDONE:
        return Decimal(0), False
    if submission.delivery == Delivery.BATCH:
        return submission.reserved, bool(submission.reserved)
    return share_of(submission, min(submission.post_count, submission.request_count)), bool(
        submission.reserved
    )


def share_of(submission: Submission, requests: int) -> Decimal:
    """US dollars of what ``submission`` has reserved that so many of its requests may cost at most."""
    share = Decimal(requests) / submission.request_count
    return (submission.reserved * share).quantize(CENT_FRACTIONS)


def synchronous_cost_of(submission: Submission) -> Decimal | None:
    """What the same tokens would have cost one by one; None where no list has that price."""
    return _priced(submission, submission.synchronous_price) if submission.synchronous_price else None


def _priced(submission: Submission, price: Mapping[str, Any]) -> Decimal:
    return tokens_cost(
        price,
        input_tokens=submission.input_tokens,
        output_tokens=submission.output_tokens,
        cached_tokens=submission.cached_tokens,
    )


def tokens_cost(
    price: Mapping[str, Any], *, input_tokens: int, output_tokens: int, cached_tokens: int = 0
) -> Decimal:
    """US dollars; ``price`` per million tokens as a submission keeps it. No price known: nothing."""
    if not price:
        return Decimal(0)
    cached_price = Decimal(str(price.get("cached_input") or price["input"]))
    money = (
        (input_tokens - cached_tokens) * Decimal(str(price["input"]))
        + cached_tokens * cached_price
        + output_tokens * Decimal(str(price["output"]))
    )
    return (money / MILLION).quantize(CENT_FRACTIONS)
