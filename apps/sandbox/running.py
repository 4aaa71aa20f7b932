"""Run one job: the clock, the cap on output and the end of every process are outside the sandbox."""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path

from apps.sandbox import cgroups, launcher
from apps.sandbox.jobs import Job, Outcome, SandboxUnavailableError, Status
from apps.sandbox.mechanisms import (
    Mechanism,
    Plan,
    concealed,
    interpreter,
    may_change_user,
    rlimits,
    sealed,
    tasks_of,
)
from apps.sandbox.slots import Slot, take_slot
from apps.sandbox.system_calls import seccomp_program

_PIECE = 1 << 16
_SIGNAL_BASE, _LAST_SIGNAL = 128, 64
_GRACE_S = 5.0


@dataclass(slots=True)
class _Heard:
    """What came through the pipes so far."""

    stdout: bytearray = field(default_factory=bytearray)
    stderr: bytearray = field(default_factory=bytearray)
    trouble: bytearray = field(default_factory=bytearray)
    report: bytearray = field(default_factory=bytearray)
    cut: Status | None = None


def run_with(mechanism: Mechanism, job: Job) -> Outcome:
    """Run ``job`` and return when none of its processes is left.

    Raises SandboxUnavailableError when it could not be started as asked: then nothing of it has run.
    """
    with ExitStack() as stack:
        slot = stack.enter_context(take_slot(with_user=may_change_user()))
        group = cgroups.Group(job.limits.memory_mb, tasks_of(job.limits))
        stack.callback(group.close)
        seccomp = _kept(stack, sealed(seccomp_program(may_fork=job.limits.processes > 1)))
        pipes = {}
        for name in ("stdout", "stderr", "trouble", "report"):
            pipes[name] = os.pipe()
            _kept(stack, pipes[name][0])
        writing = [ends[1] for ends in pipes.values()]
        try:
            plan = mechanism.plan(job, slot, seccomp_fd=seccomp, report_fd=pipes["report"][1])
            for fd in plan.files:
                _kept(stack, fd)
            process = _start(job, plan, slot, group, seccomp=seccomp, pipes=pipes, stack=stack)
        finally:
            for fd in writing:
                os.close(fd)
        heard = _Heard()
        try:
            _listen(process, heard, {name: ends[0] for name, ends in pipes.items()}, job)
        finally:
            _end(process, heard)
        return _outcome(mechanism, process.returncode, heard, job, out_of_memory=group.ran_out_of_memory())


def _start(
    job: Job,
    plan: Plan,
    slot: Slot,
    group: cgroups.Group,
    *,
    seccomp: int,
    pipes: dict[str, tuple[int, int]],
    stack: ExitStack,
) -> subprocess.Popen[bytes]:
    given = {
        "command": plan.command,
        "directory": plan.directory,
        "landlock": plan.landlock,
        "seccomp_fd": seccomp if plan.seccomp_in_launcher else None,
        "cgroups": group.joining,
        "uid": slot.uid,
        "reveal": concealed() if slot.uid is not None else None,
        "rlimits": rlimits(
            job, running_already=_tasks_of_user(os.geteuid() if slot.uid is None else slot.uid)
        ),
        "parent": os.getpid(),
        "trouble_fd": pipes["trouble"][1],
    }
    handed_on = [*plan.files, pipes["trouble"][1]]
    handed_on += [seccomp, *([] if plan.seccomp_in_launcher else [pipes["report"][1]])]
    return subprocess.Popen(  # noqa: S603  the launcher is ours; what it starts is held
        [interpreter(), "-I", "-S", "-B", str(Path(launcher.__file__)), json.dumps(given)],
        stdin=_kept(stack, sealed(job.stdin)),
        stdout=pipes["stdout"][1],
        stderr=pipes["stderr"][1],
        env={},
        cwd="/",
        pass_fds=handed_on,
        start_new_session=True,
    )


def _listen(process: subprocess.Popen[bytes], heard: _Heard, ends: dict[str, int], job: Job) -> None:
    """Read until the program has ended, its time is over, or it has written more than it may."""
    ends_at = time.monotonic() + job.limits.wall_s
    watch = os.pidfd_open(process.pid)
    try:
        with selectors.DefaultSelector() as selector:
            selector.register(watch, selectors.EVENT_READ, None)
            for name, fd in ends.items():
                os.set_blocking(fd, False)
                selector.register(fd, selectors.EVENT_READ, name)
            while heard.cut is None:
                left = ends_at - time.monotonic()
                if left <= 0:
                    heard.cut = Status.TIMED_OUT
                    return
                ready = selector.select(left)
                for key, _ in ready:
                    if key.data is not None and not _read(heard, key.data, key.fd, job):
                        selector.unregister(key.fd)
                if any(key.data is None for key, _ in ready):
                    break
        # What it wrote last is still in the pipes; a child may hold them open, so not until their end.
        for name, fd in ends.items():
            while heard.cut is None and _read(heard, name, fd, job):
                pass
    finally:
        os.close(watch)


def _read(heard: _Heard, name: str, fd: int, job: Job) -> bool:
    """Take one piece; False when there is none now or ever."""
    try:
        piece = os.read(fd, _PIECE)
    except BlockingIOError:
        return False
    taken: bytearray = getattr(heard, name)
    taken += piece
    if len(taken) > job.limits.output_bytes and name in ("stdout", "stderr"):
        del taken[job.limits.output_bytes :]
        heard.cut = Status.OUTPUT_EXCEEDED
    return bool(piece)


def _end(process: subprocess.Popen[bytes], heard: _Heard) -> None:
    """Kill the whole tree and wait until it is gone.

    Under bubblewrap the first process of the namespace takes all others with it, and bwrap ends after it. Under
    Landlock no process could leave the group, and a signal to a group misses no child that is being born.
    """
    inside = _report(heard).get("child-pid")
    # bwrap is not collected yet, so its number is still its own, and whose parent it is really is its child.
    if process.poll() is None and isinstance(inside, int) and _parent_of(inside) == process.pid:
        with suppress(ProcessLookupError):
            os.kill(inside, signal.SIGKILL)
        with suppress(subprocess.TimeoutExpired):
            process.wait(_GRACE_S)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    give_up_at = time.monotonic() + _GRACE_S
    while time.monotonic() < give_up_at:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            return
        if not _alive_in_group(process.pid):
            return
        time.sleep(0.002)


def _parent_of(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def _alive_in_group(group: int) -> bool:
    """Whether one of them is more than a zombie that its adopter has not collected."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                state, _, of_group = (entry / "stat").read_text().rpartition(")")[2].split()[:3]
                if int(of_group) == group and state not in "ZX":
                    return True
    return False


def _outcome(
    mechanism: Mechanism, returncode: int, heard: _Heard, job: Job, *, out_of_memory: bool
) -> Outcome:
    stdout, stderr = bytes(heard.stdout), bytes(heard.stderr)
    if heard.trouble:
        raise SandboxUnavailableError(f"Nothing was run: {heard.trouble.decode(errors='replace')}")
    if heard.cut is not None:
        reason = {
            Status.TIMED_OUT: f"stopped after {job.limits.wall_s:g} s",
            Status.OUTPUT_EXCEEDED: f"stopped at {job.limits.output_bytes:,} bytes of output",
        }[heard.cut]
        return Outcome(heard.cut, None, stdout, stderr, reason)
    if mechanism.reports_its_end and "exit-code" not in _report(heard) and not out_of_memory:
        words = stderr.decode(errors="replace").strip()
        raise SandboxUnavailableError(f"Nothing was run: bwrap ended with {returncode}: {words[:300]}")
    code = _SIGNAL_BASE - returncode if returncode < 0 else returncode
    if out_of_memory:
        return Outcome(Status.KILLED, None, stdout, stderr, f"out of its {job.limits.memory_mb} MB of memory")
    if 0 < code - _SIGNAL_BASE <= _LAST_SIGNAL:
        # As shells read it: bwrap hands on the signal of the program in the same way.
        return Outcome(Status.KILLED, None, stdout, stderr, f"ended by signal {code - _SIGNAL_BASE}")
    return Outcome(Status.FINISHED, code, stdout, stderr)


def _report(heard: _Heard) -> dict[str, object]:
    """bwrap's own words: one JSON object for the start (its child's number), one for the end."""
    said: dict[str, object] = {}
    for line in heard.report.splitlines():
        with suppress(ValueError):
            said |= json.loads(line)
    return said


def _tasks_of_user(uid: int) -> int:
    """Processes and threads that RLIMIT_NPROC counts together with the job's.

    Of a user of its own: zombies of an earlier job, which whoever adopted them has not collected yet.
    """
    count = 0
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                if entry.stat().st_uid == uid:
                    count += len(list((entry / "task").iterdir()))
    return count


def _kept(stack: ExitStack, fd: int) -> int:
    stack.callback(os.close, fd)
    return fd
