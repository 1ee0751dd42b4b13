"""No process of an engine outlives the run that started it, however the run ends.

Belongs here: what a child process does for that. Does not belong here: closing an engine that still can be
closed.

vLLM runs a model in processes of its own. Killed outright (SIGKILL, out of memory), a run can tell them
nothing, and they would keep the GPU for ever. So each of them watches the run and ends when it is gone.
vLLM calls :func:`end_with_owner` in each, through the entry point ``vllm.general_plugins``.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import threading

OWNER = "COT_ASSETS_ENGINE_OWNER"  #: environment variable with the process id of the run


def end_with_owner() -> None:
    """Watch the process that ``OWNER`` names, unless it is this one or is not set; end when it has ended."""
    owner = int(os.environ.get(OWNER) or 0)
    if not owner or owner == os.getpid() or sys.platform != "linux":
        return
    try:
        descriptor = os.pidfd_open(owner)
    except ProcessLookupError:  # killed while this process was starting
        os.kill(os.getpid(), signal.SIGKILL)
        return
    threading.Thread(target=_watch, args=(descriptor,), name="end-with-owner", daemon=True).start()


def _watch(descriptor: int) -> None:
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)  # readable once the process has ended
    poll.poll()
    os.kill(os.getpid(), signal.SIGKILL)
