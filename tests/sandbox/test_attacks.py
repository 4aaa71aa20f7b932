"""Threat 44, attack by attack, in each sandbox. Beside it, in a bounded form, what the same code does without one."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from apps.sandbox import Job, Limits, Outcome, SandboxUnavailableError, Status, cgroups, run
from apps.sandbox.mechanisms import BUBBLEWRAP, LANDLOCK, Mechanism
from apps.sandbox.slots import take_slot

ROOT = Path(__file__).resolve().parents[2]
QUICK = Limits(wall_s=5)
BRIEF = Limits(wall_s=0.4)


def attack(
    mechanism: Mechanism, code: str, *words: object, limits: Limits = QUICK, stdin: bytes = b""
) -> Outcome:
    command = ["python3", "-c", code, *map(str, words)]
    return run(Job(command, stdin=stdin, limits=limits), mechanism=mechanism)


def without_sandbox(code: str, *words: object) -> str:
    command = [sys.executable, "-c", code, *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=20).stdout.strip()


TRY = """
import os, sys
def attempt(action):
    try:
        print("did it", action() or "")
    except BaseException as error:
        print("refused", type(error).__name__)
"""
FORK_ONCE = TRY + "attempt(lambda: os.fork() or os._exit(0))"
FORK_MANY = """
import os, time
count = 0
try:
    while count < 300:
        if os.fork() == 0:
            time.sleep(5)
            os._exit(0)
        count += 1
except OSError:
    pass
print(count, flush=True)
"""
READ = TRY + "attempt(lambda: open(sys.argv[1]).read())"
APPEND = TRY + "attempt(lambda: open(sys.argv[1], 'a').write('x'))"
LINK_AND_READ = TRY + "attempt(lambda: (os.symlink(sys.argv[1], sys.argv[2]), open(sys.argv[2]).read())[1])"
KILL = TRY + "attempt(lambda: os.kill(int(sys.argv[1]), 0))"
TRACE = (
    TRY
    + """
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
def trace():
    if libc.ptrace(16, int(sys.argv[1]), None, None) < 0:
        raise OSError(ctypes.get_errno(), "ptrace")
attempt(trace)
"""
)
CONNECT_UNIX = (
    TRY
    + """
import socket
name = sys.argv[1].replace("@", chr(0))
attempt(lambda: socket.socket(socket.AF_UNIX).connect(name))
"""
)
CONNECT_TCP = (
    TRY + "import socket\nattempt(lambda: socket.create_connection(('127.0.0.1', int(sys.argv[1]))))"
)
ENVIRONMENT = "import os; print(sorted(set(os.environ) - {'LC_CTYPE', 'PWD'}))"


@pytest.fixture
def host_file(tmp_path: Path) -> Path:
    """Readable and writable by everybody: that nobody gets at it is the sandbox's doing."""
    file = tmp_path / "of the host"
    file.write_text("secret")
    file.chmod(0o666)
    for directory in [tmp_path, *tmp_path.parents[:3]]:
        if directory.stat().st_uid == os.geteuid() and directory != Path("/tmp"):
            directory.chmod(directory.stat().st_mode | 0o011)
    return file


def test_a_harmless_job_gets_its_files_and_its_input(mechanism: Mechanism) -> None:
    job = Job(
        ["python3", "-c", "import sys; print(open('a.txt').read() + sys.stdin.read()); sys.exit(3)"],
        files={"a.txt": b"one "},
        stdin=b"two",
    )
    outcome = run(job, mechanism=mechanism)
    assert (outcome.status, outcome.exit_code, outcome.stdout) == (Status.FINISHED, 3, b"one two\n")


def test_asyncio_and_threads_work(mechanism: Mechanism) -> None:
    code = "import asyncio; print(asyncio.run(asyncio.to_thread(lambda: 7)))"
    assert attack(mechanism, code).stdout == b"7\n"


def test_an_endless_loop_is_timed_out(mechanism: Mechanism) -> None:
    assert attack(mechanism, "while True: pass", limits=BRIEF).status is Status.TIMED_OUT


def test_cpu_time_ends_where_the_clock_would_not(mechanism: Mechanism) -> None:
    outcome = attack(mechanism, "while True: pass", limits=Limits(wall_s=15, cpu_s=1))
    assert (outcome.status, outcome.exit_code) == (Status.KILLED, None)


def test_ten_gigabytes_of_output_are_cut(mechanism: Mechanism) -> None:
    code = "import os\nfor _ in range(10_000): os.write(1, bytes(1_000_000))"
    outcome = attack(mechanism, code, limits=Limits(output_bytes=100_000))
    assert (outcome.status, len(outcome.stdout)) == (Status.OUTPUT_EXCEEDED, 100_000)


def test_a_single_process_cannot_fork(mechanism: Mechanism) -> None:
    assert attack(mechanism, FORK_ONCE).stdout == b"refused PermissionError\n"
    assert without_sandbox(FORK_ONCE).startswith("did it")


def test_a_fork_bomb_stops_at_its_limit_and_nobody_survives(mechanism: Mechanism) -> None:
    before = processes_saying("time.sleep(5)")
    outcome = attack(mechanism, FORK_MANY, limits=Limits(wall_s=5, processes=12))
    assert 0 < int(outcome.stdout) <= 15
    assert processes_saying("time.sleep(5)") == before


def test_a_program_that_forks_for_ever_is_killed_whole(mechanism: Mechanism) -> None:
    code = "import os\nwhile True:\n  try: os.fork()\n  except OSError: pass  # time.sleep(never)"
    outcome = attack(mechanism, code, limits=Limits(wall_s=0.4, processes=12))
    assert outcome.status in (Status.TIMED_OUT, Status.KILLED)
    assert processes_saying("time.sleep(never)") == []


def test_a_daemon_child_does_not_outlive_the_job(mechanism: Mechanism) -> None:
    code = """
import os, time
if os.fork() == 0:
    try:
        os.setsid()
    except OSError:
        pass
    if os.fork() == 0:
        time.sleep(600)  # the daemon of this test
    os._exit(0)
time.sleep(0.1)
"""
    outcome = attack(mechanism, code, limits=Limits(wall_s=5, processes=12))
    assert outcome.status is Status.FINISHED
    assert processes_saying("the daemon of this test") == []


WORKER = """
import sys
from apps.sandbox import Job, run
from apps.sandbox.mechanisms import MECHANISMS
mechanism = next(each for each in MECHANISMS if each.name == sys.argv[1])
code = "import time; time.sleep(60)  # of a worker that is killed"
run(Job(["python3", "-c", code]), mechanism=mechanism)
"""


def test_a_job_ends_with_the_worker_that_is_killed(mechanism: Mechanism) -> None:
    words = "of a worker that is killed"
    worker = subprocess.Popen([sys.executable, "-c", WORKER, mechanism.name], cwd=ROOT)
    try:
        assert eventually(lambda: [each for each in processes_saying(words) if not is_bubblewrap(each)] != [])
    finally:
        worker.kill()
        worker.wait()
    assert eventually(lambda: processes_saying(words) == [])


def is_bubblewrap(process: str) -> bool:
    return Path(f"/proc/{process}/comm").read_text().strip() == "bwrap"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives each place a user of its own")
def test_a_place_is_taken_empty() -> None:
    with take_slot(with_user=True) as slot:
        uid = slot.uid
    assert uid is not None
    left = subprocess.Popen(["sleep", "600"], user=uid, group=uid)
    taken = []
    with ExitStack() as stack:
        # The others may be in use: all places up to the one that was left dirty.
        while uid not in taken:
            taken.append(stack.enter_context(take_slot(with_user=True)).uid)
        assert left.wait(timeout=10) == -signal.SIGKILL


def eventually(holds: Callable[[], bool]) -> bool:
    """Asks every 20 ms, for two minutes at most: a busy machine takes its time to start a process."""
    for _ in range(6_000):
        if holds():
            return True
        time.sleep(0.02)
    return False


def processes_saying(words: str) -> list[str]:
    """Numbers of living processes whose command line contains ``words``."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                line = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if words.encode() in line and b"launcher.py" not in line and b"-I" in line:
                found.append(entry.name)
    return found


def test_the_environment_is_empty(mechanism: Mechanism, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNTHREVIEW_CANARY", "secret")
    assert attack(mechanism, ENVIRONMENT).stdout == b"[]\n"
    assert "SYNTHREVIEW_CANARY" in without_sandbox(ENVIRONMENT)


def test_the_environment_of_the_worker_cannot_be_read(mechanism: Mechanism) -> None:
    assert attack(mechanism, READ, f"/proc/{os.getpid()}/environ").stdout.startswith(b"refused")
    assert without_sandbox(READ, f"/proc/{os.getpid()}/environ").startswith("did it")


def test_nothing_but_standard_descriptors_is_handed_on(mechanism: Mechanism) -> None:
    code = """
import os
def is_open(fd):
    try:
        os.fstat(fd)
    except OSError:
        return False
    return True
print([fd for fd in range(64) if is_open(fd)])
"""
    assert attack(mechanism, code).stdout == b"[0, 1, 2]\n"


def test_host_files_cannot_be_read_or_written(mechanism: Mechanism, host_file: Path) -> None:
    assert attack(mechanism, READ, host_file).stdout.startswith(b"refused")
    assert attack(mechanism, APPEND, host_file).stdout.startswith(b"refused")
    assert host_file.read_text() == "secret"
    assert without_sandbox(READ, host_file) == "did it secret"


def test_a_symlink_leads_nowhere(mechanism: Mechanism, host_file: Path, tmp_path: Path) -> None:
    # With a disk to write on where there is one, or the link itself would already be refused.
    limits = Limits(disk_mb=1) if mechanism is BUBBLEWRAP else QUICK
    outcome = attack(mechanism, LINK_AND_READ, host_file, "link", limits=limits)
    assert outcome.stdout.startswith(b"refused")
    assert without_sandbox(LINK_AND_READ, host_file, tmp_path / "link") == "did it secret"


def test_by_default_no_file_can_be_written_anywhere(mechanism: Mechanism) -> None:
    code = """
import os
for place in ("/box", ".", "/", "/tmp", "/var/tmp", "/dev", "/dev/shm", "/proc", "/usr/lib", "/etc"):
    try:
        open(os.path.join(place, "new"), "w")
    except OSError:
        continue
    print(place)
"""
    assert attack(mechanism, code).stdout == b""


def test_a_disk_bomb_stops_at_its_limit_or_is_not_run() -> None:
    code = """
import sys
written = 0
try:
    for number in range(100):
        with open(f"f{number}", "wb") as file:
            file.write(bytes(500_000))
        written += 1
except OSError:
    pass
print(written)
"""
    job = Job(["python3", "-c", code], limits=Limits(disk_mb=5))
    with pytest.raises(SandboxUnavailableError, match="total size"):
        run(job, mechanism=LANDLOCK)
    if not BUBBLEWRAP.absence():
        assert 0 < int(run(job, mechanism=BUBBLEWRAP).stdout) <= 14


def test_no_tcp_socket(mechanism: Mechanism) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert attack(mechanism, CONNECT_TCP, port).stdout.startswith(b"refused")
        assert without_sandbox(CONNECT_TCP, port).startswith("did it")


def test_no_unix_or_abstract_socket(mechanism: Mechanism, tmp_path: Path) -> None:
    for name, address in ((f"{tmp_path}/s", f"{tmp_path}/s"), (f"@sr{os.getpid()}", f"\0sr{os.getpid()}")):
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(address)
            server.listen()
            assert attack(mechanism, CONNECT_UNIX, name).stdout.startswith(b"refused")
            assert without_sandbox(CONNECT_UNIX, name).startswith("did it")


def test_a_memory_bomb_of_one_process_is_refused(mechanism: Mechanism) -> None:
    code = TRY + "attempt(lambda: len(bytearray(300_000_000)))"
    assert attack(mechanism, code, limits=Limits(memory_mb=128)).stdout == b"refused MemoryError\n"
    assert without_sandbox(code) == "did it 300000000"


def test_a_memory_bomb_of_children_is_killed(mechanism: Mechanism) -> None:
    if cgroups.find_homes().memory is None:
        pytest.skip("NO CGROUP FOR MEMORY HERE: children together are limited in number only")
    code = """
import os, time
for _ in range(6):
    if os.fork() == 0:
        held = bytearray(60_000_000)
        for i in range(0, len(held), 4096): held[i] = 1
        time.sleep(3)
        os._exit(0)
for _ in range(6):
    _, status = os.wait()
    if status: os._exit(9)
"""
    outcome = attack(mechanism, code, limits=Limits(memory_mb=128, processes=12))
    assert (outcome.status, outcome.exit_code) == (Status.KILLED, None)
    assert "memory" in outcome.reason


@pytest.mark.parametrize("code", [KILL, TRACE], ids=["signal", "trace"])
def test_processes_of_the_host_are_out_of_reach(mechanism: Mechanism, code: str) -> None:
    victim = subprocess.Popen(["/bin/sleep", "30"])
    try:
        assert attack(mechanism, code, victim.pid).stdout.startswith(b"refused")
        assert victim.poll() is None
        if code is KILL:
            assert without_sandbox(code, victim.pid).startswith("did it")
    finally:
        victim.send_signal(signal.SIGKILL)
        victim.wait()


def test_a_job_that_may_not_be_held_does_not_run(mechanism: Mechanism) -> None:
    with pytest.raises(SandboxUnavailableError, match="Nothing was run"):
        run(Job(["/no/such/program"]), mechanism=mechanism)


def test_a_file_of_a_job_has_no_path() -> None:
    with pytest.raises(ValueError, match="plain name"):
        Job(["python3"], files={"../x": b""})
