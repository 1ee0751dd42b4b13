"""``ui``: Dagster's web server and daemon on the data home."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import click

from cot_assets.study import DataHome


@click.command()
@click.option("--port", default=3000, show_default=True, help="Port of the web server.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
def ui(port: int, host: str) -> None:
    """Start the Dagster web server and daemon on the data home; Ctrl-C stops both."""
    from cot_assets.orchestration.instance import prepare_instance

    home = DataHome.from_environment()
    prepare_instance(home)
    location = ["-m", "cot_assets.definitions"]
    tools = Path(sys.executable).parent
    commands = [
        [str(tools / "dagster-webserver"), *location, "--host", host, "--port", str(port)],
        [str(tools / "dagster-daemon"), "run", *location],
    ]
    click.echo(f"Dagster UI: http://{host}:{port}  (data home {home.root}; Ctrl-C stops it)")
    processes = [subprocess.Popen(command) for command in commands]

    def stop(*_: object) -> None:
        for process in processes:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    # One without the other is of no use: where one ends (a port that is taken, say), so does the other.
    while all(process.poll() is None for process in processes):
        time.sleep(0.5)
    stop()
    sys.exit(max(process.wait() for process in processes))
