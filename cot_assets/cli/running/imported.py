"""What the commands that import do with what they read, and how an import is taken back.

Belongs here: storing, and printing what there is then. Does not belong here: arguments (:mod:`cot_assets.cli.importing`).
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cot_assets.study import DataHome, load_config

if TYPE_CHECKING:
    from cot_assets.importing import Imported
    from cot_assets.orchestration.imports import Imports, Summary


def finish(imported: Sequence[Imported], *, has_report: bool) -> None:
    """Store and analyze what was read, and print what there is now."""
    home = DataHome.from_environment()
    with _imports(home, with_earlier=True) as imports:
        summaries = imports.bring_in(imported, command=_command(), has_report=has_report)
    for summary in summaries:
        click.echo(_text(summary))
    problem_set = summaries[0].problem_set
    click.echo(f"Results: {home.results}")
    if has_report:
        click.echo(f"Report:  {home.reports / problem_set / 'index.html'}")
    click.echo("\nTry next:")
    if has_report:
        click.echo("  cot-assets report --open")
    click.echo(f"  cot-assets sql largest_tangents -p problem_set={problem_set}")
    click.echo(f"  cot-assets sql confirmed_events -p problem_set={problem_set}")
    click.echo("  cot-assets ui")


def undo_import(model: str, problem_set: str) -> None:
    """Take an import back and say what became of it."""
    home = DataHome.from_environment()
    with _imports(home, with_earlier=False) as imports:
        was_there = imports.take_back(model, problem_set)
    if was_there:
        click.echo(f"{model} on {problem_set} is taken back; the files that it was read from are untouched.")
        click.echo(f"Results: {home.results}")
    else:
        click.echo(f"{model} on {problem_set} was taken back before; nothing has changed.")


@contextmanager
def _imports(home: DataHome, *, with_earlier: bool) -> Iterator[Imports]:
    """What imports; the configuration has entries for earlier imports or not: what has an entry is not taken back whole."""
    from cot_assets.cli.running.stopping import stop
    from cot_assets.definitions import build_defs
    from cot_assets.orchestration.imports import Imports
    from cot_assets.orchestration.instance import open_instance
    from cot_assets.warehouse.imported import with_imported
    from cot_assets.warehouse.store import Warehouse

    warehouse = Warehouse(home)
    config = with_imported(load_config(), warehouse) if with_earlier else load_config()
    with open_instance(home) as instance:
        yield Imports(build_defs(), instance, warehouse, config, stop.next_step)


def _command() -> str:
    """The command as typed, with whole paths, so that it works from anywhere."""
    context = click.get_current_context()
    words = ["cot-assets", "import", str(context.info_name)]
    for parameter in context.command.params:
        value = context.params[str(parameter.name)]
        values = value if isinstance(value, tuple) else (value,)
        if isinstance(parameter, click.Argument):
            words += [str(Path(path).resolve()) for path in values]
        elif value != parameter.get_default(context):
            words += parameter.opts[:1] if value is True else [parameter.opts[0], str(value)]
    return shlex.join(words)


def _text(summary: Summary) -> str:
    """What was imported and found, for a person."""
    from cot_assets.report.numbers import counted
    from cot_assets.warehouse.errors import printable

    rows, stored = summary.stored.rows, summary.stored
    lines = [
        f"\n{summary.model} on {summary.problem_set}: {counted(rows['traces'], 'trace')} "
        f"({summary.n_correct} correct), {counted(rows['potentials'], 'prefix', 'prefixes')}, "
        f"{summary.n_unknown:,} of them without rollouts (their potential is unknown, not 0)"
    ]
    if not stored.changed:
        lines.append("  It was here already; no row has changed.")
    if stored.n_replaced:
        lines.append(
            f"  {counted(stored.n_replaced, 'trace')} of an earlier import of these problems replaced."
        )
    for row in summary.by_policy.iter_rows(named=True):
        line = (
            f"  cuts at {row['cut_policy']:<10} {row['n_cuts']:>6,}  "
            f"insights {row['insight']} ({row['insight_confirmed']} confirmed), "
            f"tangents {row['tangent']} ({row['tangent_confirmed']} confirmed), "
            f"late spikes {row['late_spike']}, lucky guesses {row['lucky_guess']}, "
            f"monotone {row['monotone']} of {rows['traces']}"
        )
        lines.append(line)
    if summary.notes:
        lines.append("  Before you use the numbers (also in the table import_notes):")
        lines += [f"  - {printable(note)}" for note in summary.notes]
    return "\n".join(lines) + "\n"
