"""Whether a model is as often right as it says."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

BINS = 10
LEAST_IN_BIN = 10
LEAST_FOR_ECE = 200
"""Below, the error of the estimate is of the size of what it estimates."""
_NEAREST = 1e-6
"""How near to 0 and 1 a confidence is taken to be, so that its logit is finite."""


@dataclass(frozen=True)
class Bin:
    """Rows whose confidences lie beside each other: how sure the model was of them, and how often it was right."""

    n: int
    confidence: float
    right: float


@dataclass(frozen=True)
class Recalibration:
    """``logit P(right) = intercept + slope · logit(confidence)``: 0 and 1 where the confidences are to be believed.

    A slope below 1 is a model that is too sure of itself.
    """

    intercept: float
    slope: float


def brier(confidences: Sequence[float], right: Sequence[bool]) -> float:
    """Mean squared distance of the confidence from what came of it (Brier 1950); 0 is best."""
    return sum((p - was) ** 2 for p, was in zip(confidences, right, strict=True)) / len(right)


def bins_of(
    confidences: Sequence[float], right: Sequence[bool], *, bins: int = BINS, least: int = LEAST_IN_BIN
) -> list[Bin]:
    """Bins of equal width over [0, 1], the lowest first, each with its upper end.

    One with fewer than ``least`` rows joins the next.
    """
    sorted_in: list[list[tuple[float, bool]]] = [[] for _ in range(bins)]
    for confidence, was in zip(confidences, right, strict=True):
        sorted_in[max(math.ceil(confidence * bins) - 1, 0)].append((confidence, was))
    joined: list[list[tuple[float, bool]]] = []
    waiting: list[tuple[float, bool]] = []
    for members in sorted_in:
        waiting = [*waiting, *members]
        if len(waiting) >= least:
            joined.append(waiting)
            waiting = []
    if waiting:
        joined = [*joined[:-1], [*joined[-1], *waiting]] if joined else [waiting]
    return [
        Bin(len(rows), sum(p for p, _ in rows) / len(rows), sum(was for _, was in rows) / len(rows))
        for rows in joined
    ]


def expected_calibration_error(bins: Sequence[Bin]) -> float:
    """Mean distance of confidence and share of right rows over the bins, by their rows (Naeini 2015)."""
    total = sum(each.n for each in bins)
    return sum(each.n * abs(each.confidence - each.right) for each in bins) / total if total else 0.0


def recalibration(confidences: Sequence[float], right: Sequence[bool]) -> Recalibration | None:
    """Slope and intercept of a logistic regression (Cox 1958), by Newton's method.

    None where the rows cannot tell: one confidence for all, all right, all wrong, or told apart without an error.
    """
    rows = [(_logit(p), float(was)) for p, was in zip(confidences, right, strict=True)]
    if len({x for x, _ in rows}) < 2 or len({y for _, y in rows}) < 2:
        return None
    intercept, slope = 0.0, 1.0
    for _ in range(100):
        step = _newton_step(rows, intercept, slope)
        if step is None:
            return None
        intercept, slope = intercept + step[0], slope + step[1]
        if max(map(abs, step)) < 1e-10:
            return Recalibration(intercept, slope)
    return None


def _newton_step(
    rows: Sequence[tuple[float, float]], intercept: float, slope: float
) -> tuple[float, float] | None:
    """Where the likelihood is flat, as it is at the end of the world for rows without an error, there is no step."""
    g0 = g1 = h00 = h01 = h11 = 0.0
    for x, y in rows:
        p = _expit(intercept + slope * x)
        weight = p * (1 - p)
        g0, g1 = g0 + y - p, g1 + (y - p) * x
        h00, h01, h11 = h00 + weight, h01 + weight * x, h11 + weight * x * x
    determinant = h00 * h11 - h01 * h01
    if determinant < 1e-9 or max(abs(intercept), abs(slope)) > 1e4:
        return None
    return (h11 * g0 - h01 * g1) / determinant, (h00 * g1 - h01 * g0) / determinant


def _logit(p: float) -> float:
    kept = min(max(p, _NEAREST), 1 - _NEAREST)
    return math.log(kept / (1 - kept))


def _expit(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))
