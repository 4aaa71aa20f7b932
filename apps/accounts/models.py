"""People, and the one-time links that let them in without a password."""

from __future__ import annotations

import hashlib
import uuid
from datetime import datetime

from django.contrib.auth.models import AbstractUser
from django.db import models


class User(AbstractUser):
    """A person. What they may do is written in their memberships, project by project."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    single_keys = models.BooleanField(
        "single-key shortcuts",
        default=True,
        help_text="A, E, X … act in the review room without a modifier key.",
    )
    is_script = models.BooleanField(
        default=False, help_text="Decisions under this name are made by a script, and reports say so."
    )

    def __str__(self) -> str:
        return self.get_full_name() or self.username


class SignInLinkQuerySet(models.QuerySet["SignInLink"]):
    def usable(self, token: str, now: datetime) -> SignInLinkQuerySet:
        return self.filter(
            token_hash=SignInLink.hash_of(token), used_at=None, expires_at__gt=now, user__is_active=True
        )


class SignInLink(models.Model):
    """Lets one person in once. Only the hash of the token is kept."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="sign_in_links")
    token_hash = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)

    objects = SignInLinkQuerySet.as_manager()

    def __str__(self) -> str:
        return f"sign-in link for {self.user}"

    @staticmethod
    def hash_of(token: str) -> str:
        return hashlib.sha256(token.encode()).hexdigest()
