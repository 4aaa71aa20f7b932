"""A share over a share: how often something happens, by how bad the thing is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.core.charts import format as number
from apps.core.charts import svg
from apps.core.charts.scale import Scale, nice_step


@dataclass(frozen=True, slots=True)
class Point:
    """``across`` and ``up`` are shares, 0 to 1; a point with ``note`` gets a dot and the words."""

    across: float
    up: float
    note: str = ""


_SIZES = (("chart-wide", 1080, 320), ("chart-narrow", 340, 260))
_LEFT, _RIGHT, _HEAD, _FOOT = 48, 16, 28, 44


def share_curve(points: Sequence[Point], *, title: str, across: str, up: str) -> SafeString:
    """Draw the points from left to right; a wide and a narrow drawing, of which CSS shows one.

    ``across`` and ``up`` name the axes. Raises ValueError for fewer than two points.
    """
    if len(points) < 2:
        raise ValueError("A curve needs at least two points.")
    about = " ".join(
        f"{across} {number.percent(point.across, digits=1)}: {number.percent(point.up)}." for point in points
    )
    drawings = []
    for css, width, height in _SIZES:
        x = Scale(0, points[-1].across, _LEFT, width - _RIGHT)
        y = Scale(0, 1, height - _FOOT, _HEAD)
        parts = [*_axes(x, y, width, height, across, up), _line(points, x, y), *_notes(points, x, y, width)]
        drawings.append(svg.figure(parts, css=css, size=(width, height), title=title, about=about))
    return svg.join(drawings)


def _axes(x: Scale, y: Scale, width: int, height: int, across: str, up: str) -> list[SafeString]:
    parts = [svg.text(up, x=0, y=12, css="chart-head")]
    for tick in y.ticks(0.25):
        parts.append(svg.horizontal(x1=_LEFT, x2=width - _RIGHT, y=y(tick), css="chart-grid"))
        parts.append(
            svg.text(number.percent(tick), x=_LEFT - 8, y=y(tick) + 4, css="chart-soft", anchor="end")
        )
    for tick in x.ticks(nice_step(x.high, at_most=6)):
        parts.append(
            svg.text(
                number.percent(tick), x=x(tick), y=height - _FOOT + 18, css="chart-soft", anchor="middle"
            )
        )
    parts.append(svg.text(across, x=width - _RIGHT, y=height - 6, css="chart-head", anchor="end"))
    return parts


def _line(points: Sequence[Point], x: Scale, y: Scale) -> SafeString:
    places = " ".join(f"{x(point.across)},{y(point.up)}" for point in points)
    return format_html('<polyline class="chart-line" points="{}"/>', places)


def _notes(points: Sequence[Point], x: Scale, y: Scale, width: int) -> list[SafeString]:
    parts = []
    for point in points:
        if point.note:
            left, top = x(point.across), y(point.up)
            parts.append(svg.dot(x=left, y=top, radius=4, css="chart-after"))
            at_end = left > width * 0.6
            parts.append(
                svg.text(
                    point.note,
                    x=left - 10 if at_end else left + 10,
                    y=top - 8,
                    css="chart-soft",
                    anchor="end" if at_end else "start",
                )
            )
    return parts
