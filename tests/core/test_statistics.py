"""Our statistics agree with the golden cases, whose values come from scipy, statsmodels and the papers named there."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core.statistics.intervals import NORMAL, rule_of_three, wilson
from apps.core.statistics.multiplicity import holm
from apps.core.statistics.paired import (
    Stratum,
    midp_gain,
    midp_loss,
    midp_two_sided,
    regression_rate,
    tango_interval,
    tango_z,
    weighted_gain,
)
from apps.core.statistics.sample_size import least_changed, least_rows, rows_for_gain, rows_for_no_loss

GOLDEN = Path(__file__).resolve().parent.parent / "golden"


def cases(name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((GOLDEN / f"{name}.json").read_text())["cases"]
    return found


@pytest.mark.parametrize("case", cases("01_wilson"))
def test_wilson(case: dict[str, Any]) -> None:
    interval = wilson(case["inputs"]["k"], case["inputs"]["n"], case["inputs"]["conf"])
    assert [interval.low, interval.high] == pytest.approx(case["expected"]["wilson"], abs=1e-6)
    # The exact interval is known to be the wider one.
    low, high = case["expected"]["clopper_pearson"]
    assert low < interval.low < interval.high <= high


def test_wilson_of_nothing_is_everything() -> None:
    assert (wilson(0, 0).low, wilson(0, 0).high) == (0, 1)
    assert rule_of_three(100) == pytest.approx(0.03)
    assert (rule_of_three(2), rule_of_three(0)) == (1, 1)


@given(st.integers(0, 500), st.integers(0, 500))
def test_wilson_holds_the_rate_and_mirrors(yes: int, no: int) -> None:
    interval, mirrored = wilson(yes, yes + no), wilson(no, yes + no)
    if yes + no:
        assert yes / (yes + no) in interval
    assert interval.low == pytest.approx(1 - mirrored.high, abs=1e-12)


@pytest.mark.parametrize("case", cases("02_mcnemar_midp"))
def test_mid_p(case: dict[str, Any]) -> None:
    fixed, broken, expected = case["inputs"]["fixed"], case["inputs"]["broken"], case["expected"]
    assert midp_gain(fixed, broken) == pytest.approx(expected["midp_greater"], abs=1e-9)
    assert midp_two_sided(fixed, broken) == pytest.approx(expected["midp_two_sided"], abs=1e-9)
    # What mid-p leaves out of the exact tests is the probability of what was seen: half of it to one side.
    seen = math.comb(fixed + broken, fixed) / 2 ** (fixed + broken)
    assert midp_gain(fixed, broken) + seen / 2 == pytest.approx(expected["exact_greater"])
    assert expected["exact_two_sided"] == pytest.approx(expected["statsmodels_exact"])
    if fixed != broken:
        assert midp_two_sided(fixed, broken) + seen == pytest.approx(expected["exact_two_sided"])


@given(st.integers(0, 3000), st.integers(0, 3000))
def test_two_sided_mid_p_does_not_care_which_model_is_which(fixed: int, broken: int) -> None:
    assert midp_two_sided(fixed, broken) == midp_two_sided(broken, fixed)
    assert 0 <= midp_two_sided(fixed, broken) <= midp_two_sided(fixed, fixed) == 1


def test_mid_p_keeps_its_digits_with_thousands_of_changed_rows() -> None:
    """Against the normal approximation, which is good there, and far out where a float of the tail underflows."""
    z = (5100 - 4900) / math.sqrt(10_000)
    assert midp_gain(5100, 4900) == pytest.approx(NORMAL.cdf(-z), rel=1e-3)
    assert midp_gain(1000, 0) == pytest.approx(0.5**1001)
    assert midp_gain(5000, 0) == 0
    assert midp_loss(5000, 0) == 1


@given(st.integers(0, 3000), st.integers(0, 3000))
def test_mid_p_of_gain_and_loss_are_complements(fixed: int, broken: int) -> None:
    assert midp_gain(fixed, broken) + midp_loss(fixed, broken) == pytest.approx(1.0)


@given(st.integers(0, 200), st.integers(1, 200))
def test_another_fixed_row_never_weakens_the_gain(fixed: int, broken: int) -> None:
    assert midp_gain(fixed + 1, broken) <= midp_gain(fixed, broken)


@pytest.mark.parametrize("case", cases("03_tango_noninferiority"))
def test_tango(case: dict[str, Any]) -> None:
    inputs, expected = case["inputs"], case["expected"]
    z = tango_z(**inputs, difference=-0.02)
    assert z == pytest.approx(expected["ni_z_delta_02"], abs=1e-4)
    assert (z >= NORMAL.inv_cdf(0.95)) is expected["ni_pass_delta_02"]
    if "ci95" in expected:
        interval = tango_interval(**inputs)
        assert [interval.low, interval.high] == pytest.approx(expected["ci95"], abs=1e-4)
        one_sided = tango_interval(**inputs, confidence=0.90)
        sides = [expected["one_sided95_lower"], expected["one_sided95_upper"]]
        assert [one_sided.low, one_sided.high] == pytest.approx(sides, abs=1e-4)


@given(st.integers(0, 50), st.integers(0, 50), st.integers(100, 400))
def test_tango_interval_holds_the_estimate_and_mirrors(fixed: int, broken: int, n: int) -> None:
    interval, mirrored = tango_interval(fixed, broken, n), tango_interval(broken, fixed, n)
    assert interval.low <= (fixed - broken) / n <= interval.high
    assert interval.low == pytest.approx(-mirrored.high, abs=1e-9)


@given(st.integers(0, 40), st.integers(0, 40), st.integers(0, 300), st.floats(-0.2, 0.2))
def test_tango_z_changes_its_sign_with_the_models(
    fixed: int, broken: int, same: int, difference: float
) -> None:
    n = fixed + broken + same + 1
    mirrored = tango_z(broken, fixed, n, -difference)
    assert tango_z(fixed, broken, n, difference) == pytest.approx(-mirrored, abs=1e-6)


def test_tango_z_against_zero_is_the_uncorrected_mcnemar_test() -> None:
    assert tango_z(12, 3, 100, 0.0) == pytest.approx((12 - 3) / math.sqrt(12 + 3))


@pytest.mark.parametrize("case", cases("04_holm"))
def test_holm(case: dict[str, Any]) -> None:
    adjusted = holm(case["inputs"]["p"])
    assert adjusted == pytest.approx(case["expected"]["adjusted"])
    assert [p <= case["inputs"]["alpha"] for p in adjusted] == case["expected"]["reject"]


@pytest.mark.parametrize("case", cases("05_rows_needed"))
def test_rows_needed(case: dict[str, Any]) -> None:
    inputs, expected = case["inputs"], case["expected"]
    if "non_inferiority" in inputs:
        n = rows_for_no_loss(
            churn=inputs["churn_total"], delta=inputs["delta"], alpha=inputs["alpha_one_sided"]
        )
        assert n == pytest.approx(expected["n_simulated"], rel=expected["n_tolerance_pct"] / 100)
    else:
        shares = {"share_fixed": inputs["p_fixed"], "share_broken": inputs["p_broken"]}
        assert (
            rows_for_gain(**shares, alpha=inputs["alpha_one_sided"], power=inputs["power"]) == expected["n"]
        )


@pytest.mark.parametrize(("alpha", "rows", "changed"), [(0.05, 133, 4), (0.01, 266, 6)])
def test_guards_follow_from_the_alpha_per_look(alpha: float, rows: int, changed: int) -> None:
    assert least_rows(alpha=alpha, delta=0.02) == rows
    assert least_changed(alpha=alpha) == changed


@pytest.mark.parametrize("alpha", [0.05, 0.025, 0.01, 0.005])
@pytest.mark.parametrize("delta", [0.01, 0.02, 0.05])
def test_guards_are_the_smallest_numbers_that_can_pass(alpha: float, delta: float) -> None:
    rows, changed, z = (
        least_rows(alpha=alpha, delta=delta),
        least_changed(alpha=alpha),
        NORMAL.inv_cdf(1 - alpha),
    )
    assert tango_z(0, 0, rows - 1, -delta) < z <= tango_z(0, 0, rows, -delta)
    assert midp_gain(changed, 0) <= alpha < midp_gain(changed - 1, 0)


def test_rows_for_a_gain_need_a_gain() -> None:
    with pytest.raises(ValueError, match="positive"):
        rows_for_gain(share_fixed=0.1, share_broken=0.1, alpha=0.05)


@pytest.mark.parametrize("case", cases("18_regression_rate"))
def test_regression_rate(case: dict[str, Any]) -> None:
    rate, expected = regression_rate(**case["inputs"]), case["expected"]
    assert rate.of_all == pytest.approx(expected["negative_flip_rate"])
    assert [rate.of_all_interval.low, rate.of_all_interval.high] == pytest.approx(expected["nfr_ci"])
    assert rate.of_right == pytest.approx(expected["broken_given_right"])
    assert [rate.of_right_interval.low, rate.of_right_interval.high] == pytest.approx(
        expected["broken_given_right_ci"]
    )
    assert rate.net == pytest.approx(expected["net"])


@pytest.mark.parametrize("case", cases("19_weighted_overall"))
def test_weighted_gain(case: dict[str, Any]) -> None:
    strata = [
        Stratum(s["n"], s["fixed"], s["broken"], s["production_share"]) for s in case["inputs"]["strata"]
    ]
    gain, expected = weighted_gain(strata), case["expected"]
    assert gain.difference == pytest.approx(expected["weighted_diff"], abs=1e-12)
    assert gain.standard_error == pytest.approx(expected["se"], abs=1e-9)
    assert gain.z == pytest.approx(expected["z"], abs=1e-6)
    assert gain.p == pytest.approx(expected["p_one_sided"], abs=1e-9)


def test_the_web_process_does_not_pay_for_scipy() -> None:
    statement = (
        "import sys, apps.evaluation.launch_gate\n"
        "sys.exit(' '.join(m for m in ('numpy', 'scipy', 'django') if m in sys.modules))"
    )
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, "-c", statement], cwd=root, capture_output=True, text=True, check=False
    )
    assert done.stderr.strip() == ""
