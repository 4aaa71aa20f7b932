"""Checks that run code are shown in each sandbox that works here."""

from __future__ import annotations

import pytest

from apps.sandbox import probing
from apps.sandbox.mechanisms import Mechanism
from apps.sandbox.probing import Finding
from tests.sandbox.conftest import mechanism

__all__ = ["mechanism", "sandbox"]


@pytest.fixture
def sandbox(mechanism: Mechanism, monkeypatch: pytest.MonkeyPatch) -> Mechanism:
    """The one that the checks use, as if it were the strongest that works here."""
    probing.findings()
    monkeypatch.setattr(probing, "findings", lambda: (Finding(mechanism, ""),))
    return mechanism
