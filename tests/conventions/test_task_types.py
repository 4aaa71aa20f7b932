"""Nobody but a task type knows which task this is; the docs know every one."""

from __future__ import annotations

import re
from pathlib import Path

from apps.task_types import REGISTRY

ROOT = Path(__file__).resolve().parents[2]
ASKS = re.compile(r"task_type(?:\.name)?\s*(?:==|!=|\bin\b|\bnot in\b)|isinstance\([^)]*task_type")
MAKES_THEM = ("task_types", "operations/demo")


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


def test_the_docs_have_a_row_for_every_task_type() -> None:
    docs = (ROOT / "docs" / "task-types.md").read_text()
    first = docs.split("\n## ")[0]
    assert re.findall(r"^\| `(\w+)` \|", first, re.MULTILINE) == list(REGISTRY)
