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
#: By machine: the kernel's name of it, ``clone``, and what makes processes or leaves the sandbox.
_CALLS = {
    # fork, vfork, unshare, setns, ptrace, io_uring_setup
    "x86_64": (0xC000003E, 56, (57, 58, 272, 308, 101, 425)),
    # unshare, setns, ptrace, io_uring_setup
    "aarch64": (0xC00000B7, 220, (97, 268, 117, 425)),
}
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
    return platform.machine() in _CALLS


def forbid_processes() -> None:
    """Let the kernel refuse every new process; threads are allowed, since memory bounds them."""
    program = _filter(*_CALLS[platform.machine()])
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


def _filter(architecture: int, clone: int, refused: tuple[int, ...]) -> bytes:
    """The program of a seccomp filter: 8 bytes for each instruction."""
    load, equal, any_bit, answer = 0x20, 0x15, 0x45, 0x06

    def refuse(call: int, number: int) -> list[tuple[int, int, int, int]]:
        return [(equal, 0, 1, call), (answer, 0, 0, _ERRNO | number)]

    instructions = [
        (load, 0, 0, _ARCH), (equal, 1, 0, architecture), (answer, 0, 0, _KILL),
        (load, 0, 0, _NR), (any_bit, 0, 1, 0x40000000), (answer, 0, 0, _KILL),  # the x32 calls
    ]  # fmt: skip
    for call in refused:
        instructions += refuse(call, errno.EPERM)
    instructions += refuse(
        _CLONE3, errno.ENOSYS
    )  # its flags cannot be seen; the C library takes clone instead
    instructions += [
        (equal, 0, 3, clone), (load, 0, 0, _FIRST_ARGUMENT), (any_bit, 1, 0, _CLONE_THREAD),
        (answer, 0, 0, _ERRNO | errno.EPERM), (answer, 0, 0, _ALLOW),
    ]  # fmt: skip
    return b"".join(struct.pack("HBBI", *instruction) for instruction in instructions)
