"""The table of checks in the docs names every check, and none that is not there."""

from __future__ import annotations

import re
from pathlib import Path

from apps.validation.checks import REGISTRY

DOCS = (Path(__file__).resolve().parents[2] / "docs" / "checks.md").read_text()


def test_every_check_has_a_row_and_every_row_a_check() -> None:
    rows = [line.split("|")[1] for line in DOCS.splitlines() if line.startswith("| `")]
    assert {name for row in rows for name in re.findall(r"`(\w+)`", row)} == set(REGISTRY)


def test_what_is_off_by_itself_is_marked() -> None:
    marked = set()
    for line in DOCS.splitlines():
        if line.startswith("| `") and line.rstrip().endswith("| • |"):
            marked |= set(re.findall(r"`(\w+)`", line.split("|")[1]))
    assert marked == {name for name, check in REGISTRY.items() if not check.is_on}
