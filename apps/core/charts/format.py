"""How numbers are written, the same in every chart, table and sentence.

A minus is U+2212, which is as wide as a plus; an interval is ``low–high`` for levels and ``low to high``
for changes, where a dash beside a sign would be misread.
"""

from __future__ import annotations

from decimal import Decimal

from apps.core.statistics.intervals import wilson

MIN_TO_RATE = 20
"""A share of fewer than this says more than it knows."""
MINUS = "\N{MINUS SIGN}"
DASH = "\N{EN DASH}"


def level(value: float, *, digits: int = 2) -> str:
    """``0.7431`` → ``0.74``."""
    return _unsigned_zero(f"{value:.{digits}f}").replace("-", MINUS)


def percent(share: float, *, digits: int = 0) -> str:
    """A share between 0 and 1 as a percentage: ``0.61`` → ``61%``."""
    return f"{level(100 * share, digits=digits)}%"


def signed(value: float, *, digits: int = 2) -> str:
    """``0.14`` → ``+0.14``; what rounds to nothing carries no sign."""
    text = _unsigned_zero(f"{value:+.{digits}f}")
    return text.replace("-", MINUS)


def points(change: float, *, digits: int = 1) -> str:
    """A change of a share in percentage points: ``0.47`` → ``+47.0 pp``."""
    return f"{signed(100 * change, digits=digits)} pp"


def level_interval(low: float, high: float, *, digits: int = 2) -> str:
    """``0.74–0.79``."""
    return f"{level(low, digits=digits)}{DASH}{level(high, digits=digits)}"


def percent_interval(low: float, high: float, *, digits: int = 0) -> str:
    """``40–55%``, from shares between 0 and 1."""
    return f"{level(100 * low, digits=digits)}{DASH}{percent(high, digits=digits)}"


def signed_interval(low: float, high: float, *, digits: int = 2) -> str:
    """``+0.06 to +0.22``."""
    return f"{signed(low, digits=digits)} to {signed(high, digits=digits)}"


def count(value: int) -> str:
    """``1291`` → ``1,291``."""
    return f"{value:,}"


def rate(good: int, of: int) -> str:
    """``80% (61–91%) of 25``, with the 95% interval (Wilson); of fewer than twenty only ``4 of 5``, of none a dash."""
    if not of:
        return DASH
    if of < MIN_TO_RATE:
        return f"{count(good)} of {count(of)}"
    interval = wilson(good, of)
    return f"{percent(good / of)} ({percent_interval(interval.low, interval.high)}) of {count(of)}"


def dollars(money: Decimal | str) -> str:
    """``1291.5`` → ``$1,291.50``; small sums with as many digits as they need: ``$0.0026``, ``$0.000014``."""
    amount = Decimal(money)
    if amount == 0:
        return "$0"
    if abs(amount) >= Decimal("0.1"):
        return f"${amount:,.2f}"
    return f"${amount:.{max(4, 1 - amount.adjusted())}f}"


def _unsigned_zero(text: str) -> str:
    return text.lstrip("+-") if float(text) == 0 else text
