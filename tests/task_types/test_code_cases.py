"""Cases as data and as unit tests; what cannot be read whole is not read at all."""

from __future__ import annotations

from typing import Any

import pytest

from apps.sandbox import Call, Case
from apps.task_types.code_cases import CasesError, UnreadableTestError, read_cases


def test_cases_as_data() -> None:
    written = [
        {"arguments": [1, 2], "expected": 3},
        {"arguments": {"a": 1, "b": 2}, "expected": 3},
        {"function": "sub", "arguments": [], "expected": None},
        [[[1], 2], [3]],
    ]
    assert read_cases(written, function="add") == [
        Case(Call([1, 2], function="add"), 3),
        Case(Call(kwargs={"a": 1, "b": 2}, function="add"), 3),
        Case(Call([], function="sub"), None),
        Case(Call([[1], 2], function="add"), [3]),
    ]


UNIT_TEST = """
import unittest
from solution import add

class AddTest(unittest.TestCase):
    '''What add does.'''
    def test_add(self):
        self.assertEqual(add(1, -2), -1)
        self.assertEqual([1, (2, 3)], pairs([1], deep=True))
        self.assertTrue(is_sum(3))
        self.assertIsNone(add(None, {"a": 1.5}))

def test_plain():
    assert add("a", b="b") == "ab"
    assert not is_sum(2)
    assert {1: "x"} == count()

if __name__ == "__main__":
    unittest.main()
"""


def test_assertions_of_a_unit_test_are_cases() -> None:
    assert read_cases(UNIT_TEST) == [
        Case(Call([1, -2], function="add"), -1),
        Case(Call([[1]], {"deep": True}, function="pairs"), [1, [2, 3]]),
        Case(Call([3], function="is_sum"), expected=True),
        Case(Call([None, {"a": 1.5}], function="add"), None),
        Case(Call(["a"], {"b": "b"}, function="add"), "ab"),
        Case(Call([2], function="is_sum"), expected=False),
        Case(Call([], function="count"), {"1": "x"}),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "x = 1\nassert add(1) == x",
        "assert add(1) == 2 and sub(1) == 0",
        "assert add(1) != 2",
        "assert len(add(1)) == 2",
        "assert add((1, 2)) == 3",
        "assert add({1, 2}) == 3",
        "assert add(1) == {1, 2}",
        "assert add({1: 2}) == 3",
        "assert add(*[1]) == 3",
        "assert add(1e999) == 3",
        "assert add(99999999999999999999) == 3",
        "assert module.add(1) == 3",
        "for n in range(3):\n    assert add(n) == n",
        "@given(st.integers())\ndef test_add(n):\n    assert add(n) == n",
        "def test_add(fixture):\n    assert add(1) == 1",
        "class T:\n    def test(self):\n        self.assertAlmostEqual(add(1), 1.0)",
        "assert add(",
        "assert add(" + "-" * 15_000 + "1) == 1",
        "assert add(1) == 1\n" * 2_000,
    ],
)
def test_an_assertion_that_cannot_be_read_is_an_error(text: str) -> None:
    with pytest.raises(UnreadableTestError):
        read_cases(text)


@pytest.mark.parametrize(
    ("written", "place"),
    [
        ([], ""),
        ("", ""),
        ("import os", ""),
        (None, ""),
        ({"arguments": [], "expected": 1}, ""),
        ([[[1], 2], 3], "/1"),
        ([{"arguments": [1]}], "/0"),
        ([{"arguments": [1], "expected": 1, "weight": 2}], "/0"),
        ([{"arguments": 1, "expected": 1}], "/0"),
        ([{"arguments": [1], "expected": 1, "function": "a.b"}], "/0"),
        ([[[1], 1]] * 501, ""),
    ],
)
def test_what_is_no_case_is_named(written: Any, place: str) -> None:
    with pytest.raises(CasesError) as caught:
        read_cases(written, function="add")
    assert caught.value.pointer == place
    assert not isinstance(caught.value, UnreadableTestError)


def test_a_case_without_a_function_is_an_error() -> None:
    with pytest.raises(CasesError, match="which function"):
        read_cases([[[1], 1]])
