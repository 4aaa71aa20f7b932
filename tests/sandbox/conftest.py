"""Each mechanism in turn; one that does not work here is skipped with its reason, loudly."""

from __future__ import annotations

import pytest

from apps.sandbox.mechanisms import MECHANISMS, Mechanism
from apps.sandbox.probing import findings


@pytest.fixture(params=MECHANISMS, ids=lambda mechanism: mechanism.name)
def mechanism(request: pytest.FixtureRequest) -> Mechanism:
    chosen: Mechanism = request.param
    for finding in findings():
        if finding.mechanism is chosen and finding.trouble:
            pytest.skip(f"THE SANDBOX {chosen.name} IS NOT TESTED HERE: {finding.trouble}")
    return chosen
