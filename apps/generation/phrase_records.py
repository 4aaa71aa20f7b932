"""Whether what a prompt of phrases writes is a record of the project's task, found out before it is saved.

The offline generator writes texts. Where a record is more than a text and a label, the prompt has to say what one looks
like (``record:``); without that every record would be dropped by the checks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from apps.core.strict_json import JsonValue
from apps.providers.rules_phrases import Phrases
from apps.providers.rules_records import record_of
from apps.task_types import TaskType
from apps.task_types.base import SpecView
from apps.task_types.shape import shape_problem

SAMPLE_TEXT = "a text of this label"


def record_problems(phrases: Phrases, task_type: TaskType, view: SpecView) -> Iterator[str]:
    """Each label whose records would not have the shape of the task, with its place and what to write."""
    for label, written in phrases.labels.items():
        if not written.patterns:
            continue
        place = f"labels.{label}"
        if written.record is None:
            if problem := missing_record(label, task_type, view):
                yield f"{place}: {problem}"
            continue
        taken = {slot: texts[0] for slot, texts in written.slots.items() if texts}
        made = record_of(written.record, text=SAMPLE_TEXT, plain=SAMPLE_TEXT, taken=taken)
        if isinstance(made, dict) and (problem := _misfit(made, task_type, view)):
            yield f"{place}.record: {problem}. {task_type.prompt_parts(view)['record']}"


def missing_record(label: str, task_type: TaskType, view: SpecView) -> str:
    """Why a text alone makes no record of ``label``, and what to do; empty where it does.

    Whether the guide has the label is another question.
    """
    input_, output = task_type.example(SAMPLE_TEXT, label)
    shape = SpecView(output_schema=view.output_schema)
    if not _misfit({"input": input_, "output": output}, task_type, shape):
        return ""
    return (
        "a record of this task is more than a text and a label: say under `record:` what one looks like, with "
        f"{{text}} and the slots in it. {task_type.prompt_parts(view)['record']}"
    )


def _misfit(record: Mapping[str, JsonValue], task_type: TaskType, view: SpecView) -> str:
    input_, output = (_object(record.get(part)) for part in ("input", "output"))
    made_input, made_output = task_type.normalised(input_, output)
    return shape_problem({"input": made_input, "output": made_output}, task_type.record_schema(view))


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
