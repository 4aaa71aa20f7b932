"""The two ways to hold a program, strongest first. Each turns a job into a plan for the launcher."""

from __future__ import annotations

import fcntl
import functools
import os
import shutil
import stat
import sys
import sysconfig
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from apps.sandbox.jobs import Job, Limits, SandboxUnavailableError
from apps.sandbox.slots import Slot

MB = 1_000_000
BOX = "/box"
_CAP_SETGID, _CAP_SETUID, _CAP_SYS_ADMIN, _CAP_CHOWN = 6, 7, 21, 0
_THREADS_OF_ONE_PROCESS = 16
# bwrap watches from outside and is the first process inside.
_PROCESSES_OF_BWRAP = 3
_LIBRARIES = ("/lib", "/lib64", "/usr/lib", "/usr/lib64")


@dataclass(slots=True)
class Plan:
    """What the launcher is told, and the descriptors that it hands on."""

    command: list[str]
    landlock: list[str] | None = None
    directory: str | None = None
    seccomp_in_launcher: bool = False
    files: list[int] = field(default_factory=list)


class Mechanism(Protocol):
    name: str
    title: str
    reports_its_end: bool
    """Whether it says on a descriptor of its own that the program ran, and which process to end."""

    def absence(self) -> str:
        """Why it cannot be tried here; empty when it can."""
        ...

    def plan(self, job: Job, slot: Slot, *, seccomp_fd: int, report_fd: int) -> Plan: ...


class Bubblewrap:
    name = "bubblewrap"
    title = "bubblewrap: namespaces of its own, with the seccomp filter and resource limits"
    reports_its_end = True

    def absence(self) -> str:
        return "" if shutil.which("bwrap") else "bwrap is not installed (Debian's package `bubblewrap`)."

    def plan(self, job: Job, slot: Slot, *, seccomp_fd: int, report_fd: int) -> Plan:
        bwrap = shutil.which("bwrap")
        if bwrap is None:
            raise SandboxUnavailableError(f"Nothing was run: {self.absence()}")
        size = job.limits.disk_mb * MB + sum(map(len, job.files.values())) + MB
        arguments = [
            *("--unshare-all", "--unshare-user", "--disable-userns", "--die-with-parent", "--new-session"),
            *("--cap-drop", "ALL", "--clearenv", "--hostname", "sandbox"),
            *("--seccomp", str(seccomp_fd), "--json-status-fd", str(report_fd)),
            *_bindings(),
            *("--proc", "/proc", "--dev", "/dev", "--remount-ro", "/dev"),
            *("--size", str(size), "--tmpfs", BOX),
        ]
        files = []
        for name, data in job.files.items():
            files.append(sealed(data))
            arguments += ["--file", str(files[-1]), f"{BOX}/{name}"]
        if job.limits.disk_mb == 0:
            arguments += ["--remount-ro", BOX]
        arguments += ["--remount-ro", "/", "--chdir", BOX, "--"]
        return Plan([bwrap, *arguments, *resolved(job.command)], directory="/", files=files)


class Landlock:
    name = "landlock"
    title = "Landlock and the seccomp filter, with resource limits; no namespace"
    reports_its_end = False

    def absence(self) -> str:
        return ""

    def plan(self, job: Job, slot: Slot, *, seccomp_fd: int, report_fd: int) -> Plan:
        if job.limits.disk_mb:
            raise SandboxUnavailableError(
                "Nothing was run: the job wants to write files, whose total size Landlock cannot limit. "
                "Install bubblewrap (docs/operations.md, The sandbox) or set disk_mb to 0."
            )
        folder = slot.make_folder(job.files)
        readable = [*readable_paths(), str(folder), "/dev/null", "/dev/zero", "/dev/urandom", "/dev/random"]
        return Plan(
            resolved(job.command),
            landlock=readable,
            directory=str(folder),
            seccomp_in_launcher=True,
        )


BUBBLEWRAP, LANDLOCK = Bubblewrap(), Landlock()
MECHANISMS: tuple[Mechanism, ...] = (BUBBLEWRAP, LANDLOCK)


def rlimits(job: Job, *, running_already: int) -> dict[str, int]:
    """Limits of each process, by the names of Python's `resource`. ``running_already``: tasks of the same user."""
    limits = job.limits
    largest = max([limits.disk_mb * MB, 65_536, *map(len, job.files.values())])
    return {
        "RLIMIT_CPU": limits.cpu_s,
        "RLIMIT_AS": limits.memory_mb * MB,
        "RLIMIT_NPROC": tasks_of(limits) + running_already,
        "RLIMIT_FSIZE": largest,
        "RLIMIT_NOFILE": 64,
        "RLIMIT_CORE": 0,
        "RLIMIT_MEMLOCK": 0,
        "RLIMIT_MSGQUEUE": 0,
    }


def tasks_of(limits: Limits) -> int:
    """Processes and threads together, as the kernel counts them, bubblewrap's own included."""
    own = _THREADS_OF_ONE_PROCESS if limits.processes == 1 else limits.processes
    return own + _PROCESSES_OF_BWRAP


def sealed(data: bytes) -> int:
    """A descriptor that yields ``data`` from its beginning and that nobody can write to or make longer."""
    fcntl_add_seals, every_seal = 1033, 0b1111
    fd = os.memfd_create("job", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    with os.fdopen(os.dup(fd), "wb") as file:
        file.write(data)
    os.lseek(fd, 0, os.SEEK_SET)
    fcntl.fcntl(fd, fcntl_add_seals, every_seal)
    return fd


def resolved(command: list[str]) -> list[str]:
    """``python3`` becomes this interpreter, with no site-packages and nothing written beside a module."""
    if command[0] == "python3":
        return [interpreter(), "-I", "-S", "-B", *command[1:]]
    return list(command)


@functools.cache
def interpreter() -> str:
    """The interpreter itself, not the link to it in a virtual environment."""
    executable = getattr(sys, "_base_executable", None) or sys.executable
    return str(Path(executable).resolve())


@functools.cache
def readable_paths() -> tuple[str, ...]:
    """The interpreter, its standard library and the system's shared libraries: all that a program may read."""
    folder, name = sysconfig.get_config_vars("LIBDIR", "INSTSONAME")
    paths = [interpreter(), sysconfig.get_path("stdlib"), f"{folder}/{name}", "/etc/ld.so.cache"]
    paths += _LIBRARIES
    return tuple(dict.fromkeys(path for path in paths if Path(path).exists()))


@functools.cache
def _bindings() -> tuple[str, ...]:
    arguments: list[str] = []
    for path in readable_paths():
        if Path(path).is_symlink() and Path(path).is_dir():
            arguments += ["--symlink", str(Path(path).readlink()), path]
        elif not any(path.startswith(f"{library}/") for library in _LIBRARIES):
            arguments += ["--ro-bind", path, path]
    return tuple(arguments)


@functools.cache
def concealed() -> dict[str, str] | None:
    """The interpreter's home and the directory above it that other users may not enter, for the launcher."""
    home = Path(sys.base_prefix).resolve()
    for directory in reversed(home.parents):
        if not directory.stat().st_mode & stat.S_IXOTH:
            return {"mask": str(directory), "path": str(home)}
    return None


@functools.cache
def may_change_user() -> bool:
    """Whether jobs get a user of their own. Raises SandboxUnavailableError for a root that cannot stop being it."""
    if os.geteuid() != 0:
        return False
    if not {_CAP_CHOWN, _CAP_SETGID, _CAP_SETUID} <= capabilities():
        raise SandboxUnavailableError(
            "Nothing was run: this process is root and may not change to another user, and limits on the number "
            "of processes do not hold for root. Start the workers as an ordinary user."
        )
    if concealed() and _CAP_SYS_ADMIN not in capabilities():
        raise SandboxUnavailableError(
            f"Nothing was run: the interpreter {interpreter()} lies in a directory that only root may enter. "
            "Use a Python under /usr, or start the workers as an ordinary user."
        )
    return True


def capabilities() -> set[int]:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("CapEff:"):
            mask = int(line.split()[1], 16)
            return {bit for bit in range(64) if mask >> bit & 1}
    return set()
