"""How the review room answers: JSON to its own script, pages and redirects to a browser without one."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from functools import wraps
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string

from apps.core.errors import DomainError, RefusedError
from apps.review.cards import Card
from apps.review.payloads import EditRefusedError
from apps.review.selectors import Progress, QueueState
from apps.specs.models import Project

logger = logging.getLogger(__name__)


def wants_json(request: HttpRequest) -> bool:
    """Our script asks for JSON and nothing else; a browser asks for a page."""
    return request.headers.get("accept", "") == "application/json"


def json_errors(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """To the script a refusal is JSON with the same status; to a browser it stays a page."""

    @wraps(view)
    def wrapper(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except DomainError as error:
            if not wants_json(request):
                raise
            if error.status_code == HTTPStatus.FORBIDDEN:
                logger.warning("Refused: %s %s for user %s", request.method, request.path, request.user.pk)
            return JsonResponse(refusal_json(error), status=error.status_code)

    return wrapper


def refusal_json(error: DomainError) -> dict[str, Any]:
    return {
        "error": str(error),
        "problems": error.problems if isinstance(error, RefusedError) else [],
        "by_pointer": error.by_pointer if isinstance(error, EditRefusedError) else {},
    }


def cards_json(request: HttpRequest, project: Project, cards: Sequence[Card]) -> list[dict[str, Any]]:
    """Each card with its rendered HTML, and what the script needs to know of it."""
    return [
        {
            "task": card.reference,
            "fence": card.task.fence,
            "html": render_to_string("review/_card.html", {"card": card, "project": project}, request),
        }
        for card in cards
    ]


def queue_json(request: HttpRequest, project: Project, state: QueueState | None) -> dict[str, Any] | None:
    """The empty queue explained, or None while there are cards."""
    if state is None:
        return None
    html = render_to_string("review/_empty.html", {"queue": state, "project": project}, request)
    return {"html": html, "is_all_done": state.is_all_done}


def progress_json(progress: Progress) -> dict[str, int]:
    return {"decided": progress.decided, "total": progress.total, "pace": progress.pace}
