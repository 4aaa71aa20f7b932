"""The decorators of views that belong to no project, and going in and out."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory

from apps.accounts.access import AccessRule, public, signed_in
from apps.accounts.models import User
from tests import factories

pytestmark = pytest.mark.django_db


@signed_in
def hello(request: HttpRequest, name: str) -> HttpResponse:
    """Says hello."""
    return HttpResponse(f"hello {name}")


def test_somebody_unknown_is_sent_to_sign_in_and_back() -> None:
    request = RequestFactory().get("/hello/", {"page": "2"})
    request.user = AnonymousUser()
    response = hello(request, name="x")
    assert response.status_code == 302
    assert response.headers["Location"] == "/sign-in/?next=/hello/%3Fpage%3D2"


def test_somebody_known_is_let_through() -> None:
    request = RequestFactory().get("/hello/")
    request.user = factories.make_user()
    assert hello(request, name="Ana").content == b"hello Ana"


def test_a_decorated_view_keeps_its_name_and_shows_its_rule() -> None:
    assert (hello.__name__, hello.__doc__) == ("hello", "Says hello.")
    assert hello.access == AccessRule("signed in")  # type: ignore[attr-defined]
    assert public(lambda request: HttpResponse()).access == AccessRule("public")  # type: ignore[attr-defined]


def test_home_asks_who_you_are(client: Client) -> None:
    response = client.get("/")
    assert (response.status_code, response.headers["Location"]) == (302, "/sign-in/?next=/")


def test_a_password_signs_in_and_leads_back(client: Client) -> None:
    factories.make_user(name="ana", password="a long enough pass phrase")
    response = client.post(
        "/sign-in/?next=/p/x/", {"username": "ana", "password": "a long enough pass phrase", "next": "/p/x/"}
    )
    assert (response.status_code, response.headers["Location"]) == (302, "/p/x/")


def test_signing_in_never_leads_to_another_site(client: Client) -> None:
    factories.make_user(name="ana", password="a long enough pass phrase")
    response = client.post(
        "/sign-in/",
        {"username": "ana", "password": "a long enough pass phrase", "next": "https://elsewhere.example/"},
    )
    assert response.headers["Location"] == "/"


def test_signing_out_takes_a_post(client: Client) -> None:
    client.force_login(factories.make_user())
    assert client.get("/sign-out/").status_code == 405
    assert client.get("/").status_code == 200
    assert client.post("/sign-out/").status_code == 302
    assert client.get("/").status_code == 302


def test_somebody_locked_out_is_out_at_the_next_request(client: Client) -> None:
    user = factories.make_user()
    client.force_login(user)
    assert client.get("/").status_code == 200
    User.objects.filter(pk=user.pk).update(is_active=False)
    assert client.get("/").status_code == 302


def test_a_person_is_called_by_name_or_else_by_account() -> None:
    assert str(User(username="ana", first_name="Ana", last_name="Lima")) == "Ana Lima"
    assert str(User(username="ana")) == "ana"
