"""Sign-in links and what people set for themselves."""

from __future__ import annotations

import secrets
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from apps.accounts.models import SignInLink, User
from apps.core.errors import DomainError

LINK_LIFETIME = timedelta(hours=24)


def make_sign_in_token(*, user: User, lifetime: timedelta = LINK_LIFETIME) -> str:
    """A token that lets ``user`` in once. It is shown now and never again: only its hash is kept."""
    token = secrets.token_urlsafe(32)
    SignInLink.objects.create(
        user=user, token_hash=SignInLink.hash_of(token), expires_at=timezone.now() + lifetime
    )
    return token


@transaction.atomic
def redeem(*, token: str) -> User:
    """Uses the link up and returns its person. DomainError when it is used, expired or unknown."""
    now = timezone.now()
    link = SignInLink.objects.usable(token, now).select_related("user").first()
    if link is None or SignInLink.objects.filter(pk=link.pk, used_at=None).update(used_at=now) != 1:
        raise DomainError(
            "This sign-in link was used already, has expired or never was. "
            "Ask for a new one: `manage.py sign_in_link USER`."
        )
    return link.user
