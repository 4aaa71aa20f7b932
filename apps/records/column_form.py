"""Which column of a staged file is what: one choice per column."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django import forms

from apps.core.tabular import MappingError
from apps.records.real_rows import ID, ColumnMap
from apps.task_types import TaskType
from apps.task_types.base import SpecView

# More than anybody will want to map by hand; the command takes any number.
MAX_COLUMNS = 60


class ColumnMapForm(forms.Form):
    """``items`` of a valid form are what ``ColumnMap.parse`` takes."""

    def __init__(
        self,
        *args: Any,
        columns: Sequence[str],
        task_type: TaskType,
        mapping: Mapping[str, str],
        with_id: bool = False,
        **values: Any,
    ) -> None:
        super().__init__(*args, **values)
        self.columns = columns[:MAX_COLUMNS]
        chosen = {column: target for target, column in mapping.items()}
        for number, column in enumerate(self.columns):
            self.fields[f"column_{number}"] = forms.ChoiceField(
                label=column,
                required=False,
                initial=chosen.get(column, ""),
                choices=list(_choices(column, task_type, with_id=with_id)),
            )

    @property
    def items(self) -> list[str]:
        """``["input.text=body", …]`` for the columns that are not left out."""
        found = ((self.cleaned_data.get(f"column_{n}"), column) for n, column in enumerate(self.columns))
        return [f"{target}={column}" for target, column in found if target]

    def clean(self) -> dict[str, Any]:
        try:
            ColumnMap.parse(self.items).mapping()
        except MappingError as error:
            raise forms.ValidationError(error.problems) from error
        return self.cleaned_data


def _choices(column: str, task_type: TaskType, *, with_id: bool) -> Iterator[tuple[str, str]]:
    yield "", "left out"
    if with_id:
        yield ID, "id: the name predictions use"
    parts = task_type.record_schema(SpecView())["properties"]
    known = [f"{part}.{name}" for part in ("input", "output") for name in parts[part].get("properties", ())]
    # What a file has in one column may be several parts of a record.
    known += [target for target, _ in task_type.guesses if target not in known]
    yield from ((target, target.replace(".", ": ")) for target in known)
    # Of a column inside an object, its own name first: ``key.total`` is most likely the total.
    names = list(dict.fromkeys(map(_name, (column.rpartition(".")[2], column))))
    for name in names:
        if f"input.{name}" not in known:
            yield f"input.{name}", f"input: {name} (another field)"
        if parts["output"].get("additionalProperties", True) and f"output.{name}" not in known:
            yield f"output.{name}", f"output: {name} (a field of the answer)"
    yield f"tags.{names[-1]}", f"tag: {names[-1]}"


def _name(column: str) -> str:
    name = re.sub(r"\W+", "_", column, flags=re.ASCII).strip("_") or "column"
    return name if not name[0].isdigit() else f"_{name}"
