"""A command that waits, and takes its time to stop: ``stopping_child.py SECONDS [LIMIT]``."""

from __future__ import annotations

import sys
import time
from unittest import mock

import click

from cot_assets.cli import cli, main
from cot_assets.cli.running.stopping import stop

SECONDS, *LIMIT = map(float, sys.argv[1:])


@click.command()
def wait() -> None:
    """Wait."""
    stop.say_with(lambda: "Stopped. 3 of 7 rollouts are kept; run again to go on.")
    for limit in LIMIT:
        stop.after(limit)
    try:
        print("waiting", flush=True)
        time.sleep(60)
    finally:
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            time.sleep(0.05)


with (
    mock.patch.object(cli, "get_command", return_value=wait),
    mock.patch.object(sys, "argv", ["cot-assets", "wait"]),
):
    main()
