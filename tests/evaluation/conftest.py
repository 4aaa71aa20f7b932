from __future__ import annotations

import pytest

from tests.evaluation.scene import Court, make_court


@pytest.fixture
def court(db: None) -> Court:
    return make_court()
