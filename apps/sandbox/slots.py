"""A user and a folder for one job at a time, shared by all workers of this machine."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from apps.sandbox.jobs import SandboxUnavailableError

# Between the users of people and those of systemd, and within the 65,536 that a container is usually given.
FIRST_UID = 60_700
SLOTS = 32
_LONGEST_WAIT_S = 60.0


@dataclass(slots=True)
class Slot:
    """``uid`` is None where jobs run as the user of the worker."""

    uid: int | None
    base: Path
    folders: list[Path] = field(default_factory=list)

    def make_folder(self, files: dict[str, bytes]) -> Path:
        """A folder with ``files`` that the job's user may read; it goes with the slot."""
        folder = Path(tempfile.mkdtemp(dir=self.base, prefix="job-"))
        self.folders.append(folder)
        for name, data in files.items():
            (folder / name).write_bytes(data)
            (folder / name).chmod(0o440)
            self._give(folder / name)
        folder.chmod(0o750)
        self._give(folder)
        return folder

    def _give(self, path: Path) -> None:
        if self.uid is not None:
            os.chown(path, 0, self.uid)


@contextmanager
def take_slot(*, with_user: bool) -> Iterator[Slot]:
    """Waits up to a minute for a free user, then raises SandboxUnavailableError."""
    base = _base()
    held = _lock_one(base) if with_user else None
    slot = Slot(uid=None if held is None else FIRST_UID + held[0], base=base)
    try:
        if slot.uid is not None:
            _end_what_was_left(slot.uid)
        yield slot
    finally:
        for folder in slot.folders:
            shutil.rmtree(folder, ignore_errors=True)
        if held is not None:
            os.close(held[1])


def _end_what_was_left(uid: int) -> None:
    """A worker that is killed while bwrap starts leaves one behind, which waits for its parent for ever."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                if f"\nUid:\t{uid}\t" in (entry / "status").read_text():
                    os.kill(int(entry.name), signal.SIGKILL)


def _base() -> Path:
    """Ours alone to change, for others to pass through."""
    base = Path(tempfile.gettempdir()) / f"synthreview-sandbox-{os.geteuid()}"
    base.mkdir(mode=0o711, exist_ok=True)
    found = base.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o022:
        raise SandboxUnavailableError(
            f"Nothing was run: {base} is not a directory that only this user may change. Remove it."
        )
    return base


def _lock_one(base: Path) -> tuple[int, int]:
    give_up_at = time.monotonic() + _LONGEST_WAIT_S
    while time.monotonic() < give_up_at:
        for number in range(SLOTS):
            fd = os.open(base / f"slot-{number}", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(fd)
            else:
                return number, fd
        time.sleep(0.02)
    raise SandboxUnavailableError(
        f"Nothing was run: all {SLOTS} places of the sandbox are taken. Try again later, or run fewer workers."
    )
