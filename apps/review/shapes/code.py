"""Code before and after as one diff with line numbers, and the cases that it is judged by."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import accumulate
from typing import Any

from apps.records.models import Record
from apps.review.marks import Cover, Passage, lines_of, passage
from apps.review.reading import Reading, spoken
from apps.sandbox import Case
from apps.task_types.code_cases import CasesError, read_cases

LEAST_ALIKE = 0.3
MOST_LINES = 3_000
"""Of both sides together; longer code is shown as removed and added as a whole."""


Change = tuple[str, int, int, int, int]
"""As ``SequenceMatcher.get_opcodes`` gives them."""


@dataclass(frozen=True)
class Line:
    """``op`` is same, removed or added; a number is None on the side that does not have the line."""

    op: str
    before: int | None
    after: int | None
    text: Passage


@dataclass(frozen=True)
class ShownCase:
    """One call and what has to come of it."""

    call: str
    expected: str


@dataclass(frozen=True)
class Cases:
    """``written``: the tests as they stand, where no case can be read out of them."""

    cases: list[ShownCase]
    written: Passage | None = None


def code_diff(reading: Reading, before: str, after: str) -> list[Line]:
    """Lines of the codes at two pointers; in a line that was changed, the changed part is covered."""
    old, new = (_split(reading.passages.get(pointer, Passage()).text) for pointer in (before, after))
    changes = list(_changes(old, new))
    old_covers, new_covers = _covers(old, new, changes)
    left = lines_of(reading.covered(before, old_covers))
    right = lines_of(reading.covered(after, new_covers))
    lines: list[Line] = []
    for kind, a, b, c, d in changes:
        if kind == "equal":
            for one, other in zip(range(a, b), range(c, d), strict=True):
                lines.append(Line("same", one + 1, other + 1, _with_marks(left[one], right[other])))
        else:
            lines += [Line("removed", one + 1, None, left[one]) for one in range(a, b)]
            lines += [Line("added", None, other + 1, right[other]) for other in range(c, d)]
    return lines


def cases_of(record: Record) -> Cases:
    """The cases of ``input.tests``; a unit test that cannot be read as cases is shown as it is written."""
    written: Any = record.current_input.get("tests")
    function = record.current_input.get("function")
    try:
        cases = read_cases(written, function=function if isinstance(function, str) else "")
    except CasesError:
        # Pairs without the name of a function are cases all the same to a reader.
        pairs = list(_pairs(written))
        return Cases(pairs) if pairs else Cases([], passage(spoken(written)) if written else None)
    return Cases([ShownCase(_call(case), repr(case.expected)) for case in cases])


def _call(case: Case) -> str:
    arguments = [
        *map(repr, case.call.args),
        *(f"{name}={value!r}" for name, value in case.call.kwargs.items()),
    ]
    return f"{case.call.function}({', '.join(arguments)})"


def _pairs(written: Any) -> Iterator[ShownCase]:
    if not isinstance(written, list) or not all(
        isinstance(each, list) and len(each) == 2 for each in written
    ):
        return
    for arguments, expected in written:
        shown = arguments if isinstance(arguments, list) else [arguments]
        yield ShownCase(f"({', '.join(map(repr, shown))})", repr(expected))


def _split(text: str) -> list[str]:
    """As ``lines_of`` cuts a passage; what follows the last line end is no line when it is empty."""
    lines = text.split("\n")
    return lines[:-1] if lines[-1] == "" else lines


def _changes(old: Sequence[str], new: Sequence[str]) -> Iterator[Change]:
    if len(old) + len(new) > MOST_LINES:
        yield "delete", 0, len(old), 0, 0
        yield "insert", len(old), len(old), 0, len(new)
        return
    yield from SequenceMatcher(None, old, new, autojunk=False).get_opcodes()


def _covers(
    old: Sequence[str], new: Sequence[str], changes: Sequence[Change]
) -> tuple[list[Cover], list[Cover]]:
    """The parts of lines that differ from the line in whose place they stand."""
    old_covers, new_covers = list[Cover](), list[Cover]()
    old_starts, new_starts = _starts(old), _starts(new)
    for kind, a, b, c, d in changes:
        if kind != "replace":
            continue
        for one, other in zip(range(a, b), range(c, d), strict=False):
            start, end = _common(old[one], new[other])
            if _are_alike(old[one], new[other], start + end):
                for lines, at, starts, covers in (
                    (old, one, old_starts, old_covers),
                    (new, other, new_starts, new_covers),
                ):
                    covers.append(Cover(starts[at] + start, starts[at] + len(lines[at]) - end, ""))
    return old_covers, new_covers


def _starts(lines: Sequence[str]) -> list[int]:
    return list(accumulate((len(line) + 1 for line in lines), initial=0))


def _common(before: str, after: str) -> tuple[int, int]:
    """Characters that two lines have in common at the start, and at the end behind that."""
    shortest = min(len(before), len(after))
    start = next((at for at in range(shortest) if before[at] != after[at]), shortest)
    left = shortest - start
    return start, next((at for at in range(left) if before[-1 - at] != after[-1 - at]), left)


def _are_alike(before: str, after: str, common: int) -> bool:
    """Whether so much of two lines is the same, beside their indentation, that the rest is worth pointing at."""
    indentation = min(len(each) - len(each.lstrip()) for each in (before, after))
    shortest = min(len(before), len(after)) - indentation
    return common - indentation >= max(1, shortest * LEAST_ALIKE)


def _with_marks(left: Passage, right: Passage) -> Passage:
    """One of two equal lines: the one in which something was found."""
    return left if any(piece.outcome for piece in left.segments) else right
