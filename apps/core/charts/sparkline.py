"""A line the size of a word: where a number has been going."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.core.charts import svg
from apps.core.charts.scale import Scale

WIDTH = 152
HEIGHT = 24
MARGIN = 3


def sparkline(values: Sequence[float], *, label: str) -> SafeString:
    """Draw the values from left to right, with a dot on the last one.

    The line spans the box from its lowest to its highest value; a constant series runs through the middle.
    ``label`` says in words what is drawn. Nothing is drawn for an empty series.
    """
    if not values:
        return SafeString("")
    low, high = min(values), max(values)
    if low == high:
        low, high = low - 1, high + 1
    across = Scale(0, max(len(values) - 1, 1), MARGIN, WIDTH - MARGIN)
    down = Scale(low, high, HEIGHT - MARGIN, MARGIN)
    points = [(across(index), down(value)) for index, value in enumerate(values)]
    return format_html(
        '<svg class="sparkline" viewBox="0 0 {width} {height}" role="img" aria-label="{label}">'
        '<title>{label}</title><polyline class="spark-line" points="{points}"/>{last}</svg>',
        width=WIDTH,
        height=HEIGHT,
        label=label,
        points=" ".join(f"{x},{y}" for x, y in points),
        last=svg.dot(x=points[-1][0], y=points[-1][1], radius=2.5, css="spark-last"),
    )
