"""What something will cost and take: every figure with its source, every guess called one."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from apps.providers import REGISTRY
from apps.providers.base import JsonObject, TokenCount, TokenPrice, Volume
from apps.submissions.estimates import Tokens, count_tokens, estimate, expiry_warning, reservation_for
from apps.submissions.models import Connection, Delivery, RequestOutcome, Submission
from apps.submissions.services import NOTHING
from tests.submissions.scene import make_connection, make_submission, reread
from tests.submissions.scripted import Scripted

VOLUME = Volume(requests=10, records=50, request_bytes=1000)
SAMPLE: JsonObject = {"custom_id": "x"}
TOKENS = Tokens(input=1_000_000, output=100_000, source="counted", is_guess=False)


class Vendor(Scripted):
    """Batches within a day at half the price; 200 tokens a request."""

    title = "Vendor"
    window: timedelta | None = timedelta(hours=24)
    is_guess = False
    knows_prices = True

    def count_tokens(self, line: JsonObject) -> TokenCount:
        return TokenCount(tokens=200, is_guess=True)

    def time_for(self, volume: Volume, *, is_batch: bool) -> timedelta | None:
        return None

    def price(self, model: str, *, is_batch: bool) -> TokenPrice | None:
        if not self.knows_prices:
            return None
        amount = Decimal(1) if is_batch else Decimal(2)
        return TokenPrice(
            input=amount,
            output=amount * 10,
            source="a list",
            as_of="2026-10-14",
            is_guess=is_batch and self.is_guess,
        )


@pytest.fixture
def vendor(db: None, monkeypatch: pytest.MonkeyPatch) -> Vendor:
    vendor = Vendor()
    monkeypatch.setitem(REGISTRY, "scripted", vendor)
    return vendor


@pytest.fixture
def connection(vendor: Vendor) -> Connection:
    return make_connection()


def estimated(connection: Connection, *, delivery: str = Delivery.BATCH, **values: Any) -> dict[str, Any]:
    options: dict[str, Any] = {"volume": VOLUME, "submissions": 2, "tokens": TOKENS} | values
    return estimate(connection=connection, delivery=delivery, **options)


def ended(connection: Connection, *, answered: int, requests: int = 2, **values: Any) -> Submission:
    """An earlier submission of which ``answered`` requests were."""
    submission = make_submission(connection=connection, requests=requests)
    for request in submission.requests.order_by("id")[:answered]:
        type(request).objects.filter(pk=request.pk).update(outcome=RequestOutcome.ANSWERED)
    values = {"settled_at": timezone.now(), "cost": 0} | values
    Submission.objects.filter(pk=submission.pk).update(**values)
    return reread(submission)


# Tokens


def test_before_there_are_answers_tokens_are_guessed_from_a_sample(vendor: Vendor) -> None:
    tokens = count_tokens(provider=vendor, sample=SAMPLE, volume=VOLUME, history=Submission.objects.all())
    assert tokens == Tokens(input=2000, output=4000, source="about 200 a request, 80 a record", is_guess=True)


def test_answered_requests_of_the_same_prompt_say_how_many_it_takes(
    vendor: Vendor, connection: Connection
) -> None:
    ended(connection, answered=2, input_tokens=500, output_tokens=300, records_made=3)
    ended(connection, answered=2, input_tokens=700, output_tokens=100, records_made=5)
    tokens = count_tokens(provider=vendor, sample=SAMPLE, volume=VOLUME, history=Submission.objects.all())
    assert tokens == Tokens(
        input=3000, output=2500, source="as 4 answered requests of this prompt took", is_guess=False
    )


def test_requests_without_an_answer_do_not_make_the_answered_ones_cheaper(
    vendor: Vendor, connection: Connection
) -> None:
    ended(connection, answered=1, requests=3, input_tokens=400, output_tokens=100, records_made=1)
    tokens = count_tokens(provider=vendor, sample=SAMPLE, volume=VOLUME, history=Submission.objects.all())
    assert (tokens.input, tokens.source) == (4000, "as 1 answered request of this prompt took")


def test_a_submission_whose_answers_still_come_in_says_nothing(
    vendor: Vendor, connection: Connection
) -> None:
    ended(connection, answered=1, input_tokens=1, output_tokens=1, records_made=1, settled_at=None)
    tokens = count_tokens(provider=vendor, sample=SAMPLE, volume=VOLUME, history=Submission.objects.all())
    assert tokens.is_guess


def test_where_answers_make_no_records_output_is_counted_by_request(
    vendor: Vendor, connection: Connection
) -> None:
    ended(connection, answered=2, input_tokens=200, output_tokens=60)
    tokens = count_tokens(provider=vendor, sample=SAMPLE, volume=VOLUME, history=Submission.objects.all())
    assert (tokens.output, tokens.is_guess) == (300, False)


# Money


def test_an_estimate_has_both_prices_with_source_and_day(connection: Connection) -> None:
    kept = estimated(connection)
    assert (kept["money"], kept["synchronous_money"], kept["currency"]) == ("2", "4", "USD")
    assert (kept["source"], kept["as_of"], kept["is_guess"]) == ("a list", "2026-10-14", False)
    assert kept["tokens_source"] == "counted"
    assert estimated(connection, delivery=Delivery.SYNCHRONOUS)["money"] == "4"


@pytest.mark.parametrize(("is_price_guess", "is_count_guess"), [(True, False), (False, True)])
def test_a_guess_in_any_figure_makes_the_sum_one(
    vendor: Vendor, connection: Connection, *, is_price_guess: bool, is_count_guess: bool
) -> None:
    vendor.is_guess = is_price_guess
    tokens = Tokens(input=1, output=1, source="", is_guess=is_count_guess)
    assert estimated(connection, tokens=tokens)["is_guess"]


def test_an_unknown_price_is_said_and_is_not_nothing(vendor: Vendor, connection: Connection) -> None:
    vendor.knows_prices = False
    kept = estimated(connection)
    assert "no list knows the price" in kept["source"]
    assert "enter one in the admin" in kept["source"]
    assert kept["is_guess"]
    assert kept["synchronous_money"] == ""
    assert reservation_for(kept, requests=10) == NOTHING


def test_each_submission_reserves_its_share_with_room_to_spare(connection: Connection) -> None:
    kept = estimated(connection)
    shares = [reservation_for(kept, requests=requests) for requests in (4, 6)]
    assert [share.amount for share in shares] == [Decimal("1.0"), Decimal("1.5")]
    assert sum(share.amount for share in shares) == Decimal(kept["money"]) * Decimal("1.25")
    assert shares[0].price == kept["price"]
    assert shares[0].synchronous_price == kept["synchronous_price"]


# Batch or not


def in_hours(hours: float) -> datetime:
    return timezone.now() + timedelta(hours=hours)


@pytest.mark.parametrize(
    ("delivery", "hours", "said"),
    [
        (
            Delivery.BATCH,
            None,
            "A batch is right: back within 24 hours by Vendor's documentation and about $2.00",
        ),
        (Delivery.BATCH, 48, "A batch is right"),
        (Delivery.BATCH, 5, "needed before that: send it one by one"),
        (Delivery.SYNCHRONOUS, 5, "One by one is right"),
        (Delivery.SYNCHRONOUS, 48, "A batch would do"),
        (Delivery.SYNCHRONOUS, None, "A batch would do"),
    ],
)
def test_the_documented_window_and_the_day_it_is_needed_decide(
    connection: Connection, delivery: str, hours: float | None, said: str
) -> None:
    needed_by = None if hours is None else in_hours(hours)
    assert said in estimated(connection, delivery=delivery, needed_by=needed_by)["advice"]


def test_where_nothing_is_promised_nothing_is_advised(
    vendor: Vendor, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vendor, "window", None)
    assert estimated(connection, needed_by=in_hours(1))["advice"] == ""


@pytest.mark.parametrize(
    ("values", "is_warned"),
    [
        ({"results_expire_at": in_hours(10)}, True),
        ({"results_expire_at": in_hours(100)}, False),
        ({"results_expire_at": None}, False),
        ({"results_expire_at": in_hours(10), "result_file": "here"}, False),
        ({"results_expire_at": in_hours(10), "finished_at": in_hours(0)}, False),
    ],
)
def test_it_warns_before_a_provider_deletes_results_that_are_not_here(
    values: dict[str, Any], *, is_warned: bool
) -> None:
    warning = expiry_warning(Submission(**values))
    assert bool(warning) == is_warned
    assert not warning or "deletes these results on" in warning
