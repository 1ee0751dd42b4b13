"""The Ray cluster that a run's actors are on: one that is there, or one of this machine alone that ends with the run.

Belongs here: connecting and what Ray does to its process on that occasion. Does not belong here: actors
(:mod:`cot_assets.engines.ray.crew`).
"""

# Ray is an extra that need not be installed where types are checked.
# pyright: reportMissingImports=false, reportAttributeAccessIssue=false
from __future__ import annotations

import logging
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import ray

from cot_assets.engines.base import AwayNowError
from cot_assets.study import ModelEntry

_LOCAL = "local"  #: Ray's word for a cluster that is started now
_OBJECTS = 100_000_000  #: bytes of a local cluster's object store: blocks and their texts are small
#: Seconds that a cluster's head may take to accept a connection; Ray itself tries for minutes.
_PATIENCE = 5.0


class Cluster:
    """A connection to a cluster; within this process there is one at a time."""

    def __init__(self, entry: ModelEntry, address: str | None) -> None:
        """Connect to ``address``, else to that in RAY_ADDRESS, else start a cluster.

        Raises:
            AwayNowError: There is none at the address.
        """
        self.address = address or os.environ.get("RAY_ADDRESS") or _LOCAL
        self.is_local = self.address == _LOCAL
        self._is_ours = not ray.is_initialized()
        if not self._is_ours:
            return
        options = {}
        if self.is_local:
            # Ray's sockets lie below it, whose paths must be short.
            folder = tempfile.mkdtemp(prefix="ray-", dir="/tmp")
            command = [sys.executable, str(Path(__file__).with_name("watch.py")), folder]
            self._watch = subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)
            options = {
                "include_dashboard": False,
                "object_store_memory": _OBJECTS,
                "_temp_dir": folder,
            }
        try:
            with _own_signals():
                _reach(self.address)
                ray.init(address=self.address, log_to_driver=False, logging_level=logging.ERROR, **options)
        except (OSError, RuntimeError, ValueError) as error:
            self.close()
            said = " ".join(str(error).split())[:300]
            way_out = (
                "look at its logs"
                if self.is_local
                else "`ray start --head` starts one; its address is ray.address in models.toml, else RAY_ADDRESS, and "
                "one that asks for a token needs RAY_AUTH_MODE=token"
            )
            raise AwayNowError(
                f"model {entry.name!r}: no Ray cluster at {self.address!r}: {said}; {way_out}"
            ) from error

    def close(self) -> None:
        """Leave the cluster, and end it where it was started here; may be called twice."""
        if self._is_ours:
            self._is_ours = False
            ray.shutdown()
            if self.is_local:
                self._watch.communicate()


def _reach(address: str) -> None:
    """Return where something listens at an address with a port; raises :class:`OSError` else."""
    host, _, port = address.rpartition("://")[2].rpartition(":")
    if host and port.isdigit():
        socket.create_connection((host.strip("[]"), int(port)), timeout=_PATIENCE).close()


@contextmanager
def _own_signals() -> Iterator[None]:
    """Keep the process's way of ending: Ray puts a handler of SIGTERM in the place of ours."""
    is_main = threading.current_thread() is threading.main_thread()
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        if is_main:
            signal.signal(signal.SIGTERM, before or signal.SIG_DFL)
