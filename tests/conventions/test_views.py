"""Every view says who may call it, and its decorator has the first word."""

from __future__ import annotations

import logging

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import URLPattern, URLResolver, include, path

from apps.accounts.access import public, signed_in
from apps.specs.access import project_view
from apps.specs.models import Membership, Role
from tests import factories
from tests.conventions.url_map import PROJECT, Address, addresses, of_projects, without_access_rule

pytestmark = pytest.mark.django_db(databases=["default", "leakage", "holdout"])

PUBLIC = {"accounts:sign-in", "accounts:sign-in-link", "accounts:sign-out"}
METHODS = ("get", "post")

each_project_view = pytest.mark.parametrize("address", of_projects(), ids=lambda address: address.name)


def forgotten(request: HttpRequest) -> HttpResponse:
    return HttpResponse("nobody asked who you are")


def view_with_a_rule(request: HttpRequest, **kwargs: object) -> HttpResponse:
    return HttpResponse("welcome")


def test_every_view_says_who_may_call_it() -> None:
    assert without_access_rule(addresses()) == []


def test_a_view_that_does_not_say_it_is_found() -> None:
    patterns: list[URLPattern | URLResolver] = [
        path("a/", public(view_with_a_rule)),
        path("b/", signed_in(view_with_a_rule)),
        path("c/", project_view(Role.LEAD)(view_with_a_rule)),
        path("d/", include([path("e/", forgotten, name="forgotten")])),
    ]
    assert without_access_rule(addresses(patterns)) == ["forgotten"]


def test_the_map_is_not_empty() -> None:
    assert len(of_projects()) > 20


def test_only_signing_in_and_out_is_public() -> None:
    assert {
        address.name for address in addresses() if address.access and address.access.audience == "public"
    } == PUBLIC


def test_whatever_stands_below_a_project_asks_for_membership() -> None:
    inside = [address for address in addresses() if address.path.startswith(f"/p/{PROJECT}/")]
    assert [
        address.name for address in inside if address.access and address.access.audience != "members"
    ] == []


@each_project_view
def test_a_stranger_gets_404_whatever_the_method(address: Address, client: Client) -> None:
    factories.make_project(name=PROJECT)
    client.force_login(factories.make_member(factories.make_project(), *Role))
    assert {method: getattr(client, method)(address.path).status_code for method in METHODS} == dict.fromkeys(
        METHODS, 404
    )


@each_project_view
def test_a_member_without_the_role_gets_403_and_it_is_logged(
    address: Address, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    project = factories.make_project(name=PROJECT)
    assert address.access is not None
    lacking = [role for role in Role if role not in address.access.roles]
    for roles in ([], lacking):
        user = factories.make_user()
        Membership.objects.create(project=project, user=user, roles=roles)
        client.force_login(user)
        for method in METHODS:
            caplog.clear()
            with caplog.at_level(logging.WARNING):
                assert getattr(client, method)(address.path).status_code == 403, (method, roles)
            assert address.path in caplog.text


@each_project_view
def test_nobody_gets_in_without_signing_in(address: Address, client: Client) -> None:
    factories.make_project(name=PROJECT)
    for method in METHODS:
        response = getattr(client, method)(address.path)
        assert (response.status_code, response.headers["Location"].split("?")[0]) == (302, "/sign-in/")


def test_a_project_of_others_looks_like_one_that_does_not_exist(client: Client) -> None:
    factories.make_project(name=PROJECT)
    client.force_login(factories.make_user())
    theirs, nobodys = client.get(f"/p/{PROJECT}/"), client.get("/p/nothing-here/")
    assert theirs.status_code == nobodys.status_code == 404
    assert theirs.content == nobodys.content


def test_a_superuser_is_a_stranger_too(client: Client) -> None:
    factories.make_project(name=PROJECT)
    client.force_login(factories.make_user(is_superuser=True, is_staff=True))
    assert client.get(f"/p/{PROJECT}/").status_code == 404


def test_a_role_taken_away_counts_from_the_next_request(client: Client) -> None:
    project = factories.make_project(name=PROJECT)
    user = factories.make_member(project, Role.REVIEWER)
    client.force_login(user)
    assert client.get(f"/p/{PROJECT}/").status_code == 200
    Membership.objects.filter(user=user).update(roles=[])
    assert client.get(f"/p/{PROJECT}/").status_code == 403
    Membership.objects.filter(user=user).delete()
    assert client.get(f"/p/{PROJECT}/").status_code == 404
