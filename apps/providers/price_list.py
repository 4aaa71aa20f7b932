"""Vendors' list prices, from the list that ``genai-prices`` brings along. Nothing is fetched."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from importlib.metadata import version
from typing import Any

from apps.core.errors import DomainError
from apps.providers.base import TokenPrice
from apps.providers.sdk import sdk

PACKAGE = "genai-prices"
MILLION = Decimal(1_000_000)
# Few enough to stay below every tier: some lists ask more for long requests.
SAMPLE_TOKENS = 1_000
BATCH = {"processing": "batch"}
USUAL_BATCH_SHARE = Decimal("0.5")
# The comments of the list name many days: of a launch, of a price to come. This one is when somebody looked.
_LOOKED_AT = re.compile(r"\b(?:verified|checked)\b[^.]*?\b(20\d\d-\d\d-\d\d)\b", re.IGNORECASE)


@dataclass(frozen=True)
class _Listed:
    input: Decimal
    output: Decimal
    cached_input: Decimal


def listed_price(model: str, *, vendor: str, is_batch: bool) -> TokenPrice | None:
    """Per million tokens of short requests; None when the list is not installed or does not know the model.

    Two prices are guesses, and their source says so. Where the list has no batch price it gives the full one
    without a word (all of Azure and Bedrock, some models elsewhere): half of it is taken then, what all five
    vendors say of their batches. And for a model that a cloud resells it may give the price of the model's maker.
    """
    plain = _calculated(model, vendor, {"input_tokens": SAMPLE_TOKENS}, None)
    if plain is None:
        return None
    notes = [] if _is_own(plain) else [", as the model's maker lists it"]
    if is_batch and not _has_batches(plain):
        notes.append(", half of it for batches")
        full = _listed(model, vendor, None)
        half = full.input * USUAL_BATCH_SHARE
        # A cached token may not get the discount twice.
        found = replace(
            full,
            input=half,
            output=full.output * USUAL_BATCH_SHARE,
            cached_input=min(full.cached_input, half),
        )
    else:
        found = _listed(model, vendor, BATCH if is_batch else None)
    return TokenPrice(
        input=found.input,
        output=found.output,
        cached_input=found.cached_input,
        source="".join([f"{PACKAGE} {version(PACKAGE)}", *notes]),
        as_of=_looked_at(plain.model) or _list_of(),
        is_guess=bool(notes) and bool(found.input or found.output),
    )


def context_window(model: str, *, vendor: str) -> int | None:
    """Tokens that the model takes at once; None where the list does not say."""
    found = _calculated(model, vendor, {"input_tokens": 1}, None)
    return found.model.context_window if found else None


def _listed(model: str, vendor: str, context: dict[str, str] | None) -> _Listed:
    def per_million(**tokens: int) -> Decimal:
        price = _calculated(model, vendor, tokens, context).total_price
        return Decimal(price) * MILLION / SAMPLE_TOKENS

    return _Listed(
        per_million(input_tokens=SAMPLE_TOKENS),
        per_million(output_tokens=SAMPLE_TOKENS),
        per_million(input_tokens=SAMPLE_TOKENS, cache_read_tokens=SAMPLE_TOKENS),
    )


def _calculated(model: str, vendor: str, tokens: dict[str, int], context: dict[str, str] | None) -> Any:
    """The list's own answer; None where it has none."""
    try:
        prices = sdk("genai_prices")
    except DomainError:
        return None
    more = {"price_context": context} if context else {}
    try:
        return prices.calc_price(prices.Usage(**tokens), model, provider_id=vendor, **more)
    except LookupError:
        return None


def _is_own(calculated: Any) -> bool:
    """False where the list fell back to the price of another vendor."""
    return any(calculated.model is model for model in calculated.provider.models)


def _has_batches(calculated: Any) -> bool:
    """Whether the list says what batches cost today. For models of another vendor it ignores what it has."""
    now = datetime.now(UTC)
    return _is_own(calculated) and any(
        variant.when == BATCH and (variant.constraint is None or variant.constraint.active(now))
        for variant in calculated.model.price_variants or ()
    )


def _looked_at(model: Any) -> str:
    """The day on which the list says that somebody looked this price up; "" where it does not say."""
    return max(_LOOKED_AT.findall(model.price_comments or ""), default="")


@cache
def _list_of() -> str:
    """The newest such day of the whole list: as near as it says when it was made."""
    providers = sdk("genai_prices.data").providers
    return max((_looked_at(model) for provider in providers for model in provider.models), default="")
