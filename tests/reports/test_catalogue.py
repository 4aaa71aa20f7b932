"""The catalogue of models: vendors' prices, this project's own figures, and who may not judge whom."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from apps.core.errors import DomainError
from apps.generation.models import PromptRole, RoleChoice
from apps.generation.roles import choose_model
from apps.reports.catalogue import catalogue, estimated
from apps.specs.models import Gap, Role
from apps.submissions.connections import save_connection
from apps.submissions.models import Connection, Price
from tests import factories
from tests.generation.scene import make_ready_project

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _families(db: None) -> None:
    factories.make_families()


@pytest.fixture
def gap() -> Gap:
    return make_ready_project()


def connect(name: str, provider: str, model: str) -> Connection:
    return save_connection(name=name, provider_key=provider, model=model)


@pytest.fixture
def mini() -> Connection:
    return connect("mini", "openai", "gpt-4o-mini")


@pytest.fixture
def claude() -> Connection:
    return connect("claude", "anthropic", "claude-sonnet-5")


@pytest.fixture
def lead(client: Client, gap: Gap) -> Client:
    client.force_login(factories.make_member(gap.project, Role.LEAD, name="lena"))
    return client


def test_the_list_price_and_the_batch_price_are_told_apart(gap: Gap, mini: Connection) -> None:
    (entry,) = [each for each in catalogue(gap.project) if each.connection == mini]
    assert entry.synchronous is not None
    assert entry.batch is not None
    assert entry.synchronous.input == 2 * entry.batch.input > 0
    assert not entry.batch.is_guess
    assert entry.context_window == 128_000


def test_our_own_price_goes_first(gap: Gap, mini: Connection) -> None:
    Price.objects.create(
        provider="openai", model="gpt-4o-mini", is_batch=True, input=Decimal(7), output=Decimal(9),
        source="contract", as_of=timezone.now().date(),
    )  # fmt: skip
    (entry,) = [each for each in catalogue(gap.project) if each.connection == mini]
    assert entry.batch is not None
    assert entry.batch.input == Decimal(7)
    assert entry.batch.source == "our own price: contract"


def test_an_estimate_of_a_thousand_records_is_a_guess_and_says_so(gap: Gap, mini: Connection) -> None:
    (entry,) = [each for each in catalogue(gap.project) if each.connection == mini]
    guess = estimated(entry, records=1000, words=30)
    assert guess.batch.startswith("about $")
    assert guess.batch != guess.synchronous


def test_own_figures_are_those_of_the_project(gap: Gap, mini: Connection) -> None:
    made = {"generator_provider": "openai", "generator_model": "gpt-4o-mini"}
    for number in range(3):
        factories.make_candidate(gap, f"text {number}", **made)
    (entry,) = [each for each in catalogue(gap.project) if each.connection == mini]
    assert (entry.own.made, entry.own.acceptance, entry.own.per_accepted) == (3, "–", "–")


@pytest.mark.parametrize("sort", ["name", "family", "input", "batch", "context", "drops", "nonsense"])
def test_it_sorts_by_any_column(
    lead: Client, gap: Gap, mini: Connection, claude: Connection, sort: str
) -> None:
    page = lead.get(reverse("reports:models", args=[gap.project.slug]), {"sort": sort})
    assert page.status_code == 200
    if sort == "input":
        text = page.content.decode()
        assert text.index("gpt-4o-mini") < text.index("claude-sonnet-5")


def test_chosen_ones_stand_side_by_side(lead: Client, gap: Gap, mini: Connection, claude: Connection) -> None:
    url = reverse("reports:models", args=[gap.project.slug])
    page = lead.get(f"{url}?compare={mini.pk}&compare={claude.pk}&records=x")
    assert "Side by side" in page.content.decode()


def test_its_queries_grow_by_three_for_each_connection(
    gap: Gap, mini: Connection, claude: Connection
) -> None:
    with CaptureQueriesContext(
        database,
    ) as two:
        catalogue(gap.project)
    connect("third", "openai", "gpt-4o")
    with CaptureQueriesContext(database) as three:
        catalogue(gap.project)
    assert len(three) - len(two) == 3


def test_a_judge_of_the_generator_s_family_is_refused_both_ways(gap: Gap, mini: Connection) -> None:
    other = connect("bigger", "openai", "gpt-5")
    choose_model(project=gap.project, role=PromptRole.GENERATE, connection=mini, actor=None)
    with pytest.raises(DomainError, match="family openai-gpt"):
        choose_model(project=gap.project, role=PromptRole.JUDGE, connection=other, actor=None)
    RoleChoice.objects.all().delete()
    choose_model(project=gap.project, role=PromptRole.JUDGE, connection=other, actor=None)
    with pytest.raises(DomainError, match="choose another generator"):
        choose_model(project=gap.project, role=PromptRole.GENERATE, connection=mini, actor=None)


def test_a_judge_of_a_family_that_wrote_records_is_refused(gap: Gap, mini: Connection) -> None:
    factories.make_candidate(gap, "a text", generator_model_family="openai-gpt")
    with pytest.raises(DomainError, match="blind spots"):
        choose_model(project=gap.project, role=PromptRole.JUDGE, connection=mini, actor=None)


def test_a_judge_of_another_family_is_chosen_on_the_page(
    lead: Client, gap: Gap, mini: Connection, claude: Connection
) -> None:
    url = reverse("generation:role-choose", args=[gap.project.slug])
    lead.post(url, {"role": "generate", "connection": mini.pk})
    lead.post(url, {"role": "judge", "connection": claude.pk})
    assert set(RoleChoice.objects.values_list("role", "connection__name")) == {
        ("generate", "mini"),
        ("judge", "claude"),
    }
    response = lead.post(url, {"role": "judge", "connection": mini.pk}, follow=True)
    assert "blind spots" in response.content.decode()
