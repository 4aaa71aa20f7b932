"""Databases of a benchmark's own, the processes that have their addresses, and what those processes used."""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from tests import servers

ROOT = Path(__file__).resolve().parent.parent
DATABASES = ("postgres", "sqlite")


@contextmanager
def environment_of(database: str) -> Iterator[dict[str, str]]:
    """The environment of a process that works on a fresh ``database``; nothing of it outlives the block."""
    with ExitStack() as stack:
        var = stack.enter_context(tempfile.TemporaryDirectory(prefix="synthreview-benchmark-"))
        addresses: Mapping[str, str] = {}
        if database == "postgres":
            addresses = {
                **stack.enter_context(servers.postgres(servers.as_in_compose())),
                "LEAKAGE_KEY": "only for this measurement, 32 bytes",
            }
        own = {name: value for name, value in os.environ.items() if not name.endswith(("_URL", "_KEY"))}
        yield {
            **own,
            **addresses,
            "SECRET_KEY": "only for this measurement",
            "SYNTHREVIEW_VAR": var,
            "LOG_LEVEL": "CRITICAL",
        }


def child(module: str, arguments: Sequence[str], environment: Mapping[str, str]) -> dict[str, Any]:
    """Runs ``python -m module arguments``; the last line it prints is a JSON object."""
    command = [sys.executable, "-m", module, *arguments]
    done = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def read_through(environment: Mapping[str, str]) -> None:
    """Reads every file of the databases, which brings them into the page cache."""
    folder = unquote(urlsplit(environment.get("DATABASE_URL", "")).netloc.rpartition("@")[2])
    for path in Path(folder or environment["SYNTHREVIEW_VAR"]).rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                while file.read(1 << 20):
                    pass


def set_up_django() -> None:
    """Only a process that was given the addresses does this."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "synthreview.settings")
    import django  # noqa: PLC0415

    django.setup()


class Stopwatch:
    """Seconds by step; of two steps one within the other, each is charged with its own time alone."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self.running: list[str] = []
        self.since = 0.0

    def charge(self) -> None:
        now = time.perf_counter()
        if self.running:
            self.seconds[self.running[-1]] += now - self.since
        self.since = now

    def timed(self, name: str | Callable[..., str], function: Callable[..., Any]) -> Callable[..., Any]:
        """``function``, its time charged to ``name``, or to what ``name`` says of its arguments."""

        @functools.wraps(function)
        def wrapped(*args: Any, **values: Any) -> Any:
            self.charge()
            self.running.append(name if isinstance(name, str) else name(*args, **values))
            try:
                return function(*args, **values)
            finally:
                self.charge()
                self.running.pop()

        return wrapped


def peak_mb() -> float:
    """This process's own peak. ``getrusage`` would begin with its parent's."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def database_seconds() -> float:
    """Processor time that the server's process for this connection has used; nothing on SQLite."""
    from django.db import connection  # noqa: PLC0415

    if connection.vendor != "postgresql":
        return 0.0
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        pid = cursor.fetchone()[0]
    user, system = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")
