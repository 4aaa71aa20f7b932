from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.providers.matrix import worker_environment
from tests.providers.rigs import RIGS, Rig


@pytest.fixture(params=list(RIGS))
def rig(request: pytest.FixtureRequest) -> Iterator[Rig]:
    """Each network provider with a stand-in of its own; this process has its key."""
    with RIGS[request.param]() as rig, worker_environment(rig):
        yield rig
