"""The catalogue of models: vendors' prices, this project's own figures, and who may not judge whom."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from apps.core.errors import DomainError
from apps.generation.models import Prompt, PromptRole, PromptVersion, RoleChoice, Run
from apps.generation.roles import choose_model
from apps.records.models import Record, ReviewMethod
from apps.reports.catalogue import SORTS, catalogue, estimated
from apps.specs.models import Gap, Role
from apps.submissions.connections import save_connection
from apps.submissions.models import Connection, Price, Submission
from apps.submissions.services import ensure_rules_connection
from tests import factories
from tests.generation.scene import make_ready_project
from tests.submissions.scene import make_submission

pytestmark = pytest.mark.django_db

CATALOGUE_QUERIES = 7


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
    assert guess.batch_words.startswith("~$")
    assert guess.batch is not None
    assert guess.synchronous == 2 * guess.batch


def test_what_nobody_knows_the_price_of_is_no_free_lunch(gap: Gap, settings: Settings) -> None:
    settings.PROVIDER_HOSTS = ("127.0.0.1:11434",)
    own = save_connection(
        name="own",
        provider_key="openai_compatible",
        model="qwen3:8b",
        base_url="http://127.0.0.1:11434/v1",
    )
    (entry,) = [each for each in catalogue(gap.project, sort="output") if each.connection == own]
    assert (entry.synchronous_words, entry.window) == ("–", "no batches")
    assert estimated(entry, records=1000, words=30).synchronous_words == "–"
    assert catalogue(gap.project, sort="output")[-1] == entry


def run_of(gap: Gap, connection: Connection, *, role: str = PromptRole.GENERATE) -> Run:
    prompt = Prompt.objects.create(
        project=gap.project, name=f"{role} by {connection}", language="jinja", role=role
    )
    version = PromptVersion.objects.create(prompt=prompt, version=1, template="{{ count }}")
    return Run.objects.create(
        project=gap.project, gap=gap, prompt_version=version, connection=connection, count=40
    )


def decide(run: Run, statuses: Sequence[str], *, method: str = ReviewMethod.PERSON) -> None:
    """Records of ``run`` that have come to ``statuses``, decided by a person where they are decided."""
    person = factories.make_user()
    for number, status in enumerate(statuses):
        record = factories.make_candidate(run.gap, f"{run.pk} {method} {number} {status}", run_uuid=run.uuid)
        is_decided = status in {"accepted", "edited", "rejected"}
        decided = {"review_method": method, "reviewer": person} if is_decided else {}
        Record.objects.filter(pk=record.pk).update(status=status, **decided)


def spend(run: Run, cost: str) -> None:
    submission = make_submission(
        run.project,
        connection=ensure_rules_connection(),
        purpose=run.prompt_version.prompt.role,
        run_uuid=run.uuid,
    )
    Submission.objects.filter(pk=submission.pk).update(
        connection=run.connection, cost=Decimal(cost), settled_at=timezone.now()
    )


def test_own_figures_are_told_role_by_role(gap: Gap, mini: Connection) -> None:
    run, other = run_of(gap, mini), run_of(gap, mini, role=PromptRole.REPAIR)
    decide(run, ["accepted"] * 15 + ["edited"] * 5 + ["rejected"] * 5 + ["failed_checks"] * 10)
    # Taken by a script: may be released, and says nothing of what people think.
    decide(run, ["accepted"] * 5, method=ReviewMethod.BULK)
    decide(other, ["accepted", "rejected"])
    spend(run, "0.5")
    (entry,) = [each for each in catalogue(gap.project) if each.connection == mini]
    figures = entry.own[PromptRole.GENERATE]
    assert (figures.made, figures.drop_words) == (40, "25% of 40")
    assert figures.acceptance_words == "80% (61–91%) of 25"
    assert (figures.cost_words, figures.per_accepted_words) == ("$0.50", "$0.0200")
    assert entry.own[PromptRole.REPAIR].acceptance_words == "1 of 2"
    assert entry.total.made == 42


def test_two_connections_to_one_model_have_figures_of_their_own(gap: Gap, mini: Connection) -> None:
    second = connect("mini again", "openai", "gpt-4o-mini")
    decide(run_of(gap, mini), ["accepted"])
    figures = {entry.connection: entry.total.made for entry in catalogue(gap.project)}
    assert (figures[mini], figures[second]) == (1, 0)


def test_another_project_s_figures_stay_there(gap: Gap, mini: Connection) -> None:
    decide(run_of(make_ready_project(), mini), ["accepted"])
    (entry,) = [each for each in catalogue(gap.project) if each.connection == mini]
    assert (entry.own, entry.total.per_accepted_words) == ({}, "–")


@pytest.mark.parametrize("sort", [*SORTS, "nonsense"])
def test_it_sorts_by_any_column(
    lead: Client, gap: Gap, mini: Connection, claude: Connection, sort: str
) -> None:
    page = lead.get(reverse("reports:models", args=[gap.project.slug]), {"sort": sort})
    assert page.status_code == 200


def test_the_cheapest_and_the_best_liked_come_first(gap: Gap, mini: Connection, claude: Connection) -> None:
    decide(run_of(gap, mini), ["accepted"])
    decide(run_of(gap, claude), ["accepted"] * 30 + ["rejected"])

    def order(sort: str) -> list[str]:
        return [each.connection.name for each in catalogue(gap.project, sort=sort)]

    assert order("output").index("mini") < order("output").index("claude")
    # One of one is less to go by than thirty of thirty-one.
    assert order("acceptance")[:2] == ["claude", "mini"]


def test_a_column_keeps_what_was_chosen_and_asked(lead: Client, gap: Gap, mini: Connection) -> None:
    url = reverse("reports:models", args=[gap.project.slug])
    page = lead.get(f"{url}?records=500&compare={mini.pk}&sort=batch").content.decode()
    assert f"?records=500&amp;compare={mini.pk}&amp;sort=context" in page
    assert page.count('aria-sort="other"') == 1


def test_chosen_ones_stand_side_by_side(lead: Client, gap: Gap, mini: Connection, claude: Connection) -> None:
    url = reverse("reports:models", args=[gap.project.slug])
    page = lead.get(f"{url}?compare={mini.pk}&compare={claude.pk}&records=x")
    assert "Side by side" in page.content.decode()


def test_four_fit_side_by_side_and_the_rest_is_named(lead: Client, gap: Gap, mini: Connection) -> None:
    more = [connect(f"model {number}", "openai", "gpt-4o") for number in range(4)]
    url = reverse("reports:models", args=[gap.project.slug])
    page = lead.get(url, {"compare": [each.pk for each in [mini, *more]]}).content.decode()
    assert "Left out: model 3." in page


def test_it_takes_the_same_queries_whatever_there_is(
    gap: Gap, mini: Connection, claude: Connection, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(CATALOGUE_QUERIES):
        catalogue(gap.project)
    for number in range(5):
        run = run_of(gap, connect(f"model {number}", "openai", "gpt-4o"))
        decide(run, ["accepted", "rejected"])
        spend(run, "0.1")
    with django_assert_num_queries(CATALOGUE_QUERIES):
        catalogue(gap.project)


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
