"""What tokens cost through a connection: the team's own price, else the vendor's list."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from apps.providers import provider_of
from apps.providers.base import TokenPrice
from apps.submissions.models import Connection, Price


def price_for(connection: Connection, *, is_batch: bool) -> TokenPrice | None:
    """US dollars per million tokens from today on; None where neither the team nor a list knows."""
    own = (
        Price.objects.filter(
            provider=connection.provider,
            model=connection.model,
            is_batch=is_batch,
            as_of__lte=timezone.now().date(),
        )
        .order_by("-as_of")
        .first()
    )
    if own is not None:
        return TokenPrice(
            input=own.input,
            output=own.output,
            cached_input=own.cached_input,
            source=f"our own price: {own.source}",
            as_of=own.as_of.isoformat(),
        )
    return provider_of(connection.provider).price(connection.model, is_batch=is_batch)


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
