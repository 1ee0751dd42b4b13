"""``status``: the state of every partition.

Belongs here: printing. Does not belong here: what its state is (:mod:`cot_assets.orchestration.status`).
"""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from importlib import import_module
from textwrap import wrap
from typing import TYPE_CHECKING, Literal

import click

if TYPE_CHECKING:
    from cot_assets.orchestration.status.standing import Standing

_MOST_LINES = 4  #: of a reason in the table; JSON has all of it


@click.command()
@click.option("--format", "style", type=click.Choice(["table", "json"]), default="table")
def status(style: Literal["table", "json"]) -> None:
    """Show every model on every problem set as fresh, stale, running, failed or never run, and why."""
    from cot_assets.orchestration.status.asking import status as ask
    from cot_assets.study import DataHome, load_config

    rows = ask(DataHome.from_environment(), load_config(), lambda: import_module("cot_assets.definitions"))
    if style == "json":
        click.echo(json.dumps([asdict(row) for row in rows], indent=1))
    elif not rows:
        click.echo("Nothing was run yet, and no entry of models.toml lists problem sets.")
    else:
        _print_table(rows)


def _print_table(rows: Sequence[Standing]) -> None:
    from cot_assets.warehouse.errors import printable

    lines = [("problem set", "model", "state", "reason")]
    lines += [
        (row.problem_set or "-", row.model or "(all)", row.state, printable(row.reason)) for row in rows
    ]
    widths = [max(len(line[i]) for line in lines) for i in range(3)]
    room = max(20, shutil.get_terminal_size((120, 24)).columns - sum(widths) - 6)
    for *cells, reason in lines:
        start = "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
        first, *others = wrap(
            reason, room, max_lines=_MOST_LINES, placeholder=" …", break_on_hyphens=False
        ) or [""]
        click.echo(f"{start}  {first}".rstrip())
        for line in others:
            click.echo(" " * (len(start) + 2) + line)
    click.echo(", ".join(f"{n} {state}" for state, n in Counter(row.state for row in rows).items()))
