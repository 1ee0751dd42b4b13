"""Whether the process that a run belongs to is alive: it holds a lock of the operating system, however it ends.

Belongs here: the lock's file and the question. Does not belong here: taking it, and what is done with the runs of a process
that is gone (:mod:`cot_assets.orchestration.processes`).
"""

from __future__ import annotations

from pathlib import Path

from filelock import FileLock, Timeout

from cot_assets.study.home import DataHome


def lock_of(home: DataHome, name: str) -> Path:
    """The file that a process of this name holds."""
    return home.dagster / "processes" / f"{name}.lock"


def is_alive(home: DataHome, name: str) -> bool:
    """Whether a process holds its lock; so it is taken to do where nobody may try."""
    path = lock_of(home, name)
    if not path.exists():
        return False
    try:
        with FileLock(path, timeout=0):
            return False
    except (Timeout, OSError):
        return True
