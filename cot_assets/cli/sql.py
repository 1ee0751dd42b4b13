"""``sql``: named queries and SELECTs over the results; see :mod:`cot_assets.warehouse.queries`."""

from __future__ import annotations

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
def sql(
    query: str | None, style: Format, params: tuple[str, ...], model: str | None, problem_set: str | None
) -> None:
    """Run a named query or a SELECT over results.duckdb; without one, list the named queries."""
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
    click.echo(format_rows(query_rows(DataHome.from_environment(), query, values), style), nl=False)
