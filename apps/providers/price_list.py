"""Vendors' list prices, from the list that ``genai-prices`` brings along. Nothing is fetched."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
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
_DAY = re.compile(r"\b20\d\d-\d\d-\d\d\b")
USUAL_BATCH_SHARE = Decimal("0.5")


@dataclass(frozen=True)
class _Listed:
    input: Decimal
    output: Decimal
    cached_input: Decimal
    listed_at: str


def listed_price(model: str, *, vendor: str, is_batch: bool) -> TokenPrice | None:
    """Per million tokens of short requests; None when the list is not installed or does not know the model.

    Where the list has no batch price it gives the full one without a word (Azure, Bedrock): then half of it is
    taken, what all five vendors say of their batches, and called a guess.
    """
    plain = _listed(model, vendor, None)
    if plain is None:
        return None
    found, is_guess, note = plain, False, ""
    if is_batch:
        batch = _listed(model, vendor, BATCH) or plain
        if batch.input < plain.input or batch.output < plain.output:
            found = batch
        else:
            is_guess, note = bool(plain.input or plain.output), ", half of it for batches"
            found = _Listed(
                plain.input * USUAL_BATCH_SHARE,
                plain.output * USUAL_BATCH_SHARE,
                min(plain.cached_input, plain.input * USUAL_BATCH_SHARE),
                plain.listed_at,
            )
    return TokenPrice(
        input=found.input,
        output=found.output,
        cached_input=found.cached_input,
        source=f"{PACKAGE} {version(PACKAGE)}{note}",
        as_of=found.listed_at,
        is_guess=is_guess,
    )


def context_window(model: str, *, vendor: str) -> int | None:
    """Tokens that the model takes at once; None where the list does not say."""
    found = _calculated(model, vendor, {"input_tokens": 1}, None)
    return found.model.context_window if found else None


def _listed(model: str, vendor: str, context: dict[str, str] | None) -> _Listed | None:
    sent = _calculated(model, vendor, {"input_tokens": SAMPLE_TOKENS}, context)
    said = _calculated(model, vendor, {"output_tokens": SAMPLE_TOKENS}, context)
    cached = _calculated(
        model, vendor, {"input_tokens": SAMPLE_TOKENS, "cache_read_tokens": SAMPLE_TOKENS}, context
    )
    if sent is None or said is None or cached is None:
        return None
    # The list says in its comments when somebody last looked; where it does not, its version is all there is.
    days = _DAY.findall(sent.model.price_comments or "")
    return _Listed(_per_million(sent), _per_million(said), _per_million(cached), max(days, default=""))


def _calculated(model: str, vendor: str, tokens: dict[str, int], context: dict[str, str] | None) -> Any:
    try:
        prices = sdk("genai_prices")
    except DomainError:
        return None
    more = {"price_context": context} if context else {}
    try:
        return prices.calc_price(prices.Usage(**tokens), model, provider_id=vendor, **more)
    except LookupError:
        return None


def _per_million(calculated: Any) -> Decimal:
    return Decimal(calculated.total_price) * MILLION / SAMPLE_TOKENS
