"""Who is signed in, asked with every request: Django's own session store and backend, their two queries prepared."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.contrib.sessions.backends import db
from django.contrib.sessions.models import Session
from django.db import models
from django.utils import timezone

from apps.accounts.models import User
from apps.core.prepared import PreparedModels, Slot

_SESSION = PreparedModels(
    lambda: Session.objects.filter(
        session_key=Slot("key", models.CharField()), expire_date__gt=Slot("now", models.DateTimeField())
    )
)
_USER = PreparedModels(lambda: User.objects.filter(pk=Slot("user")))


class SessionStore(db.SessionStore):
    @classmethod
    def get_model_class(cls) -> type[Session]:
        return Session

    def _get_session_from_db(self) -> Session | None:
        session = _SESSION.first(key=self.session_key, now=timezone.now())
        if session is None:
            self._session_key = None
        return session


class Backend(ModelBackend):
    def get_user(self, user_id: Any) -> User | None:
        user = _USER.first(user=user_id)
        return user if user is not None and self.user_can_authenticate(user) else None
