"""What a process gives up before it runs a text from a model: bounds of resources, and processes of its own.

Belongs here: limits that a process sets on itself for good. Does not belong here: files and the network, which
bubblewrap takes away before the process starts (:mod:`.bubblewrap`). Needs the standard library only.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import resource
import struct

_ALLOW, _KILL, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
_NR, _ARCH, _FIRST_ARGUMENT = 0, 4, 16  #: offsets in struct seccomp_data
_CLONE_THREAD = 0x10000
_ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
#: Numbers of what is refused, on x86-64 and on ARM64, which has no fork of its own: new processes, ways out of the
#: sandbox, root's keys, and memory that no bound on this process counts.
_REFUSED = {
    "fork": (57, None), "vfork": (58, None), "unshare": (272, 97), "setns": (308, 268), "ptrace": (101, 117),
    "io_uring_setup": (425, 425), "bpf": (321, 280), "perf_event_open": (298, 241), "userfaultfd": (323, 282),
    "add_key": (248, 217), "request_key": (249, 218), "keyctl": (250, 219),
    "shmget": (29, 194), "semget": (64, 190), "msgget": (68, 186),
}  # fmt: skip
_CLONE = (56, 220)
_CLONE3 = 435
_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _SECCOMP_MODE_FILTER = 38, 22, 2


def confine(cpu_seconds: int, memory: int, file_size: int) -> None:
    """Bound this process: processor time, address space, size of files; no process is started from now on.

    Raises:
        OSError: The kernel refuses.
    """
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds + 1))  # SIGXCPU first: it tells why
    limits = {
        resource.RLIMIT_AS: memory,
        resource.RLIMIT_FSIZE: file_size,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_NOFILE: 64,
    }
    for which, most in limits.items():
        resource.setrlimit(which, (most, most))
    forbid_processes()


def can_forbid_processes() -> bool:
    """Whether this machine's system calls are known."""
    return platform.machine() in _ARCHITECTURES


def forbid_processes() -> None:
    """Let the kernel refuse every new process; threads are allowed, since memory bounds them."""
    program = _filter(list(_ARCHITECTURES).index(platform.machine()))
    libc = ctypes.CDLL(None, use_errno=True)
    code = ctypes.create_string_buffer(program)
    # struct sock_fprog: the number of instructions and where they are.
    fprog = ctypes.create_string_buffer(struct.pack("HP", len(program) // 8, ctypes.addressof(code)))
    for arguments in (
        (_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0),
        (_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, fprog, 0, 0),
    ):
        if libc.prctl(*arguments):
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))


def _filter(machine: int) -> bytes:
    """The program of a seccomp filter: 8 bytes for each instruction."""
    architecture, clone = list(_ARCHITECTURES.values())[machine], _CLONE[machine]
    load, equal, any_bit, answer = 0x20, 0x15, 0x45, 0x06

    def refuse(call: int, number: int) -> list[tuple[int, int, int, int]]:
        return [(equal, 0, 1, call), (answer, 0, 0, _ERRNO | number)]

    instructions = [
        (load, 0, 0, _ARCH), (equal, 1, 0, architecture), (answer, 0, 0, _KILL),
        (load, 0, 0, _NR), (any_bit, 0, 1, 0x40000000), (answer, 0, 0, _KILL),  # the x32 calls
    ]  # fmt: skip
    for numbers in _REFUSED.values():
        if (call := numbers[machine]) is not None:
            instructions += refuse(call, errno.EPERM)
    # Its flags cannot be seen; the C library takes clone instead.
    instructions += refuse(_CLONE3, errno.ENOSYS)
    instructions += [
        (equal, 0, 3, clone), (load, 0, 0, _FIRST_ARGUMENT), (any_bit, 1, 0, _CLONE_THREAD),
        (answer, 0, 0, _ERRNO | errno.EPERM), (answer, 0, 0, _ALLOW),
    ]  # fmt: skip
    return b"".join(struct.pack("HBBI", *instruction) for instruction in instructions)
