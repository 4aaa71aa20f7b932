"""Signing in and out."""

from __future__ import annotations

from django.contrib.auth import login
from django.contrib.auth.views import LoginView, LogoutView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from apps.accounts import services
from apps.accounts.access import public
from apps.accounts.models import SignInLink

sign_in = public(LoginView.as_view(template_name="accounts/sign_in.html", redirect_authenticated_user=True))
sign_out = public(LogoutView.as_view(next_page="accounts:sign-in"))


@public
@never_cache
@require_http_methods(["GET", "POST"])
def sign_in_link(request: HttpRequest, token: str) -> HttpResponse:
    """GET shows a button, POST uses the link up: a mail scanner that follows links must not spend it."""
    if request.method == "POST":
        user = services.redeem(token=token)
        login(request, user, backend="apps.accounts.backends.Backend")
        return redirect("home")
    link = SignInLink.objects.usable(token, timezone.now()).select_related("user").first()
    return render(request, "accounts/sign_in_link.html", {"link": link}, status=200 if link else 404)
