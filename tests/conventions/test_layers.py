"""Models, services and selectors know nothing of HTTP (import-linter holds the rest of the layers)."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

APPS = Path(__file__).resolve().parent.parent.parent / "apps"
ROOMS = sorted(path for name in ("models", "services", "selectors") for path in APPS.glob(f"*/{name}.py"))


def imported(source: str) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


def speaks_http(source: str) -> bool:
    return any(name == "django.http" or name.startswith("django.http.") for name in imported(source))


@pytest.mark.parametrize("path", ROOMS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_no_http_below_the_edges(path: Path) -> None:
    assert not speaks_http(path.read_text(encoding="utf-8"))


def test_the_rule_can_fail() -> None:
    assert speaks_http("from django.http import HttpRequest")
    assert ROOMS
