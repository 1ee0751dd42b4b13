"""``ui``: Dagster's web server, guarded, its daemon, and one server of code for both, on the data home."""

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
from itertools import product
from typing import IO

import click

from cot_assets.cli import say
from cot_assets.cli.running.stopping import stop
from cot_assets.cli.ui.guard import LOOPBACK
from cot_assets.engines.children import OWNER
from cot_assets.study import DataHome
from cot_assets.study.scratch import scratch

#: Dagster's server of code, whose own servers listen in a folder that is swept where they are killed.
_CODE = "import tempfile as t; t.tempdir = {!r}; from dagster._cli import main"
#: Dagster's daemon, which ends with this process, however that ends: alone it would fail all that is queued.
_DAEMON = (
    "from cot_assets.engines import children as c; c.end_with_owner(); from dagster._daemon.cli import main"
)
_ORDERLY_S, _IDLE_S = 15.0, 5.0  #: for runs to end after they were asked to, and for each server after them


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
    home = DataHome.from_environment()
    address, *names = hosts
    token = None if _is_loopback(address) else secrets.token_urlsafe(24)
    name = _called(address, names)
    link = f"http://{f'[{name}]' if ':' in name else name}:{port}" + (f"/?token={token}" if token else "")
    processes: list[subprocess.Popen[bytes]] = []
    stop.say_with(lambda: "Stopped. What was sampled is kept; `cot-assets ui` or `run` goes on from there.")
    stop.before_leaving(lambda: _kill(processes))
    with _bound(address, port) as listener:
        click.echo(f"Starting the Dagster UI on {home.root} …")
        from dagster._daemon.asset_daemon import set_auto_materialize_paused

        from cot_assets.cli.ui.code import CodeServer
        from cot_assets.cli.ui.log import Log
        from cot_assets.cli.ui.server import serving
        from cot_assets.orchestration.instance import open_instance

        with open_instance(
            home
        ) as instance:  # makes what is missing, before several processes would make it at once
            # The sensor `analysis` works either way; jobs show "Auto-materialize off" unless this says otherwise.
            set_auto_materialize_paused(instance, False)
        code, log = CodeServer(scratch()), Log(home.dagster)
        try:
            processes.append(_start(_CODE.format(str(scratch())), *code.command, log=log.file))
            if not code.answers(processes[0]):
                raise click.ClickException(log.end("Dagster's code server has ended while it started"))
            processes.append(_start(_DAEMON, "run", "--workspace", str(code.workspace), log=log.file))
            with serving(listener, code.workspace, home.reports, [address, name, *names], token) as web:
                click.echo(f"Dagster UI: {link}  (Ctrl-C stops it; what its parts say: {log.place})")
                # One without the others is of no use: where one ends, so do they.
                while web.is_alive() and all(process.poll() is None for process in processes):
                    code.keep_alive()
                    for error in log.errors():
                        say(error, "Error: ", err=True)
                    time.sleep(0.5)
                raise click.ClickException(log.end("a part of the Dagster UI has ended, start it again"))
        finally:
            _end(home, processes)
            log.close()


def _bound(address: str, port: int) -> socket.socket:
    """A socket that will listen: a port that is taken is said before anything is started."""
    listener = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((address, port))
    except (OSError, OverflowError) as error:
        listener.close()
        reason = getattr(error, "strerror", None) or error
        raise click.ClickException(
            f"{address}, port {port}: {reason}; --port or --host names another"
        ) from None
    return listener


def _start(imports: str, *arguments: str, log: IO[bytes] | None = None) -> subprocess.Popen[bytes]:
    # Ctrl-C shows no traceback while Python imports, which takes seconds.
    program = (
        f"import signal as s; s.signal(2, s.SIG_DFL); {imports}; s.signal(2, s.default_int_handler); main()"
    )
    # In a group of its own: Ctrl-C in a terminal reaches this process only, which stops the others in order.
    # What lies in the folder that it is started from takes the place of no module.
    environment = {**os.environ, OWNER: str(os.getpid()), "PYTHONSAFEPATH": "1"}
    command = [sys.executable, "-c", program, *arguments]
    return subprocess.Popen(command, env=environment, process_group=0, stdout=log, stderr=log)


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


def _end(home: DataHome, processes: Sequence[subprocess.Popen[bytes]]) -> None:
    """Stop daemon and server of code, and the runs that they started: otherwise those would sample on, unseen."""
    _signal(
        processes[1:], signal.SIGSTOP
    )  # nothing new is launched; what runs is asked to end, by its own server
    from cot_assets.orchestration.processes import end_launched

    end_launched(home, time.monotonic() + _ORDERLY_S)
    for process in reversed(processes):  # a daemon asks the server of code as long as it lives
        _signal([process], signal.SIGINT, signal.SIGCONT)
        with suppress(subprocess.TimeoutExpired):
            process.wait(_IDLE_S)  # it has nothing left to lose
        _kill([process])
        process.wait()


def _signal(processes: Sequence[subprocess.Popen[bytes]], *numbers: signal.Signals) -> None:
    for process, number in product(processes, numbers):
        with suppress(ProcessLookupError):
            process.send_signal(number)


def _kill(processes: Sequence[subprocess.Popen[bytes]]) -> None:
    """End what is left of the processes' groups."""
    for process in processes:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
