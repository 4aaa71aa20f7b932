"""Real rows out of an uploaded file, and the real rows that a project has already.

Both rooms that take real data in (``intake`` for seeds and train rows, ``holdout`` for the holdout) read and
judge a row here, so that the same file means the same in either.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cached_property
from typing import Any

from apps.core import tabular
from apps.core.batches import batched
from apps.core.text import canonical
from apps.records.models import Record
from apps.records.services import canonical_hash
from apps.specs.models import Project
from apps.specs.selectors import spec_view
from apps.task_types import TaskType, task_type_of
from apps.task_types.base import SpecView
from apps.task_types.shape import shape_problem

IN_LIST = 500
MAX_ID_CHARS = 120
MOST_NOTES = 20
"""Kinds of what was read otherwise that a report tells; a file of a hundred dialects is not read by people."""
ID = "id"
# The id travels through the mapping as a tag of a name that no file can ask for.
_ID_TARGET = "tags._row_id"
_ID_TAG = "_row_id"


@dataclass(frozen=True)
class RealRow:
    """One row as it would be imported. ``number`` counts the rows of the file from 1, good or bad."""

    line: int
    number: int
    row_id: str
    text: str
    label: str
    input: dict[str, Any]
    output: dict[str, Any]
    tags: dict[str, Any]
    notes: tuple[str, ...] = ()
    """What was read otherwise than it is written."""

    @cached_property
    def canonical_hash(self) -> str:
        return canonical_hash(self.text)


@dataclass(frozen=True)
class RefusedRow:
    """A row that is not imported, and why: the reason names other places, never quotes a text."""

    line: int
    reason: str

    def as_json(self) -> dict[str, Any]:
        return {"line": self.line, "reason": self.reason}


@dataclass(frozen=True)
class ColumnMap:
    """Which column fills which part of a row; ``targets`` maps ``input.text`` and the like to a column."""

    targets: Mapping[str, str]

    @classmethod
    def parse(cls, items: Sequence[str]) -> ColumnMap:
        """Reads ``["input.text=text", "id=ticket"]``; MappingError names what cannot be read."""
        pairs: list[tuple[str, str]] = []
        problems: list[str] = []
        for item in items:
            target, _, column = (part.strip() for part in item.partition("="))
            if target and column:
                pairs.append((target, column))
            else:
                problems.append(f"{item!r}: write TARGET=COLUMN, for example input.text=text.")
        targets = [target for target, _ in pairs]
        problems += [
            f"{name} is mapped twice." for name in sorted({t for t in targets if targets.count(t) > 1})
        ]
        if problems:
            raise tabular.MappingError("The column mapping cannot be used:", problems)
        return cls(dict(pairs))

    @classmethod
    def guess(cls, columns: Sequence[str], task_type: str, *, with_id: bool = False) -> ColumnMap:
        """By the names that are usual for this type of task; what has none stays unmapped."""
        by_name = {column.casefold(): column for column in reversed(columns)}
        own = task_type_of(task_type).guesses
        guesses = (*own, (ID, (ID,))) if with_id else own
        found = ((target, next((by_name[n] for n in names if n in by_name), "")) for target, names in guesses)
        return cls({target: column for target, column in found if column})

    def mapping(self) -> tabular.Mapping:
        """Raises MappingError unless input and output are mapped."""
        items = [
            f"{_ID_TARGET if target == ID else target}={column}" for target, column in self.targets.items()
        ]
        mapping = tabular.parse_mapping(items)
        if not any(field.target[0] == "output" for field in mapping.fields):
            raise tabular.MappingError(
                "The column mapping cannot be used:",
                ["Nothing is mapped to the output; add for example output.label=category."],
            )
        return mapping


@dataclass(frozen=True)
class RowRules:
    """What a project asks of a real row."""

    task_type: TaskType
    labels: frozenset[str]
    rejected: frozenset[str]
    guide_version: int | None
    """None: no guide is published, so any label will do."""
    view: SpecView = field(default_factory=SpecView)

    @classmethod
    def of(cls, project: Project) -> RowRules:
        guide, view = project.published_guide(), spec_view(project)
        return cls(
            task_type=task_type_of(project.task_type),
            labels=frozenset(view.labels),
            rejected=frozenset(view.rejected_labels),
            guide_version=guide.version if guide else None,
            view=view,
        )

    @cached_property
    def schema(self) -> dict[str, Any]:
        return self.task_type.record_schema(self.view)

    def shape_problem(self, input_: Mapping[str, Any], output: Mapping[str, Any]) -> str | None:
        """Why it is no record of this task: what is scored and shown later has to have its shape."""
        problem = shape_problem({"input": input_, "output": output}, self.schema)
        return f"The row is no record of this task: {problem}" if problem else None

    def problem_with(self, label: str) -> str | None:
        """Why ``label`` cannot stand in a real row."""
        if not label:
            return "The label is missing, or is no text."
        if self.guide_version is None or label in self.labels:
            return None
        guide = f"label guide v{self.guide_version}"
        if label in self.rejected:
            return f"The label {label!r} is a rejected one in {guide}."
        alike = get_close_matches(label, self.labels, n=1)
        return f"The label {label!r} is not in {guide}" + (f"; did you mean {alike[0]!r}?" if alike else ".")


def read_real_rows(
    data: bytes, filename: str, column_map: ColumnMap, rules: RowRules
) -> Iterator[RealRow | RefusedRow]:
    """The rows of the file in order, judged by themselves; what else is known of a text is for the caller.

    Raises FileRefusedError or MappingError, before the first row, when nothing can be read at all.
    """
    mapping = column_map.mapping()
    columns = tabular.columns(data, filename)
    missing = {field.source for field in mapping.fields}.difference(columns)
    # Rows of JSONL may differ in what they have: each says for itself what it lacks.
    if missing and filename.lower().endswith((".csv", ".tsv")):
        raise tabular.MappingError(
            "The column mapping cannot be used:",
            [f"The file has no column {name!r}." for name in sorted(missing)],
        )
    rows = enumerate(tabular.read_rows(data, filename), start=1)
    return (_judged(row, number, mapping, rules) for number, row in rows)


def _judged(
    row: tabular.Row | tabular.RowError, number: int, mapping: tabular.Mapping, rules: RowRules
) -> RealRow | RefusedRow:
    if isinstance(row, tabular.RowError):
        return RefusedRow(row.line, row.reason)
    try:
        parts = tabular.apply_mapping(row, mapping)
    except tabular.RowError as error:
        return RefusedRow(error.line, error.reason)
    has_ids = any(field.target == ("tags", _ID_TAG) for field in mapping.fields)
    row_id = str(parts["tags"].pop(_ID_TAG, "")) if has_ids else f"row-{number}"
    task_type = rules.task_type
    input_, output = task_type.normalised(parts["input"], parts["output"])
    text, label = task_type.text_of(input_), task_type.facet(input_, output)
    problem = (
        _problem_with_id(row_id)
        or _problem_with_text(text)
        or next(filter(None, map(rules.problem_with, task_type.labels_of(input_, output) or ("",))), None)
        or rules.shape_problem(input_, output)
    )
    if problem:
        return RefusedRow(row.line, problem)
    notes = task_type.notes(parts["input"], parts["output"])
    return RealRow(row.line, number, row_id, text, label, input_, output, parts["tags"], notes)


def _problem_with_id(row_id: str) -> str | None:
    if not row_id:
        return "The id is empty."
    return f"The id is longer than {MAX_ID_CHARS} characters." if len(row_id) > MAX_ID_CHARS else None


def _problem_with_text(text: str) -> str | None:
    if not text.strip():
        return "The text is missing, or is no text."
    return None if canonical(text) else "The text has no letter, digit or symbol to compare it by."


def counted_notes(notes: Iterable[Sequence[str]]) -> list[dict[str, Any]]:
    """Each note with the number of rows that it is true of, the commonest first."""
    counts = Counter(note for row in notes for note in row)
    return [{"note": note, "rows": rows} for note, rows in counts.most_common(MOST_NOTES)]


def real_records_by_hash(project: Project, hashes: Iterable[str]) -> dict[str, Record]:
    """The project's seed and train rows with one of these canonical hashes."""
    found: dict[str, Record] = {}
    for chunk in batched(dict.fromkeys(hashes), IN_LIST):
        records = project.records.real().filter(canonical_hash__in=chunk)
        found |= {record.canonical_hash: record for record in records.only("canonical_hash", "use", "input")}
    return found


def difference_of(one: str, other: str) -> str:
    """How two texts of the same canonical form differ, as a report says it."""
    return same_text(is_up_to_case=one.casefold().strip() == other.casefold().strip())


def same_text(*, is_up_to_case: bool) -> str:
    return "(up to case)" if is_up_to_case else "(up to case, white space and punctuation)"
