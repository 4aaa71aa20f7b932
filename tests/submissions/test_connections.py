"""Connections are checked before they are saved, by what their provider says of itself."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django import Settings

from apps.core.errors import RefusedError
from apps.specs.models import Membership, Role
from apps.submissions.connections import save_connection
from apps.submissions.families import bare_name, family_of
from apps.submissions.models import Budget, Connection, ModelFamily, Price, Spending
from tests import factories
from tests.submissions.scene import make_submission

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _families(db: None) -> None:
    factories.make_families()


def save(**values: Any) -> Connection:
    return save_connection(**({"name": "ours", "provider_key": "openai", "model": "gpt-4o-mini"} | values))


def test_a_vendor_s_own_host_needs_a_model_and_nothing_else() -> None:
    connection = save()
    assert (connection.family.name, connection.base_url, connection.endpoint.model) == (
        "openai-gpt",
        "",
        "gpt-4o-mini",
    )


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"provider_key": "azure_openai"}, "base URL"),
        ({"base_url": "https://169.254.169.254/"}, "base URL cannot be used"),
        ({"base_url": "file:///etc/passwd"}, "base URL cannot be used"),
        ({"base_url": "http://api.openai.com/v1"}, "base URL cannot be used"),
        ({"key_name": "SECRET_KEY"}, "cannot name a provider key"),
        ({"key_name": "DATABASE_URL"}, "cannot name a provider key"),
        ({"provider_key": "bedrock"}, "Region"),
        ({"settings": {"colour": "red"}}, "knows no such setting"),
        ({"model": " "}, "model"),
    ],
)
def test_what_cannot_work_is_refused_with_the_place(values: dict[str, Any], said: str) -> None:
    with pytest.raises(RefusedError) as refused:
        save(**values)
    assert any(said in problem for problem in refused.value.problems)
    assert not Connection.objects.filter(name="ours").exists()


def test_a_host_of_one_s_own_needs_the_operator_s_word(settings: Settings) -> None:
    values = {
        "provider_key": "openai_compatible",
        "model": "qwen3:8b",
        "base_url": "http://127.0.0.1:11434/v1",
    }
    with pytest.raises(RefusedError):
        save(**values)
    settings.PROVIDER_HOSTS = ("127.0.0.1:11434",)
    assert save(**values).family.name == "alibaba-qwen"


def test_a_used_connection_keeps_its_model() -> None:
    submission = make_submission(connection=save(provider_key="rules", model="rules-1"))
    with pytest.raises(RefusedError) as refused:
        save(provider_key="rules", model="rules-2", connection=submission.connection)
    assert "make another connection" in refused.value.problems[0]


@pytest.mark.parametrize(
    ("model", "bare", "family"),
    [
        ("us.anthropic.claude-sonnet-5-v1:0", "claude-sonnet-5-v1:0", "anthropic-claude"),
        ("publishers/google/models/gemini-2.5-flash", "gemini-2.5-flash", "google-gemini"),
        ("meta-llama/Llama-3.3-70B-Instruct", "llama-3.3-70b-instruct", "meta-llama"),
        ("gpt-oss-120b", "gpt-oss-120b", "openai-gpt"),
        ("amazon.nova-lite-v1:0", "nova-lite-v1:0", "amazon-nova"),
    ],
)
def test_a_family_is_known_by_the_model_s_name(model: str, bare: str, family: str) -> None:
    assert (bare_name(model), family_of(model).name) == (bare, family)


def test_the_longest_prefix_wins_and_a_stranger_is_a_family_of_its_own() -> None:
    ModelFamily.objects.create(name="special", prefixes=["gpt-4o-mini"])
    assert family_of("gpt-4o-mini-2024").name == "special"
    assert family_of("unheard-of").name == "unheard-of"


@pytest.fixture
def admin_client(client: Client) -> Client:
    client.force_login(factories.make_member(factories.make_project(), Role.ADMIN, name="ada"))
    return client


def test_an_admin_adds_a_connection_and_sees_no_key(
    admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "canary-of-a-key")
    values = {"name": "mini", "provider": "openai", "model": "gpt-4o-mini", "is_enabled": "on"}
    assert admin_client.post(reverse("admin:submissions_connection_add"), values).status_code == 302
    page = admin_client.get(reverse("admin:submissions_connection_changelist")).content.decode()
    assert "OPENAI_API_KEY" in page
    assert "canary-of-a-key" not in page


def test_a_bad_address_is_said_on_the_form(admin_client: Client) -> None:
    values = {
        "name": "mini",
        "provider": "openai",
        "model": "gpt-4o-mini",
        "base_url": "http://169.254.169.254/latest",
    }
    response = admin_client.post(reverse("admin:submissions_connection_add"), values)
    assert response.status_code == 200
    assert "base URL cannot be used" in response.content.decode()


def test_the_form_asks_for_what_the_provider_declares(admin_client: Client) -> None:
    add = reverse("admin:submissions_connection_add")
    assert "Service role" in admin_client.get(add).content.decode()
    values = {
        "name": "ours",
        "provider": "bedrock",
        "model": "us.amazon.nova-lite-v1:0",
        "setting_region": "us-east-1",
        "setting_bucket": "batches",
    }
    assert "Service role: say which" in admin_client.post(add, values).content.decode()
    values["setting_role_arn"] = "arn:aws:iam::123456789012:role/batches"
    assert admin_client.post(add, values).status_code == 302
    connection = Connection.objects.get(name="ours")
    assert connection.family.name == "amazon-nova"
    assert connection.settings == {
        "region": "us-east-1",
        "bucket": "batches",
        "role_arn": "arn:aws:iam::123456789012:role/batches",
    }
    change = reverse("admin:submissions_connection_change", args=[connection.pk])
    assert 'value="arn:aws:iam::123456789012:role/batches"' in admin_client.get(change).content.decode()
    # Switched to a provider that knows none of them.
    response = admin_client.post(change, values | {"provider": "openai", "model": "gpt-4o-mini"})
    assert "OpenAI knows no such setting" in response.content.decode()
    assert Connection.objects.get(name="ours").provider == "bedrock"


def test_a_refused_connection_leaves_no_family_behind(admin_client: Client) -> None:
    values = {"name": "x", "provider": "openai", "model": "unheard-of", "base_url": "http://169.254.169.254/"}
    assert admin_client.post(reverse("admin:submissions_connection_add"), values).status_code == 200
    assert not ModelFamily.objects.filter(name="unheard-of").exists()


def test_prefixes_of_a_family_are_written_one_a_line(admin_client: Client) -> None:
    values = {"name": "ours", "prefixes": "Own-\n\nown-\n  small-"}
    assert admin_client.post(reverse("admin:submissions_modelfamily_add"), values).status_code == 302
    family = ModelFamily.objects.get(name="ours")
    assert family.prefixes == ["own-", "small-"]
    assert family_of("small-2") == family
    change = admin_client.get(reverse("admin:submissions_modelfamily_change", args=[family.pk]))
    assert "own-\nsmall-" in change.content.decode()


def test_a_lead_does_not_see_what_all_projects_share(client: Client) -> None:
    client.force_login(factories.make_member(factories.make_project(), Role.LEAD, name="lena"))
    assert client.get(reverse("admin:submissions_connection_changelist")).status_code == 403
    assert client.get(reverse("admin:submissions_budget_changelist")).status_code == 200


def test_the_list_of_budgets_says_what_is_left_in_the_same_number_of_queries(client: Client) -> None:
    person = factories.make_user(name="lena", is_staff=True)
    client.force_login(person)
    asked = []
    for projects in (1, 5):
        for number in range(projects):
            project = factories.make_project()
            Membership.objects.create(project=project, user=person, roles=[Role.LEAD])
            Budget.objects.create(project=project, total_cap=50)
            Spending.objects.create(
                project=project, period=Spending.TOTAL, spent=Decimal(number + 1), reserved=Decimal("0.25")
            )
        with CaptureQueriesContext(database) as queries:
            page = client.get(reverse("admin:submissions_budget_changelist")).content.decode()
        asked.append(len(queries))
    assert "$5.00 spent, $0.25 reserved" in page
    assert "$0.00 spent, $0.00 reserved" in page
    assert asked[0] == asked[1]


def test_a_price_says_who_entered_it(admin_client: Client) -> None:
    values = {"provider": "azure_openai", "model": "ours", "is_batch": "on", "input": "0.1", "output": "0.4",
              "source": "contract", "as_of": "2026-11-01"}  # fmt: skip
    assert admin_client.post(reverse("admin:submissions_price_add"), values).status_code == 302
    assert str(Price.objects.get().entered_by) == "ada"
