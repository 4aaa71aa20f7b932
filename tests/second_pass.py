"""What the pass on PostgreSQL need not show again; a pytest plugin that ``tests.run`` loads for it.

Left out are tests that ask for no database, those marked ``one_engine``, and browser tests: pages and scripts are the
same on both. A browser test that leans on the database (locks, races, threads that commit) is marked ``both_engines``
and runs here too.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

FIXTURES = frozenset({"db", "transactional_db", "live_server"})
LEFT_OUT = pytest.StashKey[Counter[str]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[LEFT_OUT] = Counter()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    reasons = {item: reason for item in items if (reason := needless(item))}
    config.stash[LEFT_OUT].update(reasons.values())
    items[:] = [item for item in items if item not in reasons]
    config.hook.pytest_deselected(items=list(reasons))


def needless(item: pytest.Item) -> str:
    """Why ``item`` need not run on a second engine; empty if it must."""
    if item.get_closest_marker("postgres") or item.get_closest_marker("both_engines"):
        return ""
    if item.get_closest_marker("one_engine"):
        return "about no engine"
    if item.get_closest_marker("browser"):
        return "in a browser"
    asked = FIXTURES.intersection(getattr(item, "fixturenames", ()))
    return "" if asked or item.get_closest_marker("django_db") else "without a database"


def pytest_sessionfinish(session: pytest.Session) -> None:
    if output := getattr(session.config, "workeroutput", None):
        left_out = session.config.stash[LEFT_OUT]
        output["left_out"] = dict(left_out)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Every worker collects the same tests: any of them tells."""
    told: dict[str, int] = node.workeroutput.get("left_out", {})
    node.config.stash[LEFT_OUT] = Counter(told)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for reason, count in sorted(config.stash[LEFT_OUT].items()):
        terminalreporter.write_line(f"LEFT OUT, as SQLite has run them: {count} tests {reason}.")
