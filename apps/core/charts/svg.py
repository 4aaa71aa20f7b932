"""The few SVG elements the charts are made of, escaped and without style."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

Anchor = Literal["start", "middle", "end"]
_ANCHORS: dict[Anchor, str] = {"start": "", "middle": " chart-middle", "end": " chart-end"}


def figure(
    parts: Iterable[SafeString], *, css: str, size: tuple[int, int], title: str, about: str
) -> SafeString:
    """The drawing itself: ``title`` is its name, ``about`` its numbers in words, for a screen reader."""
    return format_html(
        '<svg class="chart {css}" viewBox="0 0 {width} {height}" role="img" aria-label="{title}">'
        "<title>{title}</title><desc>{about}</desc>{parts}</svg>",
        css=css,
        width=size[0],
        height=size[1],
        title=title,
        about=about,
        parts=join(parts),
    )


def group(parts: Iterable[SafeString], *, css: str, title: str) -> SafeString:
    """One row; ``title`` is what the pointer shows over it."""
    return format_html('<g class="{}"><title>{}</title>{}</g>', css, title, join(parts))


def text(content: str | SafeString, *, x: float, y: float, css: str, anchor: Anchor = "start") -> SafeString:
    """``y`` is the base line."""
    return format_html('<text class="{}{}" x="{}" y="{}">{}</text>', css, _ANCHORS[anchor], x, y, content)


def horizontal(*, x1: float, x2: float, y: float, css: str) -> SafeString:
    return format_html(
        '<line class="{css}" x1="{x1}" x2="{x2}" y1="{y}" y2="{y}"/>', css=css, x1=x1, x2=x2, y=y
    )


def vertical(*, x: float, y1: float, y2: float, css: str) -> SafeString:
    return format_html(
        '<line class="{css}" x1="{x}" x2="{x}" y1="{y1}" y2="{y2}"/>', css=css, x=x, y1=y1, y2=y2
    )


def dot(*, x: float, y: float, radius: float, css: str) -> SafeString:
    return format_html('<circle class="{}" cx="{}" cy="{}" r="{}"/>', css, x, y, radius)


def box(*, x: float, y: float, width: float, height: float, radius: int, css: str) -> SafeString:
    return format_html(
        '<rect class="{}" x="{}" y="{}" width="{}" height="{}" rx="{}"/>', css, x, y, width, height, radius
    )


def join(parts: Iterable[SafeString]) -> SafeString:
    return format_html_join("", "{}", ((part,) for part in parts))


def clipped(name: str, *, most: int) -> str:
    """SVG text neither wraps nor clips: a longer name ends in an ellipsis."""
    return name if len(name) <= most else name[: most - 1].rstrip() + "…"
