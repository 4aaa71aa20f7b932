from __future__ import annotations

import pytest

from tests.datasets.scene import Warehouse, make_warehouse


@pytest.fixture
def warehouse(db: None) -> Warehouse:
    return make_warehouse()
