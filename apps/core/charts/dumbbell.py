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

Outcome = Literal["gain", "loss", "unclear"]
Unit = Literal["score", "percent"]

# "Unclear" points both ways, as its interval does; the selector keeps phones from drawing an emoji.
_MARKS: dict[Outcome, str] = {
    "gain": "▲",
    "loss": "▼",
    "unclear": "\N{LEFT RIGHT ARROW}\N{VARIATION SELECTOR-15}",
}
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


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where things stand, in drawing units; a ``_y`` inside a row counts from the row's top."""

    css: str
    width: int
    row: int
    pad: int
    plot: tuple[int, int]
    most_ticks: int
    value_right: int
    before_y: int
    after_y: int
    value_y: int
    interval_y: int


# Beside each other on a desk; on a phone the plot goes under the words.
_WIDE = _Layout("chart-wide", 1080, 48, 12, (240, 836), 8, 142, 17, 32, 29, 29)
_NARROW = _Layout("chart-narrow", 340, 88, 8, (16, 324), 5, 8, 56, 71, 21, 38)
_HEAD = 40
_FOOT = 36
_NAME_Y = 21
_COUNT_Y = 38
_NAME_LENGTH = 24


def dumbbell(
    rows: Sequence[DumbbellRow],
    *,
    title: str,
    metric: str,
    axis: tuple[float, float] | None = None,
    unit: Unit = "score",
    confidence: str = "95% CI",
) -> SafeString:
    """Draw the rows, top to bottom, on one axis; a wide and a narrow drawing, of which CSS shows one.

    ``metric`` heads the axis (``Recall on the frozen holdout``); ``axis`` fixes its two ends, otherwise
    they are taken from the data, rounded outwards. ``unit`` writes 0.74 as ``0.74`` or as ``74%``, and a
    change of it as ``+0.14`` or ``+14.0 pp``. Raises ``ValueError`` without rows.
    """
    if not rows:
        raise ValueError("A dumbbell chart needs at least one row.")
    about = " ".join(_sentence(row, unit) for row in rows)
    drawings = []
    for layout in (_WIDE, _NARROW):
        low, high, step = _axis(rows, axis, layout.most_ticks)
        scale = Scale(low, high, *layout.plot)
        height = _HEAD + layout.row * len(rows) + _FOOT
        parts = [*_heads(layout, metric, confidence), *_grid(scale, step, height, unit)]
        parts += [
            _row(row, _HEAD + layout.row * index, scale, layout, unit) for index, row in enumerate(rows)
        ]
        drawings.append(
            svg.figure(parts, css=layout.css, size=(layout.width, height), title=title, about=about)
        )
    return svg.join(drawings)


def legend() -> SafeString:
    """The key to the marks, as a list to stand above the chart."""
    entries: tuple[tuple[Outcome, str, str], ...] = (
        ("unclear", "chart-before", "before"),
        ("gain", "chart-after", f"{_MARKS['gain']} after, clear gain"),
        ("unclear", "chart-after", f"{_MARKS['unclear']} after, not clear"),
        ("loss", "chart-after", f"{_MARKS['loss']} after, clear loss"),
    )
    items = format_html_join(
        "",
        '<li><svg class="chart" viewBox="0 0 12 12" aria-hidden="true">'
        '<g class="chart-{}">{}</g></svg>{}</li>',
        ((outcome, svg.dot(x=6, y=6, radius=4.5, css=mark), words) for outcome, mark, words in entries),
    )
    return format_html('<ul class="legend">{}</ul>', items)


def _axis(
    rows: Sequence[DumbbellRow], fixed: tuple[float, float] | None, most_ticks: int
) -> tuple[float, float, float]:
    """The two ends and the step between ticks."""
    if fixed:
        return *fixed, nice_step(fixed[1] - fixed[0], at_most=most_ticks)
    shown = [
        value
        for row in rows
        for estimate in (row.before, row.after)
        for value in (estimate.value, estimate.low, estimate.high)
        if value is not None
    ]
    # Rounding outwards adds up to two steps. Slices that stand on one spot have no span; a tenth
    # keeps the axis drawable.
    step = nice_step(max(max(shown) - min(shown), 0.1), at_most=most_ticks - 2)
    first, last = math.floor(min(shown) / step), math.ceil(max(shown) / step)
    return first * step, max(last, first + 1) * step, step


def _heads(layout: _Layout, metric: str, confidence: str) -> list[SafeString]:
    heads = [svg.text("Slice (n)", x=0, y=14, css="chart-head")]
    if layout is _WIDE:
        heads.append(svg.text(f"{metric}, {confidence}", x=layout.plot[0], y=14, css="chart-head"))
    heads.append(svg.text(f"Change, {confidence}", x=layout.width, y=14, css="chart-head", anchor="end"))
    return heads


def _grid(scale: Scale, step: float, height: int, unit: Unit) -> list[SafeString]:
    digits = _tick_digits(step, unit)
    parts = []
    for tick in scale.ticks(step):
        words = (
            number.percent(tick, digits=digits) if unit == "percent" else number.level(tick, digits=digits)
        )
        x = scale(tick)
        parts.append(svg.vertical(x=x, y1=_HEAD - 12, y2=height - _FOOT + 8, css="chart-grid"))
        parts.append(svg.text(words, x=x, y=height - 8, css="chart-soft", anchor="middle"))
    return parts


def _tick_digits(step: float, unit: Unit) -> int:
    """As many decimals as the step has: 0.025 needs three, 0.2 one; as a percentage two fewer."""
    decimals = next(digits for digits in range(1, 7) if math.isclose(step, round(step, digits)))
    return max(decimals - 2, 0) if unit == "percent" else decimals


def _row(row: DumbbellRow, top: int, scale: Scale, layout: _Layout, unit: Unit) -> SafeString:
    note = f" · {row.note}" if row.note else ""
    parts = [
        svg.text(svg.clipped(row.name, most=_NAME_LENGTH), x=layout.pad, y=top + _NAME_Y, css="chart-strong"),
        svg.text(f"n = {number.count(row.n)}{note}", x=layout.pad, y=top + _COUNT_Y, css="chart-soft"),
        *_mark(row.before, scale, y=top + layout.before_y, css="chart-before", radius=5),
        *_mark(row.after, scale, y=top + layout.after_y, css="chart-after", radius=6.5),
        *_change(row, top, layout, unit),
    ]
    if row.is_targeted:
        band = svg.box(x=0, y=top + 2, width=layout.width, height=layout.row - 4, radius=8, css="chart-band")
        parts.insert(0, band)
    return svg.group(parts, css=f"chart-{row.outcome}", title=_sentence(row, unit))


def _mark(estimate: Estimate, scale: Scale, *, y: int, css: str, radius: float) -> list[SafeString]:
    """The interval as a line, and the value as a dot over it."""
    value = svg.dot(x=scale(estimate.value), y=y, radius=radius, css=css)
    if estimate.low is None or estimate.high is None:
        return [value]
    return [svg.horizontal(x1=scale(estimate.low), x2=scale(estimate.high), y=y, css=css), value]


def _change(row: DumbbellRow, top: int, layout: _Layout, unit: Unit) -> list[SafeString]:
    words = f"{_MARKS[row.outcome]} {_change_value(row.change, unit)}"
    value = svg.text(
        words,
        x=layout.width - layout.value_right,
        y=top + layout.value_y,
        css="chart-strong chart-change",
        anchor="end",
    )
    interval = _change_interval(row.change, unit)
    if not interval:
        return [value]
    right, y = layout.width - layout.pad, top + layout.interval_y
    return [value, svg.text(f"({interval})", x=right, y=y, css="chart-change", anchor="end")]


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
