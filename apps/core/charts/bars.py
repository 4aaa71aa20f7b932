"""Rates with their intervals: one bar per prompt, model, label or reviewer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.core.charts import format as number
from apps.core.charts import svg
from apps.core.charts.scale import Scale

WIDTH = 1080
ROW = 44
HEAD = 28
FOOT = 28
PLOT_START = 240
PLOT_END = 836
NAME_LENGTH = 26
BAR = 14
CAP = 5
TICK = 0.2


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


def rate_bars(rates: Sequence[Rate], *, title: str, measure: str) -> SafeString:
    """Draw the rates on an axis from 0 to 100%. ``measure`` heads it: ``Accepted of reviewed``.

    A rate without an interval is drawn hollow and says only its counts: too few to compare.
    Raises ``ValueError`` without rates, or for a rate of nothing.
    """
    if not rates:
        raise ValueError("A chart of rates needs at least one rate.")
    if empty := [rate.name for rate in rates if rate.n < 1]:
        raise ValueError(f"A rate needs at least one row; there is none in {', '.join(empty)}.")
    scale = Scale(0, 1, PLOT_START, PLOT_END)
    height = HEAD + ROW * len(rates) + FOOT
    return svg.figure(
        [
            svg.text(f"{measure}, 95% CI", x=PLOT_START, y=12, css="chart-head"),
            *_grid(scale, height),
            *(_row(rate, HEAD + ROW * index + ROW // 2, scale) for index, rate in enumerate(rates)),
        ],
        css="chart-rates",
        size=(WIDTH, height),
        title=title,
        about=" ".join(_sentence(rate) for rate in rates),
    )


def _grid(scale: Scale, height: int) -> list[SafeString]:
    parts = []
    for tick in scale.ticks(TICK):
        x = scale(tick)
        parts.append(svg.vertical(x=x, y1=HEAD - 6, y2=height - FOOT, css="chart-grid"))
        parts.append(svg.text(number.percent(tick), x=x, y=height - 8, css="chart-soft", anchor="middle"))
    return parts


def _row(rate: Rate, middle: int, scale: Scale) -> SafeString:
    top = middle - BAR // 2
    filled = round(scale(rate.hits / rate.n) - PLOT_START, 2)
    first, second = middle - 2, middle + 15
    parts = [
        svg.text(svg.clipped(rate.name, most=NAME_LENGTH), x=0, y=first, css="chart-strong"),
        svg.text(rate.note, x=0, y=second, css="chart-soft chart-note"),
        svg.box(x=PLOT_START, y=top, width=PLOT_END - PLOT_START, height=BAR, radius=3, css="chart-track"),
        svg.box(x=PLOT_START, y=top, width=filled, height=BAR, radius=3, css="chart-bar"),
        svg.text(f"{'! ' if rate.is_odd else ''}{_rate_text(rate)}", x=WIDTH, y=first, css="chart-strong", anchor="end"),
        svg.text(_counts_text(rate), x=WIDTH, y=second, css="chart-soft", anchor="end"),
    ]
    if rate.low is not None and rate.high is not None:
        parts.append(_whisker(scale(rate.low), scale(rate.high), middle))
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
        top=y - CAP,
        end=y + CAP,
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
