"""An example of the guide, which may be a whole record written as JSON, as people read it."""

from __future__ import annotations

from dataclasses import dataclass

from apps.core.pointers import unescaped
from apps.records.models import Record
from apps.review.diffs import values_of
from apps.review.reading import name_of
from apps.specs.models import Project
from apps.task_types import task_type_of


@dataclass(frozen=True)
class Example:
    """``answer``: (name, value) of what a whole record answers; ``record`` is None where the text is all there is."""

    text: str
    answer: list[tuple[str, str]]
    record: Record | None
    template: str


def example_of(project: Project, text: str, label: str) -> Example:
    task = task_type_of(project.task_type)
    input_, output = task.example(text, label)
    said = task.text_of(input_)
    if said == text:
        return Example(text, [], None, task.reading_template)
    payload = {"input": input_, "output": output}
    answer = [
        (name_of(unescaped(pointer.rpartition("/")[2])), value)
        for pointer, value in values_of(output, "/output", payload)
    ]
    return Example(said, answer, Record(project=project, input=input_, output=output), task.reading_template)
