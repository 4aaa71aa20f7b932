"""What a run costs: reserved, spent, saved against posting one by one, and per accepted record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from apps.core.charts.format import dollars
from apps.records.models import Record
from apps.submissions.budgets import synchronous_cost_of
from apps.submissions.models import Submission

ZERO = Decimal(0)


@dataclass(frozen=True)
class RunMoney:
    """US dollars. ``is_guess``: some of it was sent and no count of tokens came back."""

    reserved: Decimal
    spent: Decimal
    saved: Decimal
    accepted: int
    is_guess: bool
    input_tokens: int
    output_tokens: int
    sources: list[str]
    """Where the prices were read, with the day."""

    @property
    def per_accepted(self) -> Decimal | None:
        return self.spent / self.accepted if self.accepted else None

    @property
    def spent_words(self) -> str:
        return dollars(self.spent)

    @property
    def reserved_words(self) -> str:
        return dollars(self.reserved)

    @property
    def saved_words(self) -> str:
        return dollars(self.saved)

    @property
    def per_accepted_words(self) -> str:
        return "–" if self.per_accepted is None else dollars(self.per_accepted)

    @property
    def tokens_words(self) -> str:
        return f"{self.input_tokens:,} + {self.output_tokens:,}"

    @property
    def is_worth_showing(self) -> bool:
        return bool(self.reserved or self.spent or self.input_tokens)


def run_money(run_uuid: UUID, submissions: Sequence[Submission]) -> RunMoney:
    """One query."""
    settled = [submission for submission in submissions if submission.settled_at]
    open_ones = [submission for submission in submissions if not submission.settled_at]
    spent = sum((submission.cost or ZERO for submission in settled), ZERO)
    counted = [submission for submission in settled if submission.input_tokens]
    synchronous = [(submission.cost or ZERO, synchronous_cost_of(submission)) for submission in counted]
    return RunMoney(
        reserved=sum((submission.reserved for submission in open_ones), ZERO),
        spent=spent,
        saved=sum((full - cost for cost, full in synchronous if full is not None and full > cost), ZERO),
        accepted=Record.objects.filter(run_uuid=run_uuid).releasable().count(),
        is_guess=any(submission.cost_is_guess for submission in settled),
        input_tokens=sum(submission.input_tokens for submission in submissions),
        output_tokens=sum(submission.output_tokens for submission in submissions),
        sources=sorted({price_words(submission.price) for submission in submissions if submission.price}),
    )


def price_words(price: dict[str, str]) -> str:
    """Where a price was read and when."""
    day = f", {price['as_of']}" if price.get("as_of") else ""
    guess = ", a guess" if price.get("is_guess") else ""
    return f"{price.get('source', '')}{day}{guess}"
