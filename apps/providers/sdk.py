"""Vendors' SDKs, imported when they are first needed: neither the demo nor the web process wants them."""

from __future__ import annotations

import importlib
from types import ModuleType

from apps.core.errors import DomainError


def sdk(name: str) -> ModuleType:
    """The module ``name``; DomainError says how to install it."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise DomainError(
            f"{name} is not installed here: install requirements-providers.txt in the generation worker."
        ) from error
