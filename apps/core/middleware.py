"""The policy header on every answer, and errors as pages."""

from __future__ import annotations

import logging
from collections.abc import Callable
from http import HTTPStatus

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.template.loader import render_to_string

from apps.core.errors import DomainError

logger = logging.getLogger(__name__)

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)

ResponseMaker = Callable[[HttpRequest], HttpResponseBase]


def content_security_policy(get_response: ResponseMaker) -> ResponseMaker:
    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        response.headers["Content-Security-Policy"] = POLICY
        return response

    return middleware


class DomainErrorMiddleware:
    """Services raise; here it becomes 400, 403, 409, 422 or 503: what happened, what was kept, what to do."""

    def __init__(self, get_response: ResponseMaker) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if isinstance(exception, OperationalError | InterfaceError):
            # The database is away or restarting. Asking again with the same key is safe.
            logger.exception("No database for %s %s", request.method, request.path)
            page = render_to_string("errors/503.html")
            return HttpResponse(page, status=HTTPStatus.SERVICE_UNAVAILABLE, headers={"Retry-After": "5"})
        if not isinstance(exception, DomainError):
            return None
        status = exception.status_code
        if status == HTTPStatus.FORBIDDEN:
            logger.warning("Refused: %s %s for user %s", request.method, request.path, request.user.pk)
        return render(request, "errors/domain.html", {"error": exception, "status": status}, status=status)
