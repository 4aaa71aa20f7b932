"""Nobody but a task type knows which task this is; the docs know every one."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from apps.task_types import REGISTRY, TaskType

ROOT = Path(__file__).resolve().parents[2]
ASKS = re.compile(r"task_type(?:\.name)?\s*(?:==|!=|\bin\b|\bnot in\b)|isinstance\([^)]*task_type")
MAKES_THEM = ("task_types", "operations/demo", "migrations")
MEAN_SOMETHING_ELSE = {"policy": {"apps/critic", "apps/datasets", "apps/reports/judges.py"}}
"""Words that are also the name of a task type, and the rooms that use them otherwise."""


def asking(text: str) -> list[str]:
    names = "|".join(REGISTRY)
    named = re.compile(rf"\"(?:{names})\"\s*(?:==|!=)|(?:==|!=)\s*\"(?:{names})\"")
    return [line for line in text.splitlines() if ASKS.search(line) or named.search(line)]


def test_no_room_asks_which_task_this_is() -> None:
    found = {
        str(path): lines
        for path in (ROOT / "apps").rglob("*.py")
        if not any(part in path.as_posix() for part in MAKES_THEM)
        if (lines := asking(path.read_text()))
    }
    assert found == {}


def test_asking_is_found() -> None:
    assert asking('if project.task_type == "extraction":')
    assert asking('if "policy" == name:')
    assert not asking("task_type=project.task_type,")


def named_in_python(text: str) -> Iterator[str]:
    """Texts of the source that are the name of a task type and nothing more."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in REGISTRY:
            yield node.value


def named_in_markup(text: str) -> list[str]:
    """The same in templates, styles and scripts: quoted, or as the value of an attribute."""
    return re.findall(rf"[\"'`=]({'|'.join(REGISTRY)})[\"'`\]]", text)


def rooms() -> Iterator[tuple[str, str]]:
    """(path, text) of every source file that is not a task type's own."""
    for folder, ends in (("apps", "py"), ("templates", "html"), ("static/css", "css"), ("static/js", "js")):
        for path in sorted((ROOT / folder).rglob(f"*.{ends}")):
            name = path.relative_to(ROOT).as_posix()
            if not any(part in name for part in MAKES_THEM):
                yield name, path.read_text()


def test_no_room_names_a_task_type() -> None:
    files = list(rooms())
    assert {Path(name).suffix for name, _ in files} == {".py", ".html", ".css", ".js"}
    found = {
        (name, task)
        for name, text in files
        for task in (named_in_python(text) if name.endswith(".py") else named_in_markup(text))
        if not any(name.startswith(room) for room in MEAN_SOMETHING_ELSE.get(task, ()))
    }
    assert found == set()


def test_a_name_is_found_where_it_stands_alone() -> None:
    assert list(named_in_python('{"redaction": 1}[kind]  # "dialogue"')) == ["redaction"]
    assert not list(named_in_python('"the extraction of teeth"'))
    assert named_in_markup("{% if project.task_type == 'extraction' %}") == ["extraction"]
    assert named_in_markup('[data-task="tool_call"]') == ["tool_call"]
    assert not named_in_markup("the instruction of others")


@pytest.mark.parametrize("task", REGISTRY.values(), ids=lambda task: task.name)
def test_a_task_type_is_a_file_a_test_and_a_line_of_the_registry(task: TaskType) -> None:
    assert REGISTRY[task.name] is task
    assert type(task).__module__ == f"apps.task_types.{task.name}"
    assert (ROOT / "tests" / "task_types" / f"test_{task.name}.py").is_file()
    assert (ROOT / "templates" / task.reading_template).is_file()
    assert task.primary_score() in task.measures


def test_the_docs_have_a_row_for_every_task_type() -> None:
    docs = (ROOT / "docs" / "task-types.md").read_text()
    first = docs.split("\n## ")[0]
    assert re.findall(r"^\| `(\w+)` \|", first, re.MULTILINE) == list(REGISTRY)
