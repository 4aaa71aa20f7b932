"""The site's addresses, walked: every view with a path that reaches it."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver
from django.urls.resolvers import RoutePattern

from apps.accounts.access import AccessRule

PROJECT = "the-project"
# One value for each path converter in use; of no object that any test makes.
DUMMIES: dict[str, Any] = {
    "int": 987654,
    "task": 987654,
    "slug": "no-such-thing",
    "str": "no-such-thing",
    "uuid": uuid.UUID("00000000-0000-4000-8000-00000000dead"),
    "path": "no/such/thing",
}


@dataclass(frozen=True)
class Address:
    """One pattern of the URL map; ``path`` has a dummy for every argument and PROJECT for the project."""

    name: str
    path: str
    view: Callable[..., Any]

    @property
    def access(self) -> AccessRule | None:
        return getattr(self.view, "access", None)


def addresses(patterns: Iterable[URLPattern | URLResolver] | None = None) -> list[Address]:
    """Every address below ``patterns``; without any, of the whole site except Django's admin."""
    if patterns is None:
        patterns = get_resolver().url_patterns
    return list(_walk(patterns, prefix="/", namespace=""))


def without_access_rule(found: Iterable[Address]) -> list[str]:
    return [address.name for address in found if address.access is None]


def of_projects() -> list[Address]:
    """The views that only members of a project may call."""
    return [address for address in addresses() if address.access and address.access.audience == "members"]


def _walk(patterns: Iterable[URLPattern | URLResolver], *, prefix: str, namespace: str) -> Iterator[Address]:
    for pattern in patterns:
        path = prefix + _filled(pattern)
        if isinstance(pattern, URLPattern):
            yield Address(f"{namespace}{pattern.name or path}", path, pattern.callback)
        elif pattern.app_name != "admin":
            inner = f"{namespace}{pattern.namespace}:" if pattern.namespace else namespace
            yield from _walk(pattern.url_patterns, prefix=path, namespace=inner)


def _filled(pattern: URLPattern | URLResolver) -> str:
    route = str(pattern.pattern)
    if not isinstance(pattern.pattern, RoutePattern):
        # The root resolver of a test's own map, or a regular expression, which this site does not use.
        return route
    for argument, converter in pattern.pattern.converters.items():
        kind = next(kind for kind in DUMMIES if type(converter).__name__.lower().startswith(kind))
        value = PROJECT if argument == "project" else DUMMIES[kind]
        for spelling in (f"<{kind}:{argument}>", f"<{argument}>"):
            route = route.replace(spelling, str(value))
    return route
