"""How numbers are written, the same in every chart, table and sentence.

A minus is U+2212, which is as wide as a plus; an interval is ``low–high`` for levels and ``low to high``
for changes, where a dash beside a sign would be misread.
"""

from __future__ import annotations

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


def _unsigned_zero(text: str) -> str:
    return text.lstrip("+-") if float(text) == 0 else text
