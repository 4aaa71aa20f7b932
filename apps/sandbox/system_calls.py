"""The system calls a sandboxed program may make, as a seccomp program (classic BPF).

An allow list: what an interpreter needs to compute, read and answer. Everything else, and whatever a later kernel
adds, is refused with EPERM: sockets, ptrace, signals to others, mounts, namespaces, keys, io_uring, System V memory,
memfd, and changing modes or owners. No call makes a process group or session either, so that one signal to the
group reaches every process of the job.

Numbers: asm/unistd_64.h (x86-64) and asm-generic/unistd.h (aarch64). Layout: linux/filter.h, linux/seccomp.h.
"""

from __future__ import annotations

import platform
import struct
from collections.abc import Callable

from apps.sandbox.jobs import SandboxUnavailableError

# Name → number on x86-64, on aarch64 (None: it has no such call).
ALLOWED: dict[str, tuple[int, int | None]] = {
    "read": (0, 63),
    "write": (1, 64),
    "open": (2, None),
    "close": (3, 57),
    "stat": (4, None),
    "fstat": (5, 80),
    "lstat": (6, None),
    "poll": (7, None),
    "lseek": (8, 62),
    "mmap": (9, 222),
    "mprotect": (10, 226),
    "munmap": (11, 215),
    "brk": (12, 214),
    "rt_sigaction": (13, 134),
    "rt_sigprocmask": (14, 135),
    "rt_sigreturn": (15, 139),
    "ioctl": (16, 29),
    "pread64": (17, 67),
    "pwrite64": (18, 68),
    "readv": (19, 65),
    "writev": (20, 66),
    "access": (21, None),
    "pipe": (22, None),
    "select": (23, None),
    "sched_yield": (24, 124),
    "mremap": (25, 216),
    "msync": (26, 227),
    "mincore": (27, 232),
    "madvise": (28, 233),
    "dup": (32, 23),
    "dup2": (33, None),
    "pause": (34, None),
    "nanosleep": (35, 101),
    "getitimer": (36, 102),
    "alarm": (37, None),
    "setitimer": (38, 103),
    "getpid": (39, 172),
    "recvfrom": (45, 207),
    "shutdown": (48, 210),
    "exit": (60, 93),
    "wait4": (61, 260),
    "uname": (63, 160),
    "fcntl": (72, 25),
    "flock": (73, 32),
    "fsync": (74, 82),
    "fdatasync": (75, 83),
    "ftruncate": (77, 46),
    "getdents": (78, None),
    "getcwd": (79, 17),
    "chdir": (80, 49),
    "fchdir": (81, 50),
    "rename": (82, None),
    "mkdir": (83, None),
    "rmdir": (84, None),
    "creat": (85, None),
    "link": (86, None),
    "unlink": (87, None),
    "symlink": (88, None),
    "readlink": (89, None),
    "umask": (95, 166),
    "gettimeofday": (96, 169),
    "getrlimit": (97, 163),
    "getrusage": (98, 165),
    "sysinfo": (99, 179),
    "times": (100, 153),
    "getuid": (102, 174),
    "getgid": (104, 176),
    "geteuid": (107, 175),
    "getegid": (108, 177),
    "getppid": (110, 173),
    "getpgrp": (111, None),
    "getgroups": (115, 158),
    "getresuid": (118, 148),
    "getresgid": (120, 150),
    "getpgid": (121, 155),
    "getsid": (124, 156),
    "rt_sigpending": (127, 136),
    "rt_sigtimedwait": (128, 137),
    "rt_sigsuspend": (130, 133),
    "sigaltstack": (131, 132),
    "statfs": (137, 43),
    "fstatfs": (138, 44),
    "getpriority": (140, 141),
    "sched_getparam": (143, 121),
    "sched_getscheduler": (145, 120),
    "sched_get_priority_max": (146, 125),
    "sched_get_priority_min": (147, 126),
    "arch_prctl": (158, None),
    "gettid": (186, 178),
    "time": (201, None),
    "futex": (202, 98),
    "sched_getaffinity": (204, 123),
    "getdents64": (217, 61),
    "set_tid_address": (218, 96),
    "restart_syscall": (219, 128),
    "fadvise64": (221, 223),
    "clock_gettime": (228, 113),
    "clock_getres": (229, 114),
    "clock_nanosleep": (230, 115),
    "exit_group": (231, 94),
    "epoll_create": (213, None),
    "epoll_wait": (232, None),
    "epoll_ctl": (233, 21),
    "epoll_create1": (291, 20),
    "epoll_pwait": (281, 22),
    "waitid": (247, 95),
    "openat": (257, 56),
    "mkdirat": (258, 34),
    "newfstatat": (262, 79),
    "unlinkat": (263, 35),
    "renameat": (264, 38),
    "linkat": (265, 37),
    "symlinkat": (266, 36),
    "readlinkat": (267, 78),
    "faccessat": (269, 48),
    "pselect6": (270, 72),
    "ppoll": (271, 73),
    "set_robust_list": (273, 99),
    "get_robust_list": (274, 100),
    "eventfd2": (290, 19),
    "dup3": (292, 24),
    "pipe2": (293, 59),
    "preadv": (295, 69),
    "pwritev": (296, 70),
    "getcpu": (309, 168),
    "renameat2": (316, 276),
    "getrandom": (318, 278),
    "copy_file_range": (326, 285),
    "execve": (59, 221),
    "statx": (332, 291),
    "rseq": (334, 293),
    "faccessat2": (439, 439),
    "membarrier": (324, 283),
}
MACHINES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
"""Machine → its column above, its audit architecture (linux/audit.h)."""

_X32_BIT = 0x40000000
_CLONE_THREAD, _CLONE_NEW_ANYTHING = 0x00010000, 0x7E020000
_AF_UNIX = 1
_EPERM, _ENOSYS = 1, 38
_ALLOW, _KILL, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER, _ARCHITECTURE = 0, 4


def seccomp_program(*, may_fork: bool) -> bytes:
    """The filter for this machine. Without ``may_fork`` a program may start threads but no process.

    Raises SandboxUnavailableError on a machine whose numbers are not known here.
    """
    machine = platform.machine()
    if machine not in MACHINES:
        raise SandboxUnavailableError(
            f"There is no list of system calls for {machine}; run the workers on {' or '.join(MACHINES)}."
        )
    column, architecture = MACHINES[machine]
    lines = [
        _instruction(_LOAD, _ARCHITECTURE),
        _instruction(_EQUAL, architecture, if_true=1),
        _instruction(_RETURN, _KILL),
        _instruction(_LOAD, _NUMBER),
        _instruction(_AT_LEAST, _X32_BIT, if_false=1),
        _instruction(_RETURN, _KILL),
    ]
    for names, answer in (
        (ALLOWED, _ALLOW),
        # The C library then falls back to calls whose arguments a filter can see.
        ({"clone3": (435, 435), "openat2": (437, 437)}, _ERRNO | _ENOSYS),
        ({"fork": (57, None), "vfork": (58, None)} if may_fork else {}, _ALLOW),
    ):
        for numbers in names.values():
            if (number := numbers[column]) is not None:
                lines += [_instruction(_EQUAL, number, if_false=1), _instruction(_RETURN, answer)]
    for numbers, condition in (
        ((56, 220), _clone_of_family if may_fork else _clone_of_thread),
        # A pair talks to itself (asyncio wakes its loop so), as long as it cannot name another address.
        ((53, 199), _first_argument_is(_AF_UNIX)),
        ((44, 206), _fifth_argument_is_null),
        # Its own limits, not those of another process of the same user.
        ((302, 261), _first_argument_is(0)),
    ):
        block = condition()
        lines += [_instruction(_EQUAL, numbers[column], if_false=len(block)), *block]
    return b"".join([*lines, _instruction(_RETURN, _ERRNO | _EPERM)])


def _clone_of_family() -> list[bytes]:
    """A process or a thread, in no new namespace."""
    return [
        _load_argument(0),
        _instruction(_ANY_BIT, _CLONE_NEW_ANYTHING, if_false=1),
        _instruction(_RETURN, _ERRNO | _EPERM),
        _instruction(_RETURN, _ALLOW),
    ]


def _clone_of_thread() -> list[bytes]:
    return [
        _load_argument(0),
        _instruction(_ANY_BIT, _CLONE_NEW_ANYTHING, if_true=1),
        _instruction(_ANY_BIT, _CLONE_THREAD, if_true=1),
        _instruction(_RETURN, _ERRNO | _EPERM),
        _instruction(_RETURN, _ALLOW),
    ]


def _first_argument_is(value: int) -> Callable[[], list[bytes]]:
    return lambda: [
        _load_argument(0),
        _instruction(_EQUAL, value, if_true=1),
        _instruction(_RETURN, _ERRNO | _EPERM),
        _instruction(_RETURN, _ALLOW),
    ]


def _fifth_argument_is_null() -> list[bytes]:
    return [
        _load_argument(4),
        _instruction(_EQUAL, 0, if_false=2),
        _load_argument(4, high=True),
        _instruction(_EQUAL, 0, if_true=1),
        _instruction(_RETURN, _ERRNO | _EPERM),
        _instruction(_RETURN, _ALLOW),
    ]


def _load_argument(position: int, *, high: bool = False) -> bytes:
    """Load half of an argument: struct seccomp_data holds them as 64 bits from byte 16 on, little end first."""
    return _instruction(_LOAD, 16 + 8 * position + (4 if high else 0))


def _instruction(code: int, value: int, *, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("<HBBI", code, if_true, if_false, value)
