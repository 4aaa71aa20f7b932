"""Text cut at its findings: nothing lost, nothing doubled, nothing invisible left unseen."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from apps.review.marks import Span, passage


def span(start: int, end: int, outcome: str = "warn", title: str = "Phone") -> Span:
    return Span(start, end, outcome, title)


def test_a_finding_is_a_marked_piece_with_its_own_id() -> None:
    shown = passage("call 0800 now", [span(5, 9)], prefix="m")
    assert [(piece.text, piece.anchor) for piece in shown.segments] == [
        ("call ", ""),
        ("0800", "m-0"),
        (" now", ""),
    ]
    assert shown.anchors == ["m-0"]


def test_overlapping_findings_are_one_mark_that_says_both() -> None:
    shown = passage(
        "a@example.com", [span(0, 13, title="E-mail"), span(2, 13, "block", "Domain")], prefix="m"
    )
    assert [piece.text for piece in shown.segments] == ["a@example.com"]
    assert (shown.segments[0].title, shown.segments[0].outcome) == ("E-mail Domain", "block")
    assert shown.anchors == ["m-0", "m-0"]


def test_a_span_outside_the_text_marks_nothing() -> None:
    shown = passage("short", [span(10, 20), span(3, 3)])
    assert [piece.text for piece in shown.segments] == ["short"]
    assert shown.anchors == ["", ""]


def test_invisible_characters_are_named() -> None:
    shown = passage("invoice\u202efdp.exe")
    assert [(piece.text, piece.is_control) for piece in shown.segments] == [
        ("invoice", False),
        ("U+202E", True),
        ("fdp.exe", False),
    ]


def test_joiners_inside_an_emoji_stay() -> None:
    family = "\N{WOMAN}\u200d\N{GIRL}"
    assert [piece.text for piece in passage(family).segments] == [family]


@given(
    st.text(st.characters(categories=["L", "N", "P", "Zs"]), max_size=60),
    st.lists(st.tuples(st.integers(0, 70), st.integers(0, 70)), max_size=6),
)
def test_the_pieces_together_are_the_text(text: str, places: list[tuple[int, int]]) -> None:
    shown = passage(text, [span(start, end) for start, end in places])
    assert "".join(piece.text for piece in shown.segments) == text
    marked = {piece.anchor for piece in shown.segments if piece.anchor}
    assert set(filter(None, shown.anchors)) == marked
