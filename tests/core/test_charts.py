"""The charts are well-formed, carry no style, stand where their numbers say, and say them in words too."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core.charts.bars import Rate, rate_bars
from apps.core.charts.curve import Point, share_curve
from apps.core.charts.dumbbell import DumbbellRow, Estimate, Outcome, Unit, dumbbell, legend
from apps.core.charts.scale import Scale, nice_step
from apps.core.charts.sparkline import sparkline

TARGETED = DumbbellRow(
    name="Duplicate charge",
    n=1142,
    before=Estimate(0.6, 0.5, 0.7),
    after=Estimate(0.8, 0.7, 0.9),
    change=Estimate(0.2, 0.06, 0.34),
    outcome="gain",
    note="targeted",
    is_targeted=True,
)
UNCLEAR = DumbbellRow(
    name="Chat, < 20 words & more",
    n=22,
    before=Estimate(0.69),
    after=Estimate(0.65),
    change=Estimate(-0.04),
    outcome="unclear",
)


def drawings(markup: str) -> tuple[ET.Element, ET.Element]:
    """The wide and the narrow drawing; raises when the markup is not well-formed."""
    wide, narrow = ET.fromstring(f"<root>{markup}</root>")
    return wide, narrow


def slices(*rows: DumbbellRow, axis: tuple[float, float] | None = (0.0, 1.0), unit: Unit = "score") -> str:
    return dumbbell(rows, title="Recall by slice", metric="Recall", axis=axis, unit=unit)


def words(element: ET.Element) -> list[str]:
    return ["".join(text.itertext()) for text in element.iter("text")]


def dots(drawing: ET.Element, css: str) -> list[float]:
    return [float(dot.attrib["cx"]) for dot in drawing.iter("circle") if dot.attrib["class"] == css]


def tick_places(drawing: ET.Element) -> dict[str, float]:
    """Where each tick's words stand."""
    return {
        text.text or "": float(text.attrib["x"])
        for text in drawing.iter("text")
        if "chart-middle" in text.attrib["class"]
    }


ALL_CHARTS = [
    pytest.param(slices(TARGETED, UNCLEAR), id="dumbbell"),
    pytest.param(legend(), id="legend"),
    pytest.param(sparkline([3, 1, 4, 1, 5], label="Dropped per batch"), id="sparkline"),
    pytest.param(
        rate_bars([Rate("v1", 3, 9), Rate("v2", 88, 200, 0.37, 0.51)], title="Rates", measure="Accepted"),
        id="bars",
    ),
]


@pytest.mark.parametrize("markup", ALL_CHARTS)
def test_chart_is_well_formed_and_needs_no_inline_style_or_script(markup: str) -> None:
    root = ET.fromstring(f"<root>{markup}</root>")
    for element in root.iter():
        assert element.tag not in {"style", "script", "foreignObject"}
        assert not {name for name in element.attrib if name == "style" or name.startswith("on")}
        assert not set(element.attrib) & {"fill", "stroke", "font-size"}


@pytest.mark.parametrize("drawing", [0, 1], ids=["wide", "narrow"])
def test_every_drawing_is_named_and_tells_its_numbers_in_words(drawing: int) -> None:
    svg = drawings(slices(TARGETED, UNCLEAR))[drawing]
    assert svg.attrib["role"] == "img"
    assert svg.attrib["aria-label"] == svg.findtext("title") == "Recall by slice"
    assert svg.findtext("desc") == (
        "Duplicate charge (n = 1,142, targeted): "
        "0.60 before, 0.80 after, +0.20 (+0.06 to +0.34), clear gain. "
        "Chat, < 20 words & more (n = 22): 0.69 before, 0.65 after, −0.04, not clear."
    )


@pytest.mark.parametrize("drawing", [0, 1], ids=["wide", "narrow"])
def test_values_stand_on_the_tick_of_the_same_value(drawing: int) -> None:
    on_tick = DumbbellRow("s", 50, Estimate(0.0), Estimate(0.5), Estimate(0.5), "gain")
    svg = drawings(slices(on_tick, axis=(0.0, 1.0)))[drawing]
    places = tick_places(svg)
    midpoint = (places["0.0"] + places["1.0"]) / 2
    assert dots(svg, "chart-before") == [places["0.0"]]
    assert dots(svg, "chart-after") == [midpoint]


@pytest.mark.parametrize("drawing", [0, 1], ids=["wide", "narrow"])
def test_interval_lines_end_at_low_and_high(drawing: int) -> None:
    svg = drawings(slices(TARGETED))[drawing]
    places = tick_places(svg)
    unit = places["1.0"] - places["0.0"]
    lines = [line.attrib for line in svg.iter("line") if line.attrib["class"] == "chart-after"]
    assert [float(lines[0]["x1"]), float(lines[0]["x2"])] == pytest.approx(
        [places["0.0"] + 0.7 * unit, places["0.0"] + 0.9 * unit], abs=0.01
    )


def test_a_row_without_interval_has_a_dot_and_no_line() -> None:
    wide, _ = drawings(slices(UNCLEAR))
    assert len(dots(wide, "chart-before")) == 1
    assert {line.attrib["class"] for line in wide.iter("line")} == {"chart-grid"}
    assert not [text for text in words(wide) if text.startswith("(")]


@pytest.mark.parametrize(("outcome", "mark"), [("gain", "▲"), ("loss", "▼"), ("unclear", "↔")])
def test_outcome_is_said_by_mark_and_class_not_by_colour_alone(outcome: Outcome, mark: str) -> None:
    row = DumbbellRow("s", 50, Estimate(0.5), Estimate(0.5), Estimate(0.0), outcome)
    for svg in drawings(slices(row)):
        assert [group.attrib["class"] for group in svg.iter("g")] == [f"chart-{outcome}"]
        assert [text for text in words(svg) if text.startswith(mark)]


def test_only_targeted_rows_have_a_band() -> None:
    wide, _ = drawings(slices(TARGETED, UNCLEAR))
    assert [bool(list(group.iter("rect"))) for group in wide.iter("g")] == [True, False]


def test_percent_unit_writes_percent_and_percentage_points() -> None:
    wide, _ = drawings(slices(TARGETED, unit="percent"))
    assert {"0%", "20%", "100%", "▲ +20.0 pp", "(+6.0 to +34.0)"} <= set(words(wide))


def test_long_name_is_clipped_in_the_drawing_and_whole_in_its_title() -> None:
    name = "card_payment_wrong_exchange_rate"
    row = DumbbellRow(name, 50, Estimate(0.5), Estimate(0.5), Estimate(0.0), "unclear")
    wide, _ = drawings(slices(row))
    assert name not in words(wide)
    assert [title for title in wide.iter("title") if name in (title.text or "")]


def test_chart_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one row"):
        slices()
    with pytest.raises(ValueError, match="at least one rate"):
        rate_bars([], title="Rates", measure="Accepted")
    with pytest.raises(ValueError, match="none in v2"):
        rate_bars([Rate("v1", 1, 2), Rate("v2", 0, 0)], title="Rates", measure="Accepted")


shares = st.floats(0, 1)


@given(st.lists(st.tuples(shares, shares), min_size=1, max_size=8))
def test_axis_from_data_holds_every_value(pairs: list[tuple[float, float]]) -> None:
    rows = [DumbbellRow("s", 40, Estimate(a), Estimate(b), Estimate(b - a), "unclear") for a, b in pairs]
    for svg in drawings(slices(*rows, axis=None)):
        ticks = sorted(tick_places(svg).values())
        assert 2 <= len(ticks) <= 10
        for place in [*dots(svg, "chart-before"), *dots(svg, "chart-after")]:
            assert ticks[0] - 0.01 <= place <= ticks[-1] + 0.01


@given(st.floats(1e-6, 1e6), st.integers(1, 12))
def test_nice_step_cuts_the_span_into_at_most_so_many_parts(span: float, most: int) -> None:
    step = nice_step(span, at_most=most)
    assert span / step <= most + 1e-6
    # The next finer step would be at least 2.5 times smaller, so a good part of the ticks is used.
    assert span / step > most / 2.5 - 1e-6


def test_scale_clamps_what_lies_outside() -> None:
    scale = Scale(0.4, 1.0, 100, 700)
    assert (scale(0.4), scale(0.7), scale(1.0)) == (100, 400, 700)
    assert (scale(-3), scale(7)) == (100, 700)


def test_sparkline_runs_left_to_right_and_ends_in_a_dot_on_the_last_value() -> None:
    svg = ET.fromstring(sparkline([1, 5, 3], label="Dropped"))
    line, last = svg.find("polyline"), svg.find("circle")
    assert line is not None
    assert last is not None
    places = [tuple(map(float, point.split(","))) for point in line.attrib["points"].split()]
    assert all(left[0] < right[0] for left, right in pairwise(places))
    (_, lowest), (_, highest), (end_x, end_y) = places
    assert highest < end_y < lowest  # SVG counts downwards
    assert (float(last.attrib["cx"]), float(last.attrib["cy"])) == (end_x, end_y)


@pytest.mark.parametrize("values", [[7.0], [2.0, 2.0, 2.0]])
def test_sparkline_of_a_constant_runs_through_the_middle(values: list[float]) -> None:
    svg = ET.fromstring(sparkline(values, label="Dropped"))
    last = svg.find("circle")
    assert last is not None
    assert float(last.attrib["cy"]) == 12


def test_sparkline_of_nothing_is_nothing() -> None:
    assert sparkline([], label="Dropped") == ""


def test_bar_is_as_long_as_its_rate() -> None:
    for svg in drawings(rate_bars([Rate("v1", 50, 200, 0.2, 0.31)], title="Rates", measure="Accepted")):
        track, bar = svg.iter("rect")
        assert float(bar.attrib["width"]) == pytest.approx(float(track.attrib["width"]) / 4, abs=0.01)


def test_rate_without_interval_is_too_few_to_say_and_has_no_whisker() -> None:
    wide, _ = drawings(rate_bars([Rate("v3", 4, 9)], title="Rates", measure="Accepted"))
    assert wide.find("g/path") is None
    assert {"too few to say", "4 of 9"} <= set(words(wide))
    assert "44%" not in " ".join(words(wide))


def test_odd_rate_is_said_by_mark_and_note() -> None:
    odd = Rate("v1", 88, 200, 0.37, 0.51, note="lower than the rest", is_odd=True)
    wide, _ = drawings(rate_bars([odd], title="Rates", measure="Accepted"))
    assert {"! 44% (37–51%)", "lower than the rest"} <= set(words(wide))


def test_names_are_escaped() -> None:
    hostile = "<script>alert(1)</script>"
    row = DumbbellRow(hostile, 50, Estimate(0.5), Estimate(0.5), Estimate(0.0), "unclear", note=hostile)
    for markup in (
        slices(row),
        sparkline([1, 2], label=hostile),
        rate_bars([Rate(hostile, 1, 2, note=hostile)], title=hostile, measure=hostile),
    ):
        assert "<script" not in markup


def test_a_curve_stands_where_its_shares_say_and_says_them_in_words() -> None:
    points = [Point(0, 1), Point(0.05, 0.96, "5% fine"), Point(0.3, 0)]
    markup = share_curve(points, title="How often", across="Bad <in> the lot", up="Accepted")
    for drawing, width in zip(drawings(markup), (1080, 340), strict=True):
        (line,) = drawing.iter("polyline")
        places = [tuple(map(float, place.split(","))) for place in line.attrib["points"].split()]
        assert [x for x, _ in places] == sorted(x for x, _ in places)
        assert [y for _, y in places] == sorted(y for _, y in places)
        assert all(0 <= x <= width for x, _ in places)
        assert "5% fine" in words(drawing)
        assert "Bad <in> the lot" in words(drawing)
        (about,) = drawing.iter("desc")
        assert "5.0%: 96%." in (about.text or "")
        assert "style" not in markup


def test_a_curve_of_one_point_is_none() -> None:
    with pytest.raises(ValueError, match="two points"):
        share_curve([Point(0, 1)], title="x", across="x", up="x")
