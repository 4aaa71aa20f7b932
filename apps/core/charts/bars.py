"""Rates with their intervals: one bar per prompt, model, label or reviewer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.core.charts import format as number
from apps.core.charts import svg
from apps.core.charts.scale import Scale


@dataclass(frozen=True, slots=True)
class Rate:
    """``hits`` of ``n``, with a Wilson interval where ``n`` is large enough to rank by (else ``None``).

    ``is_odd`` marks a rate that a test found to differ from the rest; ``note`` says so in words.
    """

    name: str
    hits: int
    n: int
    low: float | None = None
    high: float | None = None
    note: str = ""
    is_odd: bool = False


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where things stand, in drawing units; a ``_y`` inside a row counts from the row's top."""

    css: str
    width: int
    row: int
    plot: tuple[int, int]
    bar_y: int
    tick: float


# Beside each other on a desk; on a phone the bar goes under the words.
_WIDE = _Layout("chart-wide", 1080, 44, (240, 836), 15, 0.2)
_NARROW = _Layout("chart-narrow", 340, 68, (16, 324), 42, 0.25)
_HEAD = 28
_FOOT = 28
_FIRST_Y = 18
_SECOND_Y = 35
_BAR = 14
_CAP = 5
_NAME_LENGTH = 24


def rate_bars(rates: Sequence[Rate], *, title: str, measure: str) -> SafeString:
    """Draw the rates on an axis from 0 to 100%; a wide and a narrow drawing, of which CSS shows one.

    ``measure`` heads the axis: ``Accepted of reviewed``. A rate without an interval is drawn hollow and
    says only its counts: too few to compare. Raises ``ValueError`` without rates, or for a rate of nothing.
    """
    if not rates:
        raise ValueError("A chart of rates needs at least one rate.")
    if empty := [rate.name for rate in rates if rate.n < 1]:
        raise ValueError(f"A rate needs at least one row; there is none in {', '.join(empty)}.")
    about = " ".join(_sentence(rate) for rate in rates)
    drawings = []
    for layout in (_WIDE, _NARROW):
        scale = Scale(0, 1, *layout.plot)
        height = _HEAD + layout.row * len(rates) + _FOOT
        head_x = layout.plot[0] if layout is _WIDE else 0
        parts = [svg.text(f"{measure}, 95% CI", x=head_x, y=12, css="chart-head")]
        parts += _grid(scale, layout.tick, height)
        parts += [_row(rate, _HEAD + layout.row * index, scale, layout) for index, rate in enumerate(rates)]
        drawings.append(
            svg.figure(parts, css=layout.css, size=(layout.width, height), title=title, about=about)
        )
    return svg.join(drawings)


def _grid(scale: Scale, step: float, height: int) -> list[SafeString]:
    parts = []
    for tick in scale.ticks(step):
        x = scale(tick)
        parts.append(svg.vertical(x=x, y1=_HEAD - 6, y2=height - _FOOT, css="chart-grid"))
        parts.append(svg.text(number.percent(tick), x=x, y=height - 8, css="chart-soft", anchor="middle"))
    return parts


def _row(rate: Rate, top: int, scale: Scale, layout: _Layout) -> SafeString:
    left, right = layout.plot
    bar_y = top + layout.bar_y
    filled = round(scale(rate.hits / rate.n) - left, 2)
    mark = "! " if rate.is_odd else ""
    first, second = top + _FIRST_Y, top + _SECOND_Y
    parts = [
        svg.box(x=left, y=bar_y, width=right - left, height=_BAR, radius=3, css="chart-track"),
        svg.box(x=left, y=bar_y, width=filled, height=_BAR, radius=3, css="chart-bar"),
        svg.text(svg.clipped(rate.name, most=_NAME_LENGTH), x=0, y=first, css="chart-strong"),
        svg.text(rate.note, x=0, y=second, css="chart-soft chart-note"),
        svg.text(mark + _rate_text(rate), x=layout.width, y=first, css="chart-strong", anchor="end"),
        svg.text(_counts_text(rate), x=layout.width, y=second, css="chart-soft", anchor="end"),
    ]
    if rate.low is not None and rate.high is not None:
        parts.append(_whisker(scale(rate.low), scale(rate.high), bar_y + _BAR // 2))
    return svg.group(parts, css=_state(rate), title=_sentence(rate))


def _state(rate: Rate) -> str:
    if rate.low is None:
        return "chart-few"
    return "chart-odd" if rate.is_odd else "chart-usual"


def _whisker(left: float, right: float, y: int) -> SafeString:
    return format_html(
        '<path class="chart-whisker" d="M{left} {y}H{right}M{left} {top}V{end}M{right} {top}V{end}"/>',
        left=left,
        right=right,
        y=y,
        top=y - _CAP,
        end=y + _CAP,
    )


def _rate_text(rate: Rate) -> str:
    if rate.low is None or rate.high is None:
        return "too few to say"
    return f"{number.percent(rate.hits / rate.n)} ({number.percent_interval(rate.low, rate.high)})"


def _counts_text(rate: Rate) -> str:
    return f"{number.count(rate.hits)} of {number.count(rate.n)}"


def _sentence(rate: Rate) -> str:
    note = f", {rate.note}" if rate.note else ""
    return f"{rate.name}: {_rate_text(rate)}, {_counts_text(rate)}{note}."
