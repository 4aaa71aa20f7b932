"""``add_connection``, ``set_price``, ``set_budget``: what a script says instead of the admin."""

from __future__ import annotations

from decimal import Decimal
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from apps.submissions.models import Budget, Connection, Price
from apps.submissions.prices import price_for
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _families(db: None) -> None:
    factories.make_families()


def said_by(*command: str) -> str:
    said = StringIO()
    call_command(*command, stdout=said)
    return said.getvalue().strip()


def test_a_connection_says_which_key_its_worker_needs() -> None:
    said = said_by("add_connection", "mini", "--provider", "openai", "--model", "gpt-4o-mini")
    assert said.endswith("The generation worker needs OPENAI_API_KEY or OPENAI_API_KEY_FILE.")
    assert Connection.objects.get(name="mini").family.name == "openai-gpt"


def test_the_same_name_again_changes_the_connection() -> None:
    command = ("add_connection", "mini", "--provider", "openai", "--model", "gpt-4o-mini")
    said_by(*command)
    said_by(*command, "--key-name", "TEAM_OPENAI_API_KEY")
    assert Connection.objects.get(name="mini").key_name == "TEAM_OPENAI_API_KEY"


def test_settings_are_given_by_name() -> None:
    said_by(
        "add_connection", "nova", "--provider", "bedrock", "--model", "us.amazon.nova-lite-v1:0",
        "--set", "region=us-east-1", "--set", "bucket=b", "--set", "role_arn=arn:aws:iam::1:role/r=x",
    )  # fmt: skip
    assert Connection.objects.get(name="nova").settings["role_arn"] == "arn:aws:iam::1:role/r=x"


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--set", "region"], "write NAME=VALUE"),
        (["--set", "region=us-east-1"], "S3 bucket: say which"),
        (["--key-name", "SECRET_KEY"], "cannot name a provider key"),
    ],
)
def test_a_connection_that_cannot_work_is_not_made(more: list[str], said: str) -> None:
    with pytest.raises(CommandError, match=said):
        said_by("add_connection", "nova", "--provider", "bedrock", "--model", "nova-lite", *more)
    assert not Connection.objects.filter(name="nova").exists()


def test_a_price_of_our_own_counts_from_its_day_on() -> None:
    said_by("add_connection", "mini", "--provider", "openai", "--model", "gpt-4o-mini")
    command = ("set_price", "openai", "gpt-4o-mini", "--batch", "--source", "contract 7")
    said = said_by(*command, "--input", "0.05", "--output", "0.2", "--from", "2026-01-01")
    assert said == "gpt-4o-mini, batch, from 2026-01-01: $0.05 in, $0.2 out per million tokens."
    said_by(*command, "--input", "9", "--output", "9", "--from", "2999-01-01")
    found = price_for(Connection.objects.get(name="mini"), is_batch=True)
    assert found is not None
    assert (found.input, found.source) == (Decimal("0.05"), "our own price: contract 7")


def test_a_second_price_for_a_day_replaces_the_first() -> None:
    for price in ("1", "2"):
        said_by("set_price", "openai", "m", "--input", price, "--output", "0", "--source", "x")
    assert Price.objects.get().input == 2


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (["--input", "-1"], "no sum of US dollars"),
        (["--input", "NaN"], "no sum of US dollars"),
        (["--input", "1", "--from", "tomorrow"], "write a day as 2026-11-01"),
    ],
)
def test_a_price_that_is_none_is_refused(wrong: list[str], said: str) -> None:
    with pytest.raises(CommandError, match=said):
        said_by("set_price", "openai", "m", "--output", "1", "--source", "x", *wrong)
    assert not Price.objects.exists()


def test_a_cap_that_is_not_given_stays() -> None:
    project = factories.make_project()
    said_by("set_budget", project.slug, "--total", "12.5")
    said = said_by("set_budget", project.slug, "--month", "3")
    assert said == f"{project} may spend $12.50 in all, $3.00 a month."
    assert "anything in all" in said_by("set_budget", project.slug, "--total", "none")


@pytest.mark.parametrize("sum_", ["lots", "-1", "Infinity"])
def test_a_budget_of_no_sum_is_refused(sum_: str) -> None:
    project = factories.make_project()
    with pytest.raises(CommandError, match="no sum of US dollars"):
        said_by("set_budget", project.slug, f"--total={sum_}")
    assert not Budget.objects.filter(total_cap__isnull=False).exists()
