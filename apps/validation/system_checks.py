"""What must be right before a process that checks records starts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error

from apps.core.detectors.mounted_rules import read_rules_and_errors


def check_secret_rules(
    *, app_configs: Sequence[AppConfig] | None = None, databases: Sequence[str] | None = None, **_: Any
) -> list[CheckMessage]:
    """One error for each rule of ``SECRET_RULES_FILE`` that cannot be used."""
    if not settings.SECRET_RULES_FILE:
        return []
    _rules, errors = read_rules_and_errors(Path(settings.SECRET_RULES_FILE))
    return [
        Error(f"SECRET_RULES_FILE: {error}", hint="docs/operations.md has the format.", id="validation.E001")
        for error in errors
    ]
