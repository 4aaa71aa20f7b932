"""The release pages: who may see them, what they show, and the files."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from apps.datasets import files
from apps.datasets.models import Release
from apps.datasets.services import build_release, request_release
from apps.specs.models import Role, Standing
from tests import factories
from tests.datasets.scene import Warehouse, make_warehouse

pytestmark = pytest.mark.django_db(databases=["default", "leakage"])

HTMX = {"HX-Request": "true"}


@pytest.fixture
def lead(client: Client, warehouse: Warehouse) -> Client:
    client.force_login(warehouse.lead)
    return client


def address(name: str, warehouse: Warehouse, *args: Any) -> str:
    return reverse(f"datasets:{name}", args=[warehouse.project.slug, *args])


def test_the_list_shows_what_would_go_in(lead: Client, warehouse: Warehouse) -> None:
    warehouse.accept("give me the renewal money back")
    warehouse.accept_in_bulk("refund my renewal")
    text = lead.get(address("release-list", warehouse)).content.decode()
    assert "A release made now would take 1 reviewed record beside" in text
    assert "stays out" in text


def test_an_empty_list_says_what_to_do(lead: Client, warehouse: Warehouse) -> None:
    text = lead.get(address("release-list", warehouse)).content.decode()
    assert "Nothing was accepted yet" in text
    assert "No release yet" in text


def test_the_form_freezes_a_release_with_what_was_chosen(lead: Client, warehouse: Warehouse) -> None:
    warehouse.accept_in_bulk("refund my renewal")
    values = {"admit": ["person", "bulk"], "real": "0.5"}
    response = lead.post(address("release-new", warehouse), values)
    release = Release.objects.get()
    assert response["Location"] == address("release-detail", warehouse, 1)
    assert release.policy == {
        "admit": ["bulk", "person"],
        "real": 0.5,
        "splits": {"train": 1.0},
        "include_seeds": False,
    }
    assert release.created_by == warehouse.lead


def test_a_wrong_share_is_said_beside_the_field(lead: Client, warehouse: Warehouse) -> None:
    response = lead.post(address("release-new", warehouse), {"admit": ["person"], "real": "7"})
    assert response.status_code == 422
    assert "less than or equal to 1" in response.content.decode()


def test_a_release_of_nothing_is_refused_with_the_reason(lead: Client, warehouse: Warehouse) -> None:
    warehouse.accept_in_bulk("refund my renewal")
    response = lead.post(address("release-new", warehouse), {"admit": ["person"], "real": "1"})
    assert response.status_code == 422
    assert "does not admit the review method bulk" in response.content.decode()


def test_progress_is_polled_until_the_release_is_ready(lead: Client, warehouse: Warehouse) -> None:
    warehouse.accept("give me the renewal money back")
    release = request_release(project=warehouse.project, actor=warehouse.lead)
    url = address("release-detail", warehouse, 1)
    waiting = lead.get(url, headers=HTMX)
    assert waiting.status_code == 200
    assert 'hx-trigger="every 2s"' in waiting.content.decode()
    assert "<html" not in waiting.content.decode()
    build_release(release.pk)
    done = lead.get(url, headers=HTMX)
    release.refresh_from_db()
    assert done.status_code == 286
    assert "hx-trigger" not in done.content.decode()
    assert release.content_hash in done.content.decode()


@pytest.mark.parametrize("name", ["dataset.jsonl", "training.jsonl", "manifest.json", "card.md"])
def test_the_files_can_be_downloaded(lead: Client, warehouse: Warehouse, name: str) -> None:
    warehouse.accept("give me the renewal money back")
    release = warehouse.release()
    response = lead.get(address("release-file", warehouse, 1, name))
    assert b"".join(response.streaming_content) == (files.directory_of(release) / name).read_bytes()  # type: ignore[attr-defined]
    assert f'release-1-{name}"' in response["Content-Disposition"]


@pytest.mark.parametrize("name", ["settings.py", "..%2Fdb.sqlite3"])
def test_no_other_file_can_be_asked_for(lead: Client, warehouse: Warehouse, name: str) -> None:
    warehouse.accept("give me the renewal money back")
    warehouse.release()
    assert lead.get(address("release-detail", warehouse, 1) + name).status_code == 404


def test_a_release_that_is_not_ready_has_no_files(lead: Client, warehouse: Warehouse) -> None:
    warehouse.accept("give me the renewal money back")
    request_release(project=warehouse.project, actor=None)
    assert lead.get(address("release-file", warehouse, 1, "card.md")).status_code == 404


def test_a_release_can_be_built_again_and_compared(lead: Client, warehouse: Warehouse) -> None:
    warehouse.accept("give me the renewal money back")
    release = warehouse.release()
    path = files.directory_of(release) / "dataset.jsonl"
    before = path.read_bytes()
    path.unlink()
    response = lead.post(address("release-rebuild", warehouse, 1), follow=True)
    assert "the same to the byte" in response.content.decode()
    assert path.read_bytes() == before


def test_a_release_that_is_being_built_cannot_be_built_again(lead: Client, warehouse: Warehouse) -> None:
    warehouse.accept("give me the renewal money back")
    request_release(project=warehouse.project, actor=None)
    assert lead.post(address("release-rebuild", warehouse, 1)).status_code == 409


@pytest.mark.parametrize("role", [Role.REVIEWER, Role.ADMIN])
def test_other_roles_may_not_see_releases(client: Client, warehouse: Warehouse, role: Role) -> None:
    client.force_login(factories.make_member(warehouse.project, role))
    assert client.get(address("release-list", warehouse)).status_code == 403
    assert client.post(address("release-new", warehouse)).status_code == 403


def test_a_manager_may(client: Client, warehouse: Warehouse) -> None:
    client.force_login(factories.make_member(warehouse.project, Role.MANAGER))
    assert client.get(address("release-list", warehouse)).status_code == 200


def test_a_project_that_is_not_mine_and_a_release_that_is_not_there_are_404(
    client: Client, warehouse: Warehouse
) -> None:
    stranger = factories.make_member(factories.make_project(), Role.LEAD)
    client.force_login(stranger)
    assert client.get(address("release-list", warehouse)).status_code == 404
    client.force_login(warehouse.lead)
    assert client.get(address("release-detail", warehouse, 9)).status_code == 404


def test_a_sandbox_says_so_on_both_pages(client: Client, db: None) -> None:
    warehouse = make_warehouse(standing=Standing.SANDBOX)
    warehouse.accept("give me the renewal money back")
    warehouse.release()
    client.force_login(warehouse.lead)
    for url in (address("release-list", warehouse), address("release-detail", warehouse, 1)):
        assert "Sandbox project" in client.get(url).content.decode()


def test_the_list_needs_as_many_queries_for_ten_releases_as_for_one(
    lead: Client, warehouse: Warehouse, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    warehouse.accept("give me the renewal money back")
    warehouse.release()
    with django_assert_num_queries(8):
        lead.get(address("release-list", warehouse))
    for _ in range(9):
        warehouse.release()
    with django_assert_num_queries(8):
        lead.get(address("release-list", warehouse))
