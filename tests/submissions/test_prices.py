"""What tokens cost through a connection: the team's own price goes before every list."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest

from apps.core.clock import database_now
from apps.providers import REGISTRY
from apps.providers.base import TokenPrice
from apps.submissions.budgets import tokens_cost
from apps.submissions.models import Connection, Price
from apps.submissions.prices import price_for, price_json
from tests.submissions.scene import make_connection
from tests.submissions.scripted import Scripted

LISTED = TokenPrice(
    input=Decimal("0.075"), output=Decimal("0.3"), source="a list", as_of="2026-10-14", is_guess=True
)


class Listed(Scripted):
    """A vendor whose batches are on a list."""

    def price(self, model: str, *, is_batch: bool) -> TokenPrice | None:
        return LISTED if is_batch and model == "scripted-1" else None


@pytest.fixture
def connection(db: None, monkeypatch: pytest.MonkeyPatch) -> Connection:
    monkeypatch.setitem(REGISTRY, "scripted", Listed())
    return make_connection()


def enter(amount: str, as_of: date, *, is_batch: bool = True, model: str = "scripted-1") -> None:
    Price.objects.create(
        provider="scripted",
        model=model,
        is_batch=is_batch,
        input=Decimal(amount),
        output=Decimal(amount) * 4,
        source="contract 7",
        as_of=as_of,
    )


def test_without_a_price_of_our_own_the_vendors_list_is_asked(connection: Connection) -> None:
    assert price_for(connection, is_batch=True) == LISTED
    assert price_for(connection, is_batch=False) is None


def test_our_own_price_wins_and_says_where_and_when_it_was_read(connection: Connection) -> None:
    today = database_now().date()
    enter("0.05", today)
    found = price_for(connection, is_batch=True)
    assert found is not None
    assert (found.input, found.output, found.cached_input) == (Decimal("0.05"), Decimal("0.2"), None)
    assert (found.source, found.as_of) == ("our own price: contract 7", today.isoformat())
    assert not found.is_guess


def test_the_newest_price_that_holds_already_is_taken(connection: Connection) -> None:
    today = database_now().date()
    for amount, days in [("3", -30), ("2", -1), ("1", 1)]:
        enter(amount, today + timedelta(days=days))
    found = price_for(connection, is_batch=True)
    assert found is not None
    assert found.input == 2


def test_a_price_of_another_model_or_of_the_other_delivery_says_nothing(connection: Connection) -> None:
    today = database_now().date()
    enter("1", today, model="scripted-2")
    enter("1", today, is_batch=False)
    assert price_for(connection, is_batch=True) == LISTED


def test_a_kept_price_counts_as_the_price_itself(connection: Connection) -> None:
    kept = price_json(price_for(connection, is_batch=True))
    assert kept == {
        "input": "0.075",
        "output": "0.3",
        "cached_input": None,
        "source": "a list",
        "as_of": "2026-10-14",
        "is_guess": True,
    }
    assert tokens_cost(kept, input_tokens=2_000_000, output_tokens=1_000_000) == Decimal("0.45")
    assert price_json(None) == {}
