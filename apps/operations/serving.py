"""The embedded default as one command: web and the three workers, each a process with its own addresses."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import FrameType

from django.conf import settings

from apps.operations.sweeps import SERVED_BY
from apps.providers.keys import KEY_NAME

MANAGE = Path(settings.BASE_DIR) / "manage.py"
STOP_SECONDS = 15


class Stopped(Exception):  # noqa: N818  not an error: the person pressed Ctrl+C
    """Somebody asked us to stop."""


def commands(port: int) -> dict[str, list[str]]:
    """Process name of the wall table → its command line."""
    gunicorn = [sys.executable, "-m", "gunicorn", "synthreview.wsgi:application"]
    web = [
        *gunicorn,
        "--bind",
        f"127.0.0.1:{port}",
        "--workers",
        "2",
        "--threads",
        "4",
        "--log-level",
        "warning",
    ]
    workers = {
        process: [sys.executable, str(MANAGE), "work", "--queues", ",".join(queues)]
        for process, queues in SERVED_BY.items()
    }
    return {"web": [*web, "--worker-class", "gthread", "--timeout", "120"], **workers}


def serve(port: int) -> int:
    """Runs until interrupted or until one process ends; then ends those that it started, and only those."""
    started: dict[str, subprocess.Popen[bytes]] = {}
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGINT, _stop)
    try:
        for name, command in commands(port).items():
            started[name] = subprocess.Popen(command, env=_environment(name, port), cwd=settings.BASE_DIR)  # noqa: S603
        while not (ended := [name for name, process in started.items() if process.poll() is not None]):
            time.sleep(0.5)
        sys.stderr.write(f"The {ended[0]} process ended by itself; stopping the others.\n")
        return 1
    except Stopped:
        return 0
    finally:
        _end(started)


def _environment(process: str, port: int) -> Mapping[str, str]:
    # Keys go to the process that talks to providers, and to no other.
    given = {
        name: value
        for name, value in os.environ.items()
        if process == "generation" or not KEY_NAME.fullmatch(name.removesuffix("_FILE"))
    }
    return given | {"SYNTHREVIEW_PROCESS": process, "PUBLIC_URL": f"http://127.0.0.1:{port}"}


def _stop(number: int, frame: FrameType | None) -> None:
    raise Stopped


def _end(started: Mapping[str, subprocess.Popen[bytes]]) -> None:
    for process in started.values():
        if process.poll() is None:
            process.terminate()
    deadline = time.monotonic() + STOP_SECONDS
    for process in started.values():
        try:
            process.wait(timeout=max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
