"""One server of code for web server and daemon.

Each would start its own, and the daemon a new one every minute: twice the memory, and a fifth of a core for nothing.
It is Dagster's ``code-server``, which loads the code anew when "Reload" is clicked.
"""

from __future__ import annotations

import subprocess
import time
from contextlib import suppress
from pathlib import Path

import yaml
from dagster._core.errors import DagsterUserCodeUnreachableError
from dagster._grpc.client import DagsterGrpcClient

from cot_assets.orchestration.instance import LOCATION

_HEARTBEAT_S = 5
_LOADED_S = 180
_ORPHANED_S = 30  #: after which the server ends by itself, where nobody has lived to stop it


class CodeServer:
    """How the server is started, found and kept; ``folder`` takes its socket and the workspace that names it."""

    def __init__(self, folder: Path) -> None:
        place, self.workspace = str(folder / "socket"), folder / "workspace.yaml"
        self.command = [
            "code-server", "start", "--module-name", LOCATION, "--location-name", LOCATION,
            "--socket", place, "--heartbeat", "--heartbeat-timeout", str(_ORPHANED_S), "--log-level", "warning",
        ]  # fmt: skip
        entry = {"location_name": LOCATION, "socket": place, "host": "localhost"}
        self.workspace.write_text(yaml.safe_dump({"load_from": [{"grpc_server": entry}]}))
        self._client = DagsterGrpcClient(socket=place)
        self._next = 0.0

    def answers(self, process: subprocess.Popen[bytes]) -> bool:
        """Whether it answers; returns once it does, or has ended."""
        while process.poll() is None:
            try:
                self._client.ping("")
            except DagsterUserCodeUnreachableError:
                time.sleep(0.1)
            else:
                return True
        return False

    def keep_alive(self) -> None:
        """Say now and then that somebody is there, and have the code loaded again where its process was killed."""
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + _HEARTBEAT_S
        try:
            self._client.heartbeat("")
            self._client.ping("")
        except DagsterUserCodeUnreachableError:
            with suppress(DagsterUserCodeUnreachableError):  # it also says good-bye to the one that is gone
                self._client.reload_code(timeout=_LOADED_S)
