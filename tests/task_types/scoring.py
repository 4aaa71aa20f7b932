"""What the tests of task types share: a score of one row, and golden cases of other people's scorers."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from apps.task_types import task_type_of
from apps.task_types.base import SpecView

NO_SPEC = SpecView()
_GOLDEN = Path(__file__).resolve().parent.parent / "golden"


def score(task: str, gold: Any, given: Any, *, spec: SpecView = NO_SPEC, **input_: Any) -> dict[str, float]:
    return task_type_of(task).score({"input": input_, "output": gold}, given, spec)


def means(scores: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Of each name over the rows that have it."""
    names = {name for row in scores for name in row}
    values = {name: [row[name] for row in scores if name in row] for name in names}
    return {name: sum(found) / len(found) for name, found in values.items()}


def golden(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((_GOLDEN / f"{name}.json").read_text())
    return found
