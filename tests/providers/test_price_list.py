"""List prices: per vendor what batches cost, and what is a guess."""

from __future__ import annotations

import re
import sys
from decimal import Decimal

import genai_prices
import pytest

from apps.providers.base import TokenPrice
from apps.providers.bedrock import Bedrock
from apps.providers.price_list import context_window, listed_price


def price(vendor: str, model: str, *, is_batch: bool = False) -> TokenPrice:
    found = listed_price(model, vendor=vendor, is_batch=is_batch)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("vendor", "model"),
    [
        ("openai", "gpt-4o-mini"),
        ("openai", "gpt-5-mini-2025-08-07"),
        ("anthropic", "claude-haiku-4-5"),
        ("google", "gemini-2.5-flash"),
    ],
)
def test_where_the_list_has_batch_prices_they_are_lower_and_no_guess(vendor: str, model: str) -> None:
    full, batch = price(vendor, model), price(vendor, model, is_batch=True)
    assert (batch.input, batch.output) == (full.input / 2, full.output / 2)
    assert not full.is_guess
    assert not batch.is_guess
    assert "half" not in batch.source


@pytest.mark.parametrize(
    ("vendor", "model"),
    [
        ("azure", "gpt-4o-mini"),
        ("aws", "anthropic.claude-3-5-haiku-20241022-v1:0"),
        ("aws", "amazon.nova-lite-v1:0"),
        ("anthropic", "claude-opus-4-1-20250805"),
        ("google", "gemini-2.0-flash"),
    ],
)
def test_where_the_list_is_silent_half_the_price_is_a_guess_that_says_so(vendor: str, model: str) -> None:
    full, batch = price(vendor, model), price(vendor, model, is_batch=True)
    assert (batch.input, batch.output) == (full.input / 2, full.output / 2)
    assert batch.is_guess
    assert "half of it for batches" in batch.source


@pytest.mark.parametrize(("vendor", "model"), [("azure", "gpt-4o-mini"), ("aws", "amazon.nova-lite-v1:0")])
def test_the_list_itself_would_give_the_full_price_for_a_batch_without_a_word(
    vendor: str, model: str
) -> None:
    """Negative control: the trap that the guess is for."""
    usage = genai_prices.Usage(input_tokens=1000, output_tokens=1000)
    full, batch = (
        genai_prices.calc_price(usage, model, provider_id=vendor, price_context=context)
        for context in (None, {"processing": "batch"})
    )
    assert full.total_price == batch.total_price


def test_a_batch_price_that_the_list_says_is_the_full_one_is_taken_as_it_is() -> None:
    """OpenAI gives no discount on this model, and the list says that it looked."""
    full, batch = (price("openai", "gpt-3.5-turbo-1106", is_batch=is_batch) for is_batch in (False, True))
    assert (batch.input, batch.output, batch.is_guess) == (full.input, full.output, False)


def test_the_price_of_a_models_maker_is_a_guess_at_a_cloud() -> None:
    azure, maker = price("azure", "gpt-4o-mini"), price("openai", "gpt-4o-mini")
    assert (azure.input, azure.output) == (maker.input, maker.output)
    assert azure.is_guess
    assert "as the model's maker lists it" in azure.source


@pytest.mark.parametrize("profile", ["", "eu.", "us.", "apac.", "global."])
def test_bedrocks_models_are_found_by_name_by_profile_and_by_arn(profile: str) -> None:
    name = f"{profile}anthropic.claude-sonnet-4-20250514-v1:0"
    kind = "123456789012:inference-profile" if profile else ":foundation-model"
    for model in (name, f"arn:aws:bedrock:eu-central-1:{kind}/{name}"):
        found = Bedrock().price(model, is_batch=False)
        assert found
        assert found.input == 3
        assert Bedrock().context_window(model)


def test_a_profile_that_stays_in_a_region_costs_more_where_the_list_says_so() -> None:
    regional, everywhere = (
        price("aws", f"{profile}.anthropic.claude-sonnet-4-5-20250929-v1:0") for profile in ("eu", "global")
    )
    assert regional.input == everywhere.input * Decimal("1.1")


def test_claude_at_google_has_a_price() -> None:
    assert price("google", "claude-sonnet-4-5@20250929").input == 3


@pytest.mark.parametrize(
    ("vendor", "model"),
    [
        ("openai", "no-such-model"),
        ("azure", "our-batch-deployment"),
        ("aws", "arn:aws:bedrock:eu-central-1:123456789012:application-inference-profile/a1b2c3"),
        ("nobody", "gpt-4o-mini"),
    ],
)
def test_what_no_list_knows_has_no_price(vendor: str, model: str) -> None:
    assert listed_price(model, vendor=vendor, is_batch=True) is None
    assert context_window(model, vendor=vendor) is None


def test_without_the_list_there_is_no_price(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "genai_prices", None)
    assert listed_price("gpt-4o-mini", vendor="openai", is_batch=True) is None


def test_cached_tokens_never_cost_more_than_others() -> None:
    for vendor, model in [("aws", "amazon.nova-lite-v1:0"), ("openai", "gpt-4o-mini"), ("azure", "gpt-4o")]:
        for is_batch in (False, True):
            found = price(vendor, model, is_batch=is_batch)
            assert found.cached_input is not None
            assert 0 < found.cached_input <= found.input


def test_the_source_names_the_list_its_version_and_a_day_that_has_been() -> None:
    """The list's comments name days to come as well: of a price that will change, of a model that will go."""
    for vendor, model in [
        ("openai", "gpt-4o-mini"),
        ("anthropic", "claude-opus-4-8"),
        ("aws", "amazon.nova-lite-v1:0"),
    ]:
        found = price(vendor, model)
        assert re.fullmatch(r"genai-prices \d+\.\d+\.\d+", found.source)
        assert "2026-10-01" < found.as_of < "2026-11-20"


def test_a_context_window_is_in_tokens() -> None:
    assert context_window("gpt-4o-mini", vendor="openai") == 128_000
