"""Code repair: the tests decide, in the sandbox, with the item and nothing else."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.task_types.scoring import score

CASES = [[[2], 4], [[3], 9]]


def test_code_is_scored_by_running_its_tests() -> None:
    values: dict[str, Any] = {
        "tests": CASES,
        "function": "square",
        "code": "def square(n):\n    return n * 2\n",
    }
    right = {"code": "def square(n):\n    return n * n\n"}
    assert score("code_repair", right, right, **values) == {"pass_at_1": 1, "cases": 1}
    assert score("code_repair", right, {"code": values["code"]}, **values) == {"pass_at_1": 0, "cases": 1 / 2}
    assert score("code_repair", right, {"code": ""}, **values) == {"pass_at_1": 0, "cases": 0}


def test_a_case_beyond_the_limits_of_the_mended_code_itself_is_left_out() -> None:
    """As the slow cases of QuixBugs are; a loop of the prediction alone is not."""
    mended = "def square(n):\n    return [0] * 10**9 if n == 3 else n * n\n"
    values: dict[str, Any] = {"tests": CASES, "function": "square", "code": "x"}
    assert score("code_repair", {"code": mended}, {"code": mended}, **values) == {"pass_at_1": 1, "cases": 1}
    greedy = {"code": "def square(n):\n    return [0] * 10**9 if n == 2 else n * n\n"}
    assert score("code_repair", {"code": mended}, greedy, **values) == {"pass_at_1": 0, "cases": 1 / 2}
    plain = {"code": "def square(n):\n    return n * n\n"}
    assert score("code_repair", plain, greedy, **values) == {"pass_at_1": 0, "cases": 1 / 2}


CURIOUS = """
import os, socket

def reach(path, port):
    found = []
    if "SYNTHREVIEW_TEST_KEY" in os.environ:
        found.append("environment")
    for place in (path, "/proc/self/environ", "/proc/1/environ"):
        try:
            with open(place, "rb") as file:
                if b"holdout-of-others" in file.read():
                    found.append(place)
        except OSError:
            pass
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
        found.append("network")
    except OSError:
        pass
    try:
        with open("kept-for-the-next", "x") as file:
            file.write("x")
        found.append("disk")
    except OSError:
        pass
    return found
"""


def test_a_prediction_reaches_neither_other_items_nor_the_environment_nor_the_network(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The same code outside finds it all: so what it does not find in a score was there to be found."""
    monkeypatch.setenv("SYNTHREVIEW_TEST_KEY", "holdout-of-others")
    monkeypatch.chdir(tmp_path)
    others = tmp_path / "holdout.sqlite3"
    others.write_text("holdout-of-others")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        tests = [[[str(others), port], []]]
        got = score(
            "code_repair", {"code": CURIOUS}, {"code": CURIOUS}, tests=tests, function="reach", code="x"
        )
        program = f"{CURIOUS}\nimport json\nprint(json.dumps(reach({str(others)!r}, {port})))"
        outside = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert got == {"pass_at_1": 1, "cases": 1}
    found = json.loads(outside.stdout)
    assert {"environment", str(others), "network", "disk"} <= set(found)


def test_a_prediction_does_not_see_what_is_expected_of_it() -> None:
    """Arguments go in, expected values stay outside: nothing of them stands in its process."""
    spy = """
import gc, sys

def square(n):
    seen = repr([each for each in gc.get_objects() if isinstance(each, (dict, list, tuple))])
    frame = sys._getframe()
    while frame:
        seen += repr(frame.f_locals) + repr(frame.f_globals)
        frame = frame.f_back
    return "nothing" if "-".join(["the", "expected", "value"]) not in seen else "seen"
"""
    tests = [[[1], "nothing"], [[2], "the-expected-value"]]
    got = score("code_repair", {"code": "x"}, {"code": spy}, tests=tests, function="square", code="x")
    assert got["cases"] == 1 / 2
