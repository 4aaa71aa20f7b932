from __future__ import annotations

import pytest

from apps.providers import REGISTRY
from tests.submissions.scripted import Scripted


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Scripted:
    """A scripted provider, in the registry under its key for the length of a test."""
    scripted = Scripted()
    monkeypatch.setitem(REGISTRY, scripted.key, scripted)
    return scripted
