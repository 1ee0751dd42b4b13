"""``sql``: named queries and SELECTs over the results; see :mod:`cot_assets.warehouse.queries`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cot_assets.study.home import DataHome

if TYPE_CHECKING:
    from cot_assets.warehouse.display import Format


@click.command()
@click.argument("query", required=False)
@click.option("--format", "style", type=click.Choice(["table", "csv", "json"]), default="table")
@click.option("-p", "--param", "params", multiple=True, metavar="NAME=VALUE", help="Value of a $parameter.")
@click.option("--model", help="Short for --param model=...")
@click.option("--problem-set", help="Short for --param problem_set=...")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="Write the rows to a file.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=300.0,
    show_default=True,
    help="Seconds after which the query is ended.",
)
def sql(
    query: str | None,
    style: Format,
    params: tuple[str, ...],
    model: str | None,
    problem_set: str | None,
    output: Path | None,
    timeout: float,
) -> None:
    """Run a named query or a SELECT over results.duckdb; without one, list the named queries.

    It reads the results and the sampled text, and nothing else; it changes nothing.
    """
    from cot_assets.warehouse.display import format_rows
    from cot_assets.warehouse.queries import named_queries, query_rows

    if query is None:
        for name, named in sorted(named_queries().items()):
            click.echo(f"{name:<24} {named.question}")
        return
    values: dict[str, str] = {}
    for pair in params:
        name, equals, value = pair.partition("=")
        if not equals:
            raise click.BadParameter(f"{pair!r} is not NAME=VALUE", param_hint="--param")
        values[name] = value
    values |= {k: v for k, v in (("model", model), ("problem_set", problem_set)) if v is not None}
    rows = query_rows(DataHome.from_environment(), query, values, timeout, _leave)
    text = format_rows(rows, style)
    if output is None:
        click.echo(text, nl=False)
    else:
        output.write_text(text, encoding="utf-8")
        click.echo(f"{len(rows.values):,} rows: {output}")


def _leave(reason: str) -> None:
    """End this process: some functions of DuckDB cannot be interrupted."""
    os.write(2, f"Error: {reason}\n".encode())
    os._exit(1)
