"""Run inside the sandbox once: tries what has to be refused there, and says what was not."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Callable
from pathlib import Path

from cot_assets.grading.sandbox.confine import confine

_MEMORY, _SECONDS = 2**29, 10


def main() -> None:
    """Print ``confined``, or what this process could do all the same."""
    confine(_SECONDS, _MEMORY, 2**20)
    print(", ".join(what for what, attempt in _ATTEMPTS.items() if _succeeds(attempt)) or "confined")


def _succeeds(attempt: Callable[[], object]) -> bool:
    with contextlib.suppress(OSError, MemoryError):
        attempt()
        return True
    return False


def _fork() -> None:
    if os.fork() == 0:
        os._exit(0)


def _sees_others() -> None:
    if not {int(name) for name in os.listdir("/proc") if name.isdigit()} <= {1, 2, os.getpid()}:  # noqa: PTH208
        return
    raise OSError


def _connect() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as outside:
        outside.connect(("192.0.2.1", 9))  # no packet is sent; without a network there is no route


_ATTEMPTS: dict[str, Callable[[], object]] = {
    "starts processes": _fork,
    "sees other processes": _sees_others,
    "has a network": _connect,
    "writes beside its folder": lambda: Path("/written").write_text("x"),
    "writes to the system": lambda: Path("/usr/written").write_text("x"),
    # A sandbox that root starts is root's where the kernel asks for no more than a number.
    "writes to the kernel": lambda: os.close(os.open("/proc/sys/kernel/core_pattern", os.O_WRONLY)),
    "has no bound on memory": lambda: bytearray(2 * _MEMORY),
    "reads home folders": lambda: os.listdir("/home") or os.listdir("/etc"),  # noqa: PTH208
}
