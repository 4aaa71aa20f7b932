"""RFC 6901, its own examples, and what it leaves to the reader."""

from __future__ import annotations

from typing import Any

import pytest

from apps.core.json_pointer import NothingThereError, at, is_pointer, join

DOCUMENT: dict[str, Any] = {
    "foo": ["bar", "baz"],
    "": 0,
    "a/b": 1,
    "c%d": 2,
    "e^f": 3,
    "g|h": 4,
    "i\\j": 5,
    'k"l': 6,
    " ": 7,
    "m~n": 8,
}


def test_the_examples_of_the_rfc() -> None:
    assert at(DOCUMENT, "") is DOCUMENT
    assert at(DOCUMENT, "/foo") == ["bar", "baz"]
    assert at(DOCUMENT, "/foo/0") == "bar"
    found = [
        at(DOCUMENT, pointer)
        for pointer in ("/", "/a~1b", "/c%d", "/e^f", "/g|h", "/i\\j", '/k"l', "/ ", "/m~0n")
    ]
    assert found == list(range(9))


@pytest.mark.parametrize(
    "pointer", ["foo", "/foo/2", "/foo/-", "/foo/-1", "/foo/01", "/foo/²", "/foo/0/x", "/x"]
)
def test_nothing_there_is_an_error(pointer: str) -> None:
    with pytest.raises(NothingThereError):
        at(DOCUMENT, pointer)


def test_a_joined_pointer_leads_where_it_says() -> None:
    for key, value in DOCUMENT.items():
        assert at(DOCUMENT, join("", key)) == value
    assert join("/a", "b/c", 0) == "/a/b~1c/0"


def test_what_is_a_pointer() -> None:
    assert all(map(is_pointer, ["", "/", "/a~0b/c"]))
    assert not any(map(is_pointer, ["a", "#/a", "/a~b", "/a~"]))
