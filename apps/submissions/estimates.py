"""What something will cost and take, before anybody says yes. Every figure says where it is from; a guess says so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import QuerySet, Sum
from django.utils import timezone

from apps.providers import Provider, provider_of
from apps.providers.base import JsonObject, Volume
from apps.submissions.budgets import CENT_FRACTIONS, tokens_cost
from apps.submissions.models import Connection, Delivery, RequestOutcome, Submission, SubmissionRequest
from apps.submissions.prices import price_for, price_json
from apps.submissions.services import NOTHING, Reservation

# A short customer message with its label, as JSON. Only until the first answers have been counted.
GUESSED_OUTPUT_PER_RECORD = 80
# Models write more on some days; what is not needed is given back at the end.
MARGIN = Decimal("1.25")


@dataclass(frozen=True, kw_only=True)
class Tokens:
    """For everything that is asked. ``source`` says in words how they were counted."""

    input: int
    output: int
    source: str
    is_guess: bool


def count_tokens(
    *,
    provider: Provider,
    sample: JsonObject | None,
    volume: Volume,
    history: QuerySet[Submission],
    guessed_output: int = GUESSED_OUTPUT_PER_RECORD,
) -> Tokens:
    """As many as earlier answered requests of ``history`` took; before there are any, by ``sample``.

    ``guessed_output`` are the tokens of what one record asked for is answered with.
    """
    # While answers come in, there are tokens of some requests only.
    ended = history.filter(settled_at__isnull=False, output_tokens__gt=0)
    requests = SubmissionRequest.objects.filter(submission__in=ended, outcome=RequestOutcome.ANSWERED).count()
    if requests:
        took = ended.aggregate(
            input=Sum("input_tokens"), output=Sum("output_tokens"), records=Sum("records_made")
        )
        # Some purposes make no records: there it is so much a request.
        each, wanted = (took["records"], volume.records) if took["records"] else (requests, volume.requests)
        return Tokens(
            input=round(took["input"] / requests * volume.requests),
            output=round(took["output"] / each * wanted),
            source=f"as {requests:,} answered request{'s' if requests > 1 else ''} of this prompt took",
            is_guess=False,
        )
    one = provider.count_tokens(sample) if sample else None
    tokens = one.tokens if one else 0
    return Tokens(
        input=tokens * volume.requests,
        output=guessed_output * volume.records if tokens else 0,
        source=f"{'about ' if one and one.is_guess else ''}{tokens:,} a request, {guessed_output} a record",
        is_guess=bool(tokens),
    )


def estimate(
    *,
    connection: Connection,
    delivery: str,
    volume: Volume,
    submissions: int,
    tokens: Tokens,
    needed_by: datetime | None = None,
) -> dict[str, Any]:
    """JSON for a row to keep: volume, tokens, money in US dollars (as text), time, and advice in words."""
    provider = provider_of(connection.provider)
    is_batch = delivery == Delivery.BATCH
    price = price_json(price_for(connection, is_batch=is_batch))
    synchronous = price_json(price_for(connection, is_batch=False))
    time = provider.time_for(volume, is_batch=is_batch)
    money, synchronous_money = _money(price, tokens), _money(synchronous, tokens)
    return {
        "requests": volume.requests,
        "records": volume.records,
        "submissions": submissions,
        "request_bytes": volume.request_bytes,
        "input_tokens": tokens.input,
        "output_tokens": tokens.output,
        "tokens_source": tokens.source,
        "money": _text(money),
        "synchronous_money": _text(synchronous_money) if synchronous else "",
        "currency": "USD",
        "price": price,
        "synchronous_price": synchronous,
        "source": price.get("source", "no list knows the price of this model: enter one in the admin"),
        "as_of": price.get("as_of", ""),
        "is_guess": not price or (bool(money) and (tokens.is_guess or price["is_guess"])),
        "delivery": delivery,
        "seconds": max(1, round(time.total_seconds())) if time else 0,
        "window_hours": round(provider.window.total_seconds() / 3600) if is_batch and provider.window else 0,
        "advice": advice(provider, delivery, needed_by, saved=synchronous_money - money),
    }


def _money(price: Mapping[str, Any], tokens: Tokens) -> Decimal:
    return tokens_cost(price, input_tokens=tokens.input, output_tokens=tokens.output)


def _text(money: Decimal) -> str:
    return f"{money.normalize():f}" if money else "0"


def advice(provider: Provider, delivery: str, needed_by: datetime | None, *, saved: Decimal) -> str:
    """Batch or one by one, by the documented window; "" where there is nothing to choose."""
    if not (provider.has_batches and provider.has_synchronous and provider.window):
        return ""
    hours = f"{provider.window.total_seconds() / 3600:,.0f} hours"
    cheaper = f" and about ${saved:,.2f} cheaper" if saved >= Decimal("0.01") else ""
    is_late = needed_by is not None and timezone.now() + provider.window > needed_by
    if is_late and delivery == Delivery.BATCH:
        return (
            f"A batch may take {hours} by {provider.title}'s documentation, and this is needed before that: "
            "send it one by one, or plan for later."
        )
    if is_late:
        return f"One by one is right: a batch may take {hours}, and this is needed before that."
    if delivery == Delivery.BATCH:
        return f"A batch is right: back within {hours} by {provider.title}'s documentation{cheaper}."
    return f"A batch would do: back within {hours} by {provider.title}'s documentation and cheaper."


def reservation_for(kept: Mapping[str, Any], *, requests: int) -> Reservation:
    """What one submission of ``requests`` sets aside of an estimate, with room for models that write more."""
    if not kept.get("price"):
        return NOTHING
    share = Decimal(requests) / max(1, kept["requests"])
    return Reservation(
        amount=(Decimal(kept["money"]) * share * MARGIN).quantize(CENT_FRACTIONS),
        price=kept["price"],
        synchronous_price=kept["synchronous_price"],
    )


def expiry_warning(submission: Submission, *, within: timedelta = timedelta(days=3)) -> str:
    """What to do before the provider deletes results that are not here yet; "" while there is time."""
    expire_at = submission.results_expire_at
    if (
        expire_at is None
        or submission.result_file
        or submission.finished_at
        or expire_at > timezone.now() + within
    ):
        return ""
    return (
        f"The provider deletes these results on {timezone.localtime(expire_at):%-d %b, %H:%M}; they are not here "
        "yet. Look at what happened to the batch below, and whether the generation worker runs."
    )
