"""Credentials without a format of their own, found by their context, in order of precedence."""

from __future__ import annotations

from apps.core.detectors.secret_context.keys import KEY_RULES
from apps.core.detectors.secret_context.logins import LOGIN_RULES
from apps.core.detectors.secret_context.passwords import PASSWORD_RULES
from apps.core.detectors.secret_context.rule import ContextRule

__all__ = ["CONTEXT_RULES", "ContextRule"]

CONTEXT_RULES: tuple[ContextRule, ...] = (*LOGIN_RULES, *PASSWORD_RULES, *KEY_RULES)
