r"""``sql``: named queries and SELECTs over the results, and their rows as text.

Belongs here: the command; a table to look at, CSV or JSON for other programs. Does not belong here: queries
(:mod:`cot_assets.warehouse.queries`).

Text from models is hostile: in every format control characters are escaped, so that no cell can steer a
terminal. A table and CSV write them as ``\x1b``; JSON has its own escapes and keeps every value exact.
"""

from __future__ import annotations

import csv
import io
import json
import math
import os
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import click
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cot_assets.study.home import DataHome
from cot_assets.warehouse.errors import printable
from cot_assets.warehouse.reading import Rows, select_rows

Format = Literal["table", "csv", "json"]
_BY_NAME: dict[str, Format] = {".csv": "csv", ".json": "json"}


class _Command(click.Command):
    """``sql NAME --help`` goes on with what the query answers and its parameters."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.meta["words"] = [*args]  # help is printed before arguments are known
        return super().parse_args(ctx, args)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        from cot_assets.warehouse.queries import named_queries

        queries = named_queries()
        names = (word.lower().replace("-", "_") for word in ctx.meta.get("words", ()))
        query = next((queries[name] for name in names if name in queries), None)
        if query is None:
            return
        with formatter.section(query.name):
            formatter.write_text(query.question)
        with formatter.section("Parameters, and what they are unless you say otherwise"):
            formatter.write_dl(
                [
                    (f"-p {p.name}=...", ("" if p.default is None else f"{p.default}: ") + p.meaning)
                    for p in query.parameters
                ]
                or [("(none)", "")]
            )


@click.command(cls=_Command)
@click.argument("query", required=False)
@click.option(
    "--format",
    "style",
    type=click.Choice(["table", "csv", "json"]),
    help="Default: by the name of the --output file, else table.",
)
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
    style: Format | None,
    params: tuple[str, ...],
    model: str | None,
    problem_set: str | None,
    output: Path | None,
    timeout: float,
) -> None:
    """Run a named query or a SELECT over results.duckdb; without one, list the named queries.

    It reads the results and the sampled text, and nothing else; it changes nothing. `sql NAME --help` lists the
    parameters of a query.
    """
    from cot_assets.warehouse.queries import ask, named_queries

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
    rows = ask(DataHome.from_environment(), query, values, select_rows, timeout, _leave)
    text = format_rows(rows, style or _BY_NAME.get(output.suffix if output else "", "table"))
    if output is None:
        click.echo(text, nl=False)
    else:
        output.write_text(text, encoding="utf-8")
        click.echo(f"{len(rows.values):,} rows: {output}")


def _leave(reason: str) -> None:
    """End this process: some functions of DuckDB cannot be interrupted."""
    os.write(2, f"Error: {reason}\n".encode())
    os._exit(1)


def format_rows(rows: Rows, form: Format = "table") -> str:
    """The rows as text that ends in a line break.

    Args:
        rows: What a SELECT gave.
        form: ``table``: aligned columns at their full width, NULL as an empty cell, the number of rows
            below. ``csv``: a header, NULL as an empty field. ``json``: a list of objects, one per line.

    Raises:
        ValueError: The format is unknown.
    """
    if form == "table":
        return _table(rows)
    if form == "csv":
        return _csv(rows)
    if form == "json":
        objects = (_plain(dict(zip(rows.columns, row, strict=True))) for row in rows.values)
        lines = ",\n".join(json.dumps(each, allow_nan=False) for each in objects)
        return f"[{lines}]\n"
    raise ValueError(f"format {form!r} is not one of table, csv, json")


def _table(rows: Rows) -> str:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    # Text objects: markup in a name or a cell means nothing.
    names = [Text(printable(name)) for name in rows.columns]
    cells = [[Text(_cell(value)) for value in row] for row in rows.values]
    for name, is_number in zip(names, rows.are_numbers, strict=True):
        table.add_column(name, justify="right" if is_number else "left", no_wrap=True, overflow="ignore")
    for row in cells:
        table.add_row(*row)
    buffer = io.StringIO()
    width = sum(4 + max(cell.cell_len for cell in column) for column in zip(names, *cells, strict=True))
    console = Console(file=buffer, width=width + 1, no_color=True, force_terminal=False, legacy_windows=False)
    console.print(table)
    lines = [line.rstrip() for line in buffer.getvalue().removesuffix("\n").split("\n")]
    plural = "" if len(cells) == 1 else "s"
    return "\n".join([*lines, f"({len(cells)} row{plural})", ""])


def _csv(rows: Rows) -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow([printable(name) for name in rows.columns])
    for row in rows.values:
        writer.writerow(["" if v is None else _field(v) for v in row])
    return buffer.getvalue()


def _cell(value: Any) -> str:
    if isinstance(value, float) and math.isfinite(value):
        value += 0.0  # no -0
        text = f"{value:.4f}".rstrip("0").rstrip(".")
        return text if float(text) or not value else f"{value:.3g}"
    return "" if value is None else _field(value)


def _field(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, list | dict):
        return json.dumps(_plain(value), allow_nan=False)
    return printable(str(value))


def _plain(value: Any) -> Any:
    """The value in terms of JSON."""
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_plain(v) for v in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if isinstance(value, str | int | None) else str(value)
