from __future__ import annotations

import pytest

from apps.core.charts import format as number


@pytest.mark.parametrize(
    ("value", "text"), [(0.7431, "0.74"), (-0.7431, "−0.74"), (-0.001, "0.00"), (1.0, "1.00")]
)
def test_level(value: float, text: str) -> None:
    assert number.level(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(0.14, "+0.14"), (-0.04, "−0.04"), (0.001, "0.00"), (-0.001, "0.00")]
)
def test_signed_has_a_true_minus_and_no_sign_on_nothing(value: float, text: str) -> None:
    assert number.signed(value) == text


def test_shares_and_points() -> None:
    assert number.percent(0.614) == "61%"
    assert number.percent(0.614, digits=1) == "61.4%"
    assert number.points(0.47) == "+47.0 pp"
    assert number.points(-0.0004) == "0.0 pp"


def test_intervals() -> None:
    assert number.level_interval(0.74, 0.79) == "0.74–0.79"
    assert number.percent_interval(0.699, 0.972) == "70–97%"
    assert number.signed_interval(-0.02, 0.04) == "−0.02 to +0.04"


def test_count_has_thousands() -> None:
    assert number.count(1291) == "1,291"


@pytest.mark.parametrize(
    ("good", "of", "text"),
    [(0, 0, "–"), (4, 5, "4 of 5"), (20, 25, "80% (61–91%) of 25"), (0, 2000, "0% (0–0%) of 2,000")],
)
def test_a_rate_of_few_is_told_as_counts(good: int, of: int, text: str) -> None:
    assert number.rate(good, of) == text


@pytest.mark.parametrize(
    ("money", "text"),
    [
        ("0", "$0"),
        ("1291.5", "$1,291.50"),
        ("0.1", "$0.10"),
        ("0.0026", "$0.0026"),
        ("0.0000141", "$0.000014"),
    ],
)
def test_small_sums_get_the_digits_they_need(money: str, text: str) -> None:
    assert number.dollars(money) == text
