"""JSON pointers with a star, and back."""

from __future__ import annotations

import pytest

from apps.core.pointers import joined, strings_at, values_at

DOCUMENT = {"a": [{"n": 1}, {"n": "two"}, {}], "x/y": {"~": "tilde"}, "*": 0, "none": None}


@pytest.mark.parametrize(
    ("pointer", "expected"),
    [
        ("", [("", DOCUMENT)]),
        ("/a/1/n", [("/a/1/n", "two")]),
        ("/a/*/n", [("/a/0/n", 1), ("/a/1/n", "two")]),
        ("/a/9/n", []),
        ("/a/-1", []),
        ("/a/n", []),
        ("/x~1y/~0", [("/x~1y/~0", "tilde")]),
        ("/x~1y/*", [("/x~1y/~0", "tilde")]),
        ("/none", [("/none", None)]),
        ("/none/*", []),
        ("/a/0/n/deeper", []),
    ],
)
def test_places(pointer: str, expected: list[tuple[str, object]]) -> None:
    assert values_at(DOCUMENT, pointer) == expected


def test_only_text() -> None:
    assert strings_at(DOCUMENT, "/a/*/n") == [("/a/1/n", "two")]


def test_a_joined_pointer_leads_where_it_says() -> None:
    assert joined("/a", "b/c~", 0) == "/a/b~1c~0/0"
    for name, value in DOCUMENT.items():
        if name != "*":
            assert values_at(DOCUMENT, joined("", name)) == [(joined("", name), value)]


def test_no_pointer() -> None:
    with pytest.raises(ValueError, match="begins with a slash"):
        values_at(DOCUMENT, "a/0")
