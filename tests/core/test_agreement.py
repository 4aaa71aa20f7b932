"""Agreement of two raters, against scikit-learn's kappa and irrCAC's AC1 (the golden file names their versions)."""

from __future__ import annotations

from typing import Any

import pytest

from apps.core.statistics.agreement import Agreement
from tests.core.test_statistics import cases

TABLES = [case for case in cases("11_agreement") if "table_accept_reject" in case["inputs"]]


def test_there_are_golden_tables() -> None:
    assert len(TABLES) == 3


@pytest.mark.parametrize("case", TABLES)
def test_raw_kappa_and_ac1(case: dict[str, Any]) -> None:
    (both, first_only), (second_only, neither) = case["inputs"]["table_accept_reject"]
    found, expected = Agreement(both, first_only, second_only, neither), case["expected"]
    assert found.raw == pytest.approx(expected["percent"], abs=1e-4)
    assert found.kappa == pytest.approx(expected["cohen_kappa"], abs=1e-4)
    assert found.ac1 == pytest.approx(expected["gwet_ac1"], abs=1e-4)


def test_nothing_and_one_heap_alone_are_no_division_by_zero() -> None:
    assert (Agreement(0, 0, 0, 0).raw, Agreement(0, 0, 0, 0).kappa, Agreement(0, 0, 0, 0).ac1) == (0, 0, 0)
    assert (Agreement(5, 0, 0, 0).kappa, Agreement(5, 0, 0, 0).ac1) == (0, 1)
