"""Providers: one file each. Adding one is a file, a test and a name in PROVIDERS.

No code outside this package asks which provider it is talking to.
"""

from __future__ import annotations

from apps.core.errors import DomainError
from apps.providers.anthropic import Anthropic
from apps.providers.azure import AzureOpenAI
from apps.providers.base import Provider
from apps.providers.bedrock import Bedrock
from apps.providers.compatible import Compatible
from apps.providers.gemini import Gemini
from apps.providers.openai import OpenAI
from apps.providers.rules import Rules
from apps.providers.vertex import Vertex

PROVIDERS: tuple[Provider, ...] = (
    Rules(),
    OpenAI(),
    Anthropic(),
    AzureOpenAI(),
    Vertex(),
    Gemini(),
    Bedrock(),
    Compatible(),
)
REGISTRY = {provider.key: provider for provider in PROVIDERS}


def provider_of(key: str) -> Provider:
    try:
        return REGISTRY[key]
    except KeyError:
        raise DomainError(f"There is no provider {key!r}; there is {', '.join(sorted(REGISTRY))}.") from None


__all__ = ["REGISTRY", "Provider", "provider_of"]
