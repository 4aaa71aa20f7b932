"""Which mechanism holds here: found out once, by running an attacker through each."""

from __future__ import annotations

import functools
import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from apps.sandbox import cgroups
from apps.sandbox.jobs import Job, Limits, Outcome, SandboxUnavailableError, Status
from apps.sandbox.mechanisms import BUBBLEWRAP, MECHANISMS, Mechanism, may_change_user
from apps.sandbox.running import run_with

# Says what it could do; each of these must be refused. The canary is a file that everybody may read.
_ATTACK = """
import json, os, socket, sys
done = []
def attempt(name, action):
    try:
        action()
    except BaseException:
        return
    done.append(name)
canary, pid = sys.argv[1], int(sys.argv[2])
attempt("read a file of the host", lambda: open(canary).read())
attempt("write a file of the host", lambda: open(canary, "a"))
attempt("write into its folder", lambda: open("new", "w"))
attempt("change a file of the host", lambda: os.chmod(canary, 0o600))
attempt("open a TCP socket", lambda: socket.socket(socket.AF_INET))
attempt("open a unix socket", lambda: socket.socket(socket.AF_UNIX))
attempt("start a process", lambda: os.fork() or os._exit(0))
attempt("leave its session", lambda: os.setsid())
attempt("signal a process of the host", lambda: os.kill(pid, 0))
attempt("take more memory than allowed", lambda: bytearray(400_000_000))
if set(os.environ) - {"LC_CTYPE", "PWD"}:
    done.append("read the environment")
print(json.dumps({"done": done}))
"""


@dataclass(frozen=True, slots=True)
class Finding:
    """What the probe found of one mechanism; ``trouble`` is empty when it holds."""

    mechanism: Mechanism
    trouble: str


def run(job: Job, *, mechanism: Mechanism | None = None) -> Outcome:
    """Run ``job`` in the strongest sandbox that holds here, or in ``mechanism``.

    Raises SandboxUnavailableError when none holds: nothing has run then.
    """
    return run_with(mechanism or active(), job)


def active() -> Mechanism:
    """The strongest mechanism that held the probe. Raises SandboxUnavailableError when none did."""
    for finding in findings():
        if not finding.trouble:
            return finding.mechanism
    reasons = " ".join(f"{finding.mechanism.name}: {finding.trouble}" for finding in findings())
    raise SandboxUnavailableError(
        f"Nothing was run: no sandbox works here. {reasons} See docs/operations.md, The sandbox."
    )


@functools.cache
def findings() -> tuple[Finding, ...]:
    """One for each mechanism, strongest first; asked once in the life of a process."""
    return tuple(Finding(mechanism, _trouble_of(mechanism)) for mechanism in MECHANISMS)


def _trouble_of(mechanism: Mechanism) -> str:
    if absence := mechanism.absence():
        return absence
    with tempfile.TemporaryDirectory(prefix="synthreview-probe-") as folder:
        canary = Path(folder) / "canary"
        canary.write_text("of the host")
        canary.chmod(0o666)
        Path(folder).chmod(0o755)
        job = Job(["python3", "-c", _ATTACK, str(canary), str(os.getpid())], limits=Limits(wall_s=20))
        try:
            outcome = run_with(mechanism, job)
        except SandboxUnavailableError as error:
            return str(error)
        except OSError as error:
            return f"it could not be started: {error}."
    if outcome.status is not Status.FINISHED or outcome.exit_code != 0:
        words = outcome.stderr.decode(errors="replace").strip()[-300:]
        return f"the probe ended early ({outcome.status}, exit code {outcome.exit_code}): {words}"
    try:
        done = json.loads(outcome.stdout)["done"]
    except (ValueError, KeyError, TypeError):
        return "the probe said nothing that can be read."
    return f"code inside could {', '.join(done)}." if done else ""


def what_it_limits(mechanism: Mechanism) -> dict[str, str]:
    """In words for people: each thing and how far ``mechanism`` holds it on this machine."""
    homes = cgroups.find_homes()
    enclosed = mechanism is BUBBLEWRAP
    whole = f"limited, by a cgroup (version {homes.version})"
    return {
        "user": "one of its own for each job" if may_change_user() else "that of the worker",
        "memory of one process": "limited",
        "memory of all children": whole
        if homes.memory
        else "limited for jobs of one process (the default); else for each process only",
        "processes": whole if homes.pids else "limited, by the number of tasks of its user",
        "disk": "limited, in memory"
        if enclosed
        else "nothing can be written; jobs that must write are refused",
        "network": "no socket can be opened",
        "host files": "absent but for the interpreter and shared libraries"
        if enclosed
        else "cannot be read but for the interpreter and shared libraries; names can be seen",
        "other processes": "not visible" if enclosed else "cannot be signalled or traced; no view of /proc",
    }
