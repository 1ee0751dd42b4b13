"""Temporary files of this process, in a folder that goes with it.

Belongs here: the folder, and those that killed processes left. Does not belong here: what lies in it.
"""

from __future__ import annotations

import atexit
import os
import shutil
import socket
import tempfile
from contextlib import suppress
from functools import cache
from pathlib import Path

from filelock import FileLock, Timeout

_PREFIX, _BEING_MADE = "cot-assets-", "making-"
_LOCK = "in-use-by-cot-assets"  #: held as long as the process lives, however it ends


def scratch() -> Path:
    """This process's folder for links and sockets, whose paths must be short; its children may use it too."""
    return _made(os.getpid())


@cache
def _made(pid: int) -> Path:
    sweep()
    made = Path(tempfile.mkdtemp(prefix=_BEING_MADE + _PREFIX))
    lock = FileLock(made / _LOCK)
    lock.acquire()
    folder = made.rename(
        made.with_name(made.name.removeprefix(_BEING_MADE))
    )  # nobody sweeps it before it is held
    atexit.register(_remove, folder, pid, lock)
    return folder


def _remove(folder: Path, pid: int, _: FileLock) -> None:
    if os.getpid() == pid:  # a forked process ends before its parent
        shutil.rmtree(folder, ignore_errors=True)


def sweep() -> None:
    """Remove the folders of this user's processes that were killed, unless a child of theirs still listens there."""
    for lock in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*/{_LOCK}"):
        folder = lock.parent
        with suppress(OSError, Timeout):
            if folder.is_symlink() or folder.stat().st_uid != os.getuid():
                continue
            with FileLock(lock, timeout=0):
                if not any(map(_listens, folder.iterdir())):
                    shutil.rmtree(folder)


def _listens(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        return path.is_socket() and probe.connect_ex(str(path)) == 0
