"""What is asked of a sandbox and what comes back."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from apps.core.errors import DomainError


class SandboxUnavailableError(DomainError):
    """No code was run: nothing here can hold it, or cannot hold it to the limits asked for (HTTP 503)."""

    status_code = 503


class Status(StrEnum):
    """How a job ended. Only FINISHED says that the program came to its own end."""

    FINISHED = "finished"
    KILLED = "killed"
    TIMED_OUT = "timed_out"
    OUTPUT_EXCEEDED = "output_exceeded"


@dataclass(frozen=True, slots=True)
class Limits:
    """Where a job is stopped. None of them can be switched off.

    ``memory_mb`` holds for each process, and for all of them together where a cgroup is there or ``processes``
    is 1 (more are then refused by the kernel, not merely counted). ``processes`` above 1 also counts threads.
    ``disk_mb`` of 0 means that nothing at all can be written to a file. ``output_bytes`` holds for stdout and
    for stderr.
    """

    wall_s: float = 5.0
    cpu_s: int = 5
    memory_mb: int = 256
    processes: int = 1
    output_bytes: int = 1_000_000
    disk_mb: int = 0


@dataclass(frozen=True, slots=True)
class Job:
    """``command`` with ``files`` in its working directory, ``stdin``, an empty environment and nothing else.

    A command that begins with ``python3`` gets this interpreter, isolated (no site-packages on its path).
    ``files`` maps plain names (no directories) to their bytes.
    """

    command: list[str]
    files: dict[str, bytes] = field(default_factory=dict)
    stdin: bytes = b""
    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        for name in self.files:
            if not name or name.startswith(".") or "/" in name or "\0" in name:
                raise ValueError(f"{name!r}: a file of a job has a plain name, without directories.")


@dataclass(frozen=True, slots=True)
class Outcome:
    """``exit_code`` is None unless the job came to its own end; output is what was written until then."""

    status: Status
    exit_code: int | None
    stdout: bytes
    stderr: bytes
    reason: str = ""
