"""The slice chart: for each slice, before and after with their intervals, and the change."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from apps.core.charts import format as number
from apps.core.charts import svg
from apps.core.charts.scale import Scale, nice_step

WIDTH = 1080
ROW = 48
HEAD = 40
FOOT = 36
PAD = 12
PLOT_START = 240
PLOT_END = 836
NAME_LENGTH = 24
MOST_TICKS = 8

# Both ways, since the interval leaves both open; the selector keeps phones from drawing an emoji.
UNCLEAR = "\N{LEFT RIGHT ARROW}\N{VARIATION SELECTOR-15}"

Outcome = Literal["gain", "loss", "unclear"]
Unit = Literal["score", "percent"]
_MARKS: dict[Outcome, str] = {"gain": "▲", "loss": "▼", "unclear": UNCLEAR}
_WORDS: dict[Outcome, str] = {"gain": "clear gain", "loss": "clear loss", "unclear": "not clear"}


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value with its interval; ``low`` and ``high`` are ``None`` where too few rows allow none."""

    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class DumbbellRow:
    """One slice. ``n`` is its number of holdout rows; ``note`` follows it, such as ``targeted``.

    Values are shares between 0 and 1. The outcome is decided by whoever did the test: two intervals
    that overlap can still be a clear paired change, so it is never read off the picture.
    """

    name: str
    n: int
    before: Estimate
    after: Estimate
    change: Estimate
    outcome: Outcome
    note: str = ""
    is_targeted: bool = False


def dumbbell(
    rows: Sequence[DumbbellRow],
    *,
    title: str,
    metric: str,
    axis: tuple[float, float] | None = None,
    unit: Unit = "score",
    confidence: str = "95% CI",
) -> SafeString:
    """Draw the rows, top to bottom, on one axis.

    ``metric`` heads the axis (``Recall on the frozen holdout``); ``axis`` fixes its two ends, otherwise
    they are taken from the data, rounded outwards. ``unit`` writes 0.74 as ``0.74`` or as ``74%``, and a
    change of it as ``+0.14`` or ``+14.0 pp``. Raises ``ValueError`` without rows.
    """
    if not rows:
        raise ValueError("A dumbbell chart needs at least one row.")
    low, high, step = _axis(rows, axis)
    scale = Scale(low, high, PLOT_START, PLOT_END)
    height = HEAD + ROW * len(rows) + FOOT
    return svg.figure(
        [
            *_heads(metric, confidence),
            *_grid(scale, step, height, unit),
            *(_row(row, HEAD + ROW * index, scale, unit) for index, row in enumerate(rows)),
        ],
        css="chart-dumbbell",
        size=(WIDTH, height),
        title=title,
        about=" ".join(_sentence(row, unit) for row in rows),
    )


def legend() -> SafeString:
    """The key to the marks, as a list to stand above the chart."""
    entries = (
        ("chart-unclear", "chart-before", "before"),
        ("chart-gain", "chart-after", "▲ after, clear gain"),
        ("chart-unclear", "chart-after", f"{UNCLEAR} after, not clear"),
        ("chart-loss", "chart-after", "▼ after, clear loss"),
    )
    items = format_html_join(
        "",
        '<li><svg class="chart" viewBox="0 0 12 12" aria-hidden="true"><g class="{}">{}</g></svg>{}</li>',
        ((outcome, svg.dot(x=6, y=6, radius=4.5, css=mark), words) for outcome, mark, words in entries),
    )
    return format_html('<ul class="legend">{}</ul>', items)


def _axis(rows: Sequence[DumbbellRow], fixed: tuple[float, float] | None) -> tuple[float, float, float]:
    """The two ends and the step between ticks."""
    if fixed:
        return *fixed, nice_step(fixed[1] - fixed[0], at_most=MOST_TICKS)
    shown = [
        value
        for row in rows
        for estimate in (row.before, row.after)
        for value in (estimate.value, estimate.low, estimate.high)
        if value is not None
    ]
    # Slices that stand on one spot have no span; a tenth keeps the axis drawable.
    step = nice_step(max(max(shown) - min(shown), 0.1), at_most=MOST_TICKS - 2)
    first, last = math.floor(min(shown) / step), math.ceil(max(shown) / step)
    return first * step, max(last, first + 1) * step, step


def _heads(metric: str, confidence: str) -> list[SafeString]:
    return [
        svg.text("Slice (n)", x=0, y=14, css="chart-head"),
        svg.text(f"{metric}, {confidence}", x=PLOT_START, y=14, css="chart-head"),
        svg.text(f"Change, {confidence}", x=WIDTH, y=14, css="chart-head", anchor="end"),
    ]


def _grid(scale: Scale, step: float, height: int, unit: Unit) -> list[SafeString]:
    digits = _tick_digits(step, unit)
    parts = []
    for tick in scale.ticks(step):
        words = (
            number.percent(tick, digits=digits) if unit == "percent" else number.level(tick, digits=digits)
        )
        x = scale(tick)
        parts.append(svg.vertical(x=x, y1=HEAD - 12, y2=height - FOOT + 8, css="chart-grid"))
        parts.append(svg.text(words, x=x, y=height - 8, css="chart-soft", anchor="middle"))
    return parts


def _tick_digits(step: float, unit: Unit) -> int:
    """As many decimals as the step has: 0.025 needs three, 0.2 one; as a percentage two fewer."""
    decimals = next(digits for digits in range(1, 7) if math.isclose(step, round(step, digits)))
    return max(decimals - 2, 0) if unit == "percent" else decimals


def _row(row: DumbbellRow, top: int, scale: Scale, unit: Unit) -> SafeString:
    note = f" · {row.note}" if row.note else ""
    parts = [
        svg.text(svg.clipped(row.name, most=NAME_LENGTH), x=PAD, y=top + 21, css="chart-strong"),
        svg.text(f"n = {number.count(row.n)}{note}", x=PAD, y=top + 38, css="chart-soft"),
        *_mark(row.before, scale, y=top + 17, css="chart-before", radius=5),
        *_mark(row.after, scale, y=top + 32, css="chart-after", radius=6.5),
        svg.text(_change(row, unit), x=WIDTH - PAD, y=top + 29, css="chart-change", anchor="end"),
    ]
    if row.is_targeted:
        band = svg.box(x=0, y=top + 2, width=WIDTH, height=ROW - 4, radius=8, css="chart-band")
        parts.insert(0, band)
    return svg.group(parts, css=f"chart-{row.outcome}", title=_sentence(row, unit))


def _mark(estimate: Estimate, scale: Scale, *, y: int, css: str, radius: float) -> list[SafeString]:
    """The interval as a line, and the value as a dot over it."""
    value = svg.dot(x=scale(estimate.value), y=y, radius=radius, css=css)
    if estimate.low is None or estimate.high is None:
        return [value]
    return [svg.horizontal(x1=scale(estimate.low), x2=scale(estimate.high), y=y, css=css), value]


def _change(row: DumbbellRow, unit: Unit) -> SafeString:
    interval = _change_interval(row.change, unit)
    return format_html(
        '<tspan class="chart-strong">{} {}</tspan>{}',
        _MARKS[row.outcome],
        _change_value(row.change, unit),
        format_html('<tspan class="chart-interval" dx="5">({})</tspan>', interval) if interval else "",
    )


def _change_value(change: Estimate, unit: Unit) -> str:
    return number.points(change.value) if unit == "percent" else number.signed(change.value)


def _change_interval(change: Estimate, unit: Unit) -> str:
    if change.low is None or change.high is None:
        return ""
    if unit == "percent":
        return number.signed_interval(100 * change.low, 100 * change.high, digits=1)
    return number.signed_interval(change.low, change.high)


def _sentence(row: DumbbellRow, unit: Unit) -> str:
    """The row in words, for the description that a screen reader offers and the pointer shows."""
    level = number.percent if unit == "percent" else number.level
    interval = _change_interval(row.change, unit)
    note = f", {row.note}" if row.note else ""
    return (
        f"{row.name} (n = {number.count(row.n)}{note}): "
        f"{level(row.before.value)} before, {level(row.after.value)} after, "
        f"{_change_value(row.change, unit)}{f' ({interval})' if interval else ''}, {_WORDS[row.outcome]}."
    )
