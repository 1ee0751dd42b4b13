"""``ui``: Dagster's web server, guarded, and its daemon on the data home."""

from __future__ import annotations

import ipaddress
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import click

from cot_assets.cli.running.stopping import stop
from cot_assets.cli.ui.guard import LOOPBACK, TOKEN
from cot_assets.study import DataHome

_ORDERLY_S = 15.0  #: for everything that was started to end after it was asked to


@click.command()
@click.option("--port", default=3000, show_default=True, help="Port of the web server.")
@click.option(
    "--host",
    "hosts",
    multiple=True,
    default=("127.0.0.1",),
    show_default=True,
    help="Address to listen on; repeated, further names that a browser may call it by.",
)
def ui(port: int, hosts: tuple[str, ...]) -> None:
    """Start the Dagster web server and daemon on the data home; Ctrl-C stops both and the runs they started.

    It takes commands from its own pages only. Listening on anything but this machine's own address, it asks
    for the token in the link that it prints.
    """
    from cot_assets.orchestration.instance import open_instance

    home = DataHome.from_environment()
    with open_instance(home):  # makes what is missing, before two processes would make it at once
        pass
    address, *names = hosts
    token = None if _is_loopback(address) else secrets.token_urlsafe(24)
    name = _called(address, names)
    daemon = str(Path(sys.executable).parent / "dagster-daemon")
    commands = [
        [sys.executable, "-m", "cot_assets.cli.ui.server", address, str(port), address, name, *names],
        [daemon, "run", "-m", "cot_assets.definitions"],
    ]
    link = f"http://{f'[{name}]' if ':' in name else name}:{port}" + (f"/?token={token}" if token else "")
    click.echo(f"Dagster UI: {link}  (data home {home.root}; Ctrl-C stops it)")
    environment = {**os.environ, TOKEN: token or ""}
    # In groups of their own: Ctrl-C in a terminal reaches this process only, which stops them in order.
    processes = [subprocess.Popen(command, env=environment, process_group=0) for command in commands]
    stop.say_with(lambda: "Stopped. What was sampled is kept; `cot-assets ui` or `run` goes on from there.")
    stop.before_leaving(lambda: _kill(processes))
    try:
        # One without the other is of no use: where one ends (a port that is taken, say), so does the other.
        while all(process.poll() is None for process in processes):
            time.sleep(0.5)
    finally:
        _end(processes)
    sys.exit(max(abs(process.returncode) for process in processes))


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return address in LOOPBACK


def _called(address: str, names: Sequence[str]) -> str:
    """The name in the link: an address that means every one of this machine is none to type."""
    with suppress(ValueError):
        if ipaddress.ip_address(address).is_unspecified:
            return names[0] if names else socket.gethostname()
    return address


def _end(processes: Sequence[subprocess.Popen[bytes]]) -> None:
    """Stop the processes, and the runs that they started: otherwise those would sample on, unseen."""
    _signal(
        processes, signal.SIGSTOP
    )  # nothing new is launched; what runs is asked to end, by its own server
    from cot_assets.orchestration.processes import end_launched

    deadline = time.monotonic() + _ORDERLY_S
    end_launched(DataHome.from_environment(), deadline)
    _signal(processes, signal.SIGINT)
    _signal(processes, signal.SIGCONT)
    for process in processes:
        with suppress(subprocess.TimeoutExpired):
            process.wait(max(deadline - time.monotonic(), 3.0))
    _kill(processes)
    for process in processes:
        process.wait()


def _signal(processes: Sequence[subprocess.Popen[bytes]], number: signal.Signals) -> None:
    for process in processes:
        with suppress(ProcessLookupError):
            process.send_signal(number)


def _kill(processes: Sequence[subprocess.Popen[bytes]]) -> None:
    """End what is left of the processes' groups."""
    for process in processes:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
