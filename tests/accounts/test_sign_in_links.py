"""One-time links: the only way in on a fresh install."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from io import StringIO
from urllib.parse import urlsplit

import pytest
from django.core.management import CommandError, call_command
from django.db import connections
from django.test import Client
from django.utils import timezone

from apps.accounts.models import SignInLink, User
from apps.accounts.services import LINK_LIFETIME, make_sign_in_token, redeem
from apps.core.errors import DomainError
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def user() -> User:
    return factories.make_user(name="ana")


def signed_in_as(client: Client) -> int | None:
    value = client.session.get("_auth_user_id")
    return int(value) if value else None


def test_a_link_signs_its_person_in_and_leads_home(client: Client, user: User) -> None:
    response = client.post(f"/sign-in/{make_sign_in_token(user=user)}/")
    assert (response.status_code, response.headers["Location"]) == (302, "/")
    assert signed_in_as(client) == user.pk


def test_looking_at_a_link_neither_signs_in_nor_uses_it_up(client: Client, user: User) -> None:
    address = f"/sign-in/{make_sign_in_token(user=user)}/"
    for _ in range(2):
        response = client.get(address)
        assert (response.status_code, "no-store" in response.headers["Cache-Control"]) == (200, True)
    assert b"Sign in as ana" in response.content
    assert signed_in_as(client) is None
    client.post(address)
    assert signed_in_as(client) == user.pk


def test_a_link_works_once(user: User) -> None:
    address = f"/sign-in/{make_sign_in_token(user=user)}/"
    Client().post(address)
    thief = Client()
    assert thief.get(address).status_code == 404
    response = thief.post(address)
    assert response.status_code == 400
    assert b"was used already" in response.content
    assert signed_in_as(thief) is None


@pytest.mark.parametrize(
    "change", [{"expires_at": timezone.now() - timedelta(seconds=1)}, {"used_at": timezone.now()}]
)
def test_a_spent_link_does_not_sign_in(client: Client, user: User, change: dict[str, object]) -> None:
    token = make_sign_in_token(user=user)
    SignInLink.objects.update(**change)
    assert client.get(f"/sign-in/{token}/").status_code == 404
    assert client.post(f"/sign-in/{token}/").status_code == 400
    assert signed_in_as(client) is None


def test_a_link_lasts_a_day(user: User) -> None:
    before = timezone.now()
    make_sign_in_token(user=user)
    assert before + LINK_LIFETIME <= SignInLink.objects.get().expires_at <= timezone.now() + LINK_LIFETIME


def test_an_unknown_token_says_the_same_as_a_used_one(client: Client, user: User) -> None:
    token = make_sign_in_token(user=user)
    redeem(token=token)
    used, unknown = client.get(f"/sign-in/{token}/"), client.get("/sign-in/never-was/")
    assert used.status_code == unknown.status_code == 404
    assert used.content == unknown.content


def test_somebody_locked_out_cannot_use_an_old_link(client: Client, user: User) -> None:
    token = make_sign_in_token(user=user)
    User.objects.filter(pk=user.pk).update(is_active=False)
    with pytest.raises(DomainError):
        redeem(token=token)


def test_only_the_hash_of_a_token_is_kept(user: User) -> None:
    token = make_sign_in_token(user=user)
    assert token not in str(SignInLink.objects.values().get())


def test_signing_in_starts_a_new_session(user: User) -> None:
    """A session id planted before signing in must not become the signed-in one."""
    client = Client()
    session = client.session
    session["planted"] = True
    session.save()
    planted = session.session_key
    client.post(f"/sign-in/{make_sign_in_token(user=user)}/")
    assert client.session.session_key != planted


def test_a_link_needs_the_form_it_is_shown_with(user: User) -> None:
    """Without this, a foreign page could sign a visitor in as somebody else."""
    client = Client(enforce_csrf_checks=True)
    assert client.post(f"/sign-in/{make_sign_in_token(user=user)}/").status_code == 403
    assert SignInLink.objects.get().used_at is None


@pytest.mark.django_db(transaction=True)
def test_two_people_with_the_same_link_are_one_sign_in() -> None:
    token = make_sign_in_token(user=factories.make_user())

    def attempt(_: int) -> bool:
        try:
            redeem(token=token)
        except DomainError:
            return False
        finally:
            connections.close_all()
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(attempt, range(8))) == 1


def test_the_command_prints_a_link_that_works(client: Client, user: User) -> None:
    said = StringIO()
    call_command("sign_in_link", "ana", stdout=said)
    client.post(urlsplit(said.getvalue().strip()).path)
    assert signed_in_as(client) == user.pk


def test_the_command_does_not_make_people_up() -> None:
    with pytest.raises(CommandError, match="no user 'nobody'"):
        call_command("sign_in_link", "nobody")
    assert not User.objects.exists()


def test_a_person_without_a_password_cannot_sign_in_with_an_empty_one(client: Client, user: User) -> None:
    assert not user.has_usable_password()
    for password in ("", "!", user.password):
        response = client.post("/sign-in/", {"username": "ana", "password": password})
        assert response.status_code == 200
    assert signed_in_as(client) is None
