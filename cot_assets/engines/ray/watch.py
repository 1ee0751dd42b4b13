"""A process that cleans up after a cluster of this machine, however its driver ended: ``watch.py FOLDER``.

Ray's own processes end with their driver, but for agents that miss the death of their parent, or hang as they exit. The driver
starts this process before the cluster; closing its input, or dying, the driver says that the cluster has ended.
"""

from __future__ import annotations

import os
import select
import shutil
import sys
from contextlib import suppress

import psutil

_EVERY = 2.0  #: seconds


def watch(folder: str) -> None:
    """Wait until the driver closes the input or has ended; then end what it started in ``folder``, and remove that."""
    owner, known = os.getppid(), set[psutil.Process]()
    while not select.select([sys.stdin], [], [], _EVERY)[0] and os.getppid() == owner:
        with suppress(psutil.Error):
            for child in psutil.Process(owner).children():
                if child.pid != os.getpid() and any(folder in word for word in child.cmdline()):
                    known.update([child, *child.children(recursive=True)])
    for process in known:
        with suppress(psutil.Error):  # it has ended
            process.kill()
    psutil.wait_procs(known, timeout=5)
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    watch(sys.argv[1])
