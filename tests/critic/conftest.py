from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests import factories
from tests.critic.scene import Court, JudgeStandIn, judge_rig
from tests.review.scene import make_scene


@pytest.fixture
def court(db: None) -> Iterator[Court]:
    factories.make_families()
    with judge_rig() as rig:
        assert isinstance(rig.server, JudgeStandIn)
        yield Court(make_scene(), rig.connect(), rig.server)
