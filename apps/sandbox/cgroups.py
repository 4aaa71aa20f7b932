"""A control group for each job, where we may make one: memory and tasks of the whole tree, not of each process."""

from __future__ import annotations

import functools
import os
import secrets
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from apps.sandbox.jobs import SandboxUnavailableError

_MB = 1_000_000
_PREFIX = "synthreview-"


@dataclass(frozen=True, slots=True)
class Homes:
    """Where new groups go. Under version 2 both are one directory; None: no such limit here."""

    version: int
    memory: Path | None
    pids: Path | None


class Group:
    """The groups of one job: joined by writing to ``joining``, emptied and removed by ``close``."""

    def __init__(self, memory_mb: int, tasks: int) -> None:
        homes = find_homes()
        name = f"{_PREFIX}{os.getpid()}-{secrets.token_hex(4)}"
        self.directories = sorted({home / name for home in (homes.memory, homes.pids) if home})
        self._events: Path | None = None
        try:
            for directory in self.directories:
                directory.mkdir()
            if homes.memory:
                self._limit_memory(homes.memory / name, homes.version, memory_mb * _MB)
            if homes.pids:
                (homes.pids / name / "pids.max").write_text(str(tasks))
        except OSError as error:
            self.close()
            raise SandboxUnavailableError(
                f"The control group {name} could not be made: {error}. Nothing was run; see "
                "`manage.py sandbox_probe`."
            ) from error

    def _limit_memory(self, directory: Path, version: int, size: int) -> None:
        if version == 2:
            (directory / "memory.max").write_text(str(size))
            (directory / "memory.oom.group").write_text("1")
            limits, self._events = [("memory.swap.max", 0)], directory / "memory.events"
        else:
            (directory / "memory.limit_in_bytes").write_text(str(size))
            limits, self._events = [("memory.memsw.limit_in_bytes", size)], directory / "memory.oom_control"
        for name, value in limits:
            # Not there on a kernel without swap accounting.
            if (directory / name).exists():
                (directory / name).write_text(str(value))

    @property
    def joining(self) -> list[str]:
        return [str(directory / "cgroup.procs") for directory in self.directories]

    def ran_out_of_memory(self) -> bool:
        if self._events is None:
            return False
        words = dict(line.split() for line in self._events.read_text().splitlines())
        return int(words.get("oom_kill", 0)) > 0

    def close(self) -> None:
        """Kill whoever is left and remove the groups; the kernel lets go of them a little after the last one."""
        for directory in self.directories:
            for _ in range(200):
                with suppress(FileNotFoundError):
                    for line in (directory / "cgroup.procs").read_text().split():
                        with suppress(ProcessLookupError):
                            os.kill(int(line), 9)
                try:
                    directory.rmdir()
                except FileNotFoundError:
                    break
                except OSError:
                    time.sleep(0.005)
                else:
                    break


@functools.cache
def find_homes() -> Homes:
    """Where this process may make groups, found out by making one."""
    own = {}
    with suppress(OSError):
        for line in Path("/proc/self/cgroup").read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            for controller in controllers.split(","):
                own[controller] = path.lstrip("/")
    unified = Path("/sys/fs/cgroup")
    if (unified / "cgroup.controllers").exists():
        home = unified / own.get("", "")
        works = _can_make(home, ("memory.max", "pids.max"))
        return Homes(version=2, memory=home if works else None, pids=home if works else None)
    memory, pids = (unified / name / own.get(name, "") for name in ("memory", "pids"))
    return Homes(
        version=1,
        memory=memory if _can_make(memory, ("memory.limit_in_bytes",)) else None,
        pids=pids if _can_make(pids, ("pids.max",)) else None,
    )


def _can_make(home: Path, files: tuple[str, ...]) -> bool:
    _remove_left_over(home)
    trial = home / f"{_PREFIX}{os.getpid()}-trial"
    try:
        trial.mkdir()
    except OSError:
        return False
    try:
        return all(os.access(trial / name, os.W_OK) for name in (*files, "cgroup.procs"))
    finally:
        trial.rmdir()


def _remove_left_over(home: Path) -> None:
    """Groups of workers that were killed in the middle of a job, which ended with them."""
    for directory in home.glob(f"{_PREFIX}*-*"):
        worker = directory.name.removeprefix(_PREFIX).split("-")[0]
        if worker.isdigit() and not Path("/proc", worker).exists():
            with suppress(OSError):
                directory.rmdir()
