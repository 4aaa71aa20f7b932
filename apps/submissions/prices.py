"""What tokens cost through a connection: the team's own price, else the vendor's list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from apps.accounts.models import User
from apps.core.errors import DomainError
from apps.providers import provider_of
from apps.providers.base import TokenPrice
from apps.submissions.models import Connection, Price


def price_for(connection: Connection, *, is_batch: bool) -> TokenPrice | None:
    """US dollars per million tokens from today on; None where neither the team nor a list knows."""
    own = _holding_today().filter(provider=connection.provider, model=connection.model, is_batch=is_batch)
    return _price(connection, own.order_by("-as_of").first(), is_batch=is_batch)


@dataclass(frozen=True)
class Prices:
    """Of one connection; None where neither the team nor a list knows."""

    batch: TokenPrice | None
    synchronous: TokenPrice | None


def prices_of(connections: Sequence[Connection]) -> dict[int, Prices]:
    """As ``price_for``, of many connections by their pk. One query."""
    rows = _holding_today().filter(model__in={connection.model for connection in connections})
    # The newest comes last and stays.
    own = {(row.provider, row.model, row.is_batch): row for row in rows.order_by("as_of")}
    return {
        connection.pk: Prices(
            *(
                _price(
                    connection, own.get((connection.provider, connection.model, is_batch)), is_batch=is_batch
                )
                for is_batch in (True, False)
            )
        )
        for connection in connections
    }


def _holding_today() -> QuerySet[Price]:
    return Price.objects.filter(as_of__lte=timezone.now().date())


def _price(connection: Connection, own: Price | None, *, is_batch: bool) -> TokenPrice | None:
    if own is None:
        return provider_of(connection.provider).price(connection.model, is_batch=is_batch)
    return TokenPrice(
        input=own.input,
        output=own.output,
        cached_input=own.cached_input,
        source=f"our own price: {own.source}",
        as_of=own.as_of.isoformat(),
    )


def enter_price(
    *,
    provider_key: str,
    model: str,
    is_batch: bool,
    input: Decimal,
    output: Decimal,
    cached_input: Decimal | None = None,
    source: str,
    as_of: date,
    actor: User | None,
) -> Price:
    """US dollars per million tokens from ``as_of`` on; a second one for the same day replaces the first.

    What was sent keeps the price that it was planned with. DomainError when the provider is not known.
    """
    price, _ = Price.objects.update_or_create(
        provider=provider_of(provider_key).key,
        model=model,
        is_batch=is_batch,
        as_of=as_of,
        defaults={
            "input": input,
            "output": output,
            "cached_input": cached_input,
            "source": source,
            "entered_by": actor,
        },
    )
    return price


def dollars_of(text: str) -> Decimal:
    """What somebody typed as a sum of US dollars, not negative; DomainError when it is none."""
    try:
        money = Decimal(text)
    except InvalidOperation:
        money = Decimal("NaN")
    if not money.is_finite() or money < 0:
        raise DomainError(f"{text!r} is no sum of US dollars: write 0.15.")
    return money


def price_json(price: TokenPrice | None) -> dict[str, Any]:
    """``price`` as submissions and estimates keep it; {} where there is none."""
    if price is None:
        return {}
    return {
        "input": str(price.input),
        "output": str(price.output),
        "cached_input": None if price.cached_input is None else str(price.cached_input),
        "source": price.source,
        "as_of": price.as_of,
        "is_guess": price.is_guess,
    }
