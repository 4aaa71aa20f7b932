"""Loading a project and authorising its member in one step."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import wraps
from typing import Any, cast

from django.contrib.auth.views import redirect_to_login
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse

from apps.accounts.access import AccessRule, SignedInRequest, mark
from apps.core.errors import NotAllowedError
from apps.core.prepared import PreparedModels, Slot
from apps.specs.models import Membership, Role

logger = logging.getLogger(__name__)

ANY_ROLE = frozenset(Role.values)


_MEMBERSHIP = PreparedModels(
    lambda: Membership.objects.filter(
        user=Slot("user"), project__slug=Slot("project", models.SlugField())
    ).order_by(),
    "project",
)


class ProjectRequest(SignedInRequest):
    """A request of a member of the project in its URL."""

    membership: Membership


def project_view(*roles: Role) -> Callable[[Callable[..., HttpResponse]], Callable[..., HttpResponse]]:
    """The view gets ``(request, project, …)`` where the URL has ``<slug:project>``.

    Not signed in: to the sign-in page. Not a member: 404, as if it did not exist. A member without one of
    ``roles`` (none given: any role will do): 403, logged.
    """
    needed = frozenset(roles) or ANY_ROLE

    def decorate(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        @wraps(view)
        def wrapper(request: HttpRequest, project: str, **kwargs: Any) -> HttpResponse:
            if not request.user.is_authenticated:
                return redirect_to_login(request.get_full_path())
            membership = _MEMBERSHIP.first(user=request.user.pk, project=project)
            if membership is None:
                raise Http404("No such project.")
            if not membership.has_any(needed):
                raise NotAllowedError(
                    f"This needs the role {' or '.join(sorted(needed))} in {membership.project}; "
                    f"yours: {', '.join(membership.roles) or 'none'}. Ask an admin of the project."
                )
            member_request = cast("ProjectRequest", request)
            member_request.membership = membership
            return view(member_request, membership.project, **kwargs)

        mark(wrapper, AccessRule("members", needed))
        return wrapper

    return decorate
