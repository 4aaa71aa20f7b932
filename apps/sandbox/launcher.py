"""The last of our code that runs before a stranger's: gives up everything, then becomes the program.

Runs as a script in a fresh interpreter (`python -I -S launcher.py PLAN`), so it imports nothing of the house. PLAN is
JSON, see ``Plan`` in mechanisms.py. It writes to the file descriptor ``trouble_fd`` what went wrong; that it closed
without a word means that the program was started.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import signal
import stat
import struct
import sys

# linux/prctl.h, linux/mount.h, linux/landlock.h; the numbers of Landlock's calls are the same on every machine.
PR_SET_PDEATHSIG, PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS = 1, 22, 38
SECCOMP_MODE_FILTER = 2
CLONE_NEWNS = 0x00020000
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_BIND, MS_REC, MS_PRIVATE = 1, 2, 4, 4096, 16384, 1 << 18
LANDLOCK_CREATE_RULESET, LANDLOCK_ADD_RULE, LANDLOCK_RESTRICT_SELF = 444, 445, 446
EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1, 2, 4, 8
# Every right over files that a version of Landlock knows, and what it can keep to the sandbox besides.
RIGHTS = {1: 0x1FFF, 2: 0x3FFF, 3: 0x7FFF, 4: 0x7FFF, 5: 0xFFFF}
TCP_BIND_AND_CONNECT, ABSTRACT_SOCKETS_AND_SIGNALS = 3, 3

libc = ctypes.CDLL(None, use_errno=True)


def main(plan: dict) -> None:  # type: ignore[type-arg]  # plain JSON
    os.set_inheritable(plan["trouble_fd"], False)  # noqa: FBT003  its name says what
    for path in plan["cgroups"]:
        with open(path, "w") as file:  # noqa: PTH123  pathlib would cost the start 5 ms
            file.write("0")
    if plan["reveal"]:
        reveal(**plan["reveal"])
    if plan["directory"]:
        os.chdir(plan["directory"])
    if plan["uid"] is not None:
        os.setgroups([])
        os.setresgid(plan["uid"], plan["uid"], plan["uid"])
        os.setresuid(plan["uid"], plan["uid"], plan["uid"])
    # After the change of user, which clears it.
    checked(libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0), "prctl(PDEATHSIG)")
    if os.getppid() != plan["parent"]:
        return
    for name, value in plan["rlimits"].items():
        resource.setrlimit(getattr(resource, name), (value, value))
    checked(libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "prctl(NO_NEW_PRIVS)")
    if plan["landlock"]:
        confine(plan["landlock"])
    if plan["seccomp_fd"] is not None:
        filter_calls(plan["seccomp_fd"])
    os.execve(plan["command"][0], plan["command"], {})  # noqa: S606  exactly what this script is for


def reveal(mask: str, path: str) -> None:
    """Show ``path`` to the sandbox's user though ``mask``, a directory above it, is closed to it.

    In a mount namespace of this process alone: an empty directory over ``mask``, in it nothing but ``path``.
    """
    checked(libc.unshare(CLONE_NEWNS), "unshare")
    mount(b"none", b"/", None, MS_REC | MS_PRIVATE)
    # A mount of this namespace, so not before: held, because its way is about to be covered.
    held = os.open(path, os.O_PATH)
    mount(b"none", mask.encode(), b"tmpfs", MS_NOSUID | MS_NODEV, b"size=64k,mode=755")
    os.makedirs(path, mode=0o755)  # noqa: PTH103  see above
    mount(f"/proc/self/fd/{held}".encode(), path.encode(), None, MS_BIND)
    os.close(held)


def mount(source: bytes, target: bytes, kind: bytes | None, flags: int, data: bytes | None = None) -> None:
    checked(libc.mount(source, target, kind, ctypes.c_ulong(flags), data), f"mount {target.decode()}")


def confine(readable: list[str]) -> None:
    """Landlock: beneath ``readable`` reading and running, nowhere else anything but looking at names."""
    version = libc.syscall(LANDLOCK_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(1))
    checked(version, "Landlock")
    # Before version 3 it does not refuse to empty a file that may be read; then the owner of the file must.
    ours = [path for path in readable if not path.startswith("/dev/") and path != os.getcwd()]  # noqa: PTH109
    if version < 3 and any(os.access(path, os.W_OK) for path in ours):
        raise PermissionError("this user may write to the interpreter, and only Linux 6.2 can refuse it")
    rights = RIGHTS[min(version, max(RIGHTS))]
    fields = [rights]
    if version >= 4:
        fields.append(TCP_BIND_AND_CONNECT)
    if version >= 6:
        fields.append(ABSTRACT_SOCKETS_AND_SIGNALS)
    attributes = struct.pack(f"<{len(fields)}Q", *fields)
    ruleset = libc.syscall(
        LANDLOCK_CREATE_RULESET, attributes, ctypes.c_size_t(len(attributes)), ctypes.c_uint32(0)
    )
    checked(ruleset, "Landlock's ruleset")
    for path in readable:
        beneath = os.open(path, os.O_PATH)
        mode = os.fstat(beneath).st_mode
        allowed = READ_FILE
        if stat.S_ISDIR(mode):
            allowed |= READ_DIR | EXECUTE
        elif stat.S_ISREG(mode):
            allowed |= EXECUTE
        elif path == os.devnull:
            allowed |= WRITE_FILE
        rule = struct.pack("<Qi", allowed, beneath)
        checked(
            libc.syscall(LANDLOCK_ADD_RULE, ruleset, ctypes.c_int(1), rule, ctypes.c_uint32(0)),
            f"Landlock's rule for {path}",
        )
        os.close(beneath)
    checked(libc.syscall(LANDLOCK_RESTRICT_SELF, ruleset, ctypes.c_uint32(0)), "Landlock")
    os.close(ruleset)


def filter_calls(fd: int) -> None:
    with os.fdopen(fd, "rb") as file:
        program = file.read()
    held = ctypes.create_string_buffer(program, len(program))
    # struct sock_fprog: a count of 8-byte instructions, then where they are.
    header = struct.pack("<HxxxxxxQ", len(program) // 8, ctypes.addressof(held))
    checked(libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, header, 0, 0), "seccomp")


def checked(result: int, what: str) -> None:
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), what)


if __name__ == "__main__":
    given = json.loads(sys.argv[1])
    try:
        main(given)
    except Exception as error:  # noqa: BLE001  whatever it is, the program must not run
        os.write(given["trouble_fd"], f"{type(error).__name__}: {error}".encode())
    os._exit(125)
