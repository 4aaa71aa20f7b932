"""Providers: one file each. Adding one is a file, a test and a line in REGISTRY.

No code outside this package asks which provider it is talking to.
"""

from __future__ import annotations

from apps.core.errors import DomainError
from apps.providers.base import Provider
from apps.providers.rules import Rules

REGISTRY: dict[str, Provider] = {"rules": Rules()}


def provider_of(key: str) -> Provider:
    try:
        return REGISTRY[key]
    except KeyError:
        raise DomainError(f"There is no provider {key!r}; there is {', '.join(sorted(REGISTRY))}.") from None


__all__ = ["REGISTRY", "Provider", "provider_of"]
