"""Every view says who may call it: one of the decorators here or in ``apps.specs.access``.

A test walks the URL map and fails on a view without ``access``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, cast

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django_htmx.middleware import HtmxDetails

from apps.accounts.models import User


class SignedInRequest(HttpRequest):
    """A request whose user is known."""

    user: User
    htmx: HtmxDetails


@dataclass(frozen=True)
class AccessRule:
    """Who may call a view: ``public``, anybody ``signed in``, or members with one of ``roles``."""

    audience: str
    roles: frozenset[str] = frozenset()


def mark(view: Callable[..., HttpResponseBase], rule: AccessRule) -> None:
    view.access = rule  # type: ignore[attr-defined]


def public(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    mark(view, AccessRule("public"))
    return view


def signed_in(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    @wraps(view)
    def wrapper(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path())
        return view(cast("SignedInRequest", request), *args, **kwargs)

    mark(wrapper, AccessRule("signed in"))
    return wrapper
