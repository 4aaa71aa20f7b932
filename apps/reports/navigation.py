"""The project of a page and the links at its top, for every template (a context processor)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from apps.review.rules import ReviewRules
from apps.specs.models import Membership, Role

REVIEWERS = frozenset({Role.REVIEWER, Role.LEAD})
LEADERS = frozenset({Role.LEAD, Role.MANAGER})
EVERYONE = frozenset(Role.values)
OVERSEERS = frozenset({Role.LEAD, Role.MANAGER, Role.ADMIN})


@dataclass(frozen=True)
class NavLink:
    label: str
    url: str
    is_current: bool


# (label, URL name, part of the path below the project by which the link knows its pages, roles)
LINKS = (
    ("Home", "reports:project-home", "", EVERYONE),
    ("Review", "review:room", "review/", REVIEWERS),
    ("Records", "reports:record-list", "records/", EVERYONE),
    ("Guide", "specs:guide-detail", "guide/", EVERYONE),
    ("Runs", "generation:run-list", "runs/", LEADERS),
    ("Models", "reports:models", "models/", LEADERS),
    ("Releases", "datasets:release-list", "releases/", LEADERS),
    ("Evaluate", "evaluation:evaluation-home", "evaluate/", LEADERS),
    ("Reports", "reports:provenance", "reports/", LEADERS),
)


def navigation(request: HttpRequest) -> dict[str, Any]:
    """``project`` and ``nav_links`` where ``project_view`` has let a member in; nothing elsewhere."""
    membership: Membership | None = getattr(request, "membership", None)
    if membership is None:
        return {}
    project = membership.project
    hidden = "reports:record-list" if _hides_records(membership) else ""
    home = reverse("reports:project-home", args=[project.slug])
    below = request.path.removeprefix(home)
    links = [
        NavLink(label, reverse(name, args=[project.slug]), below.startswith(part) if part else not below)
        for label, name, part, roles in LINKS
        if membership.has_any(roles) and name != hidden
    ]
    return {"project": project, "membership": membership, "nav_links": links}


def _hides_records(membership: Membership) -> bool:
    return ReviewRules.of(membership.project).hides_records and not membership.has_any(OVERSEERS)
