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
import sys
import textwrap
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from shutil import get_terminal_size
from typing import Any, Literal, NamedTuple

import click
from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cot_assets.report.numbers import counted, intervals
from cot_assets.study.files import replacing
from cot_assets.study.home import DataHome
from cot_assets.warehouse.errors import printable
from cot_assets.warehouse.reading import Rows, select_rows

Format = Literal["table", "csv", "json"]
_NARROW, _ENDLESS = 24, 10**7  #: widths: up to which a column of text is never wrapped; and of no screen
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
        said = click.HelpFormatter(width=get_terminal_size().columns if sys.stdout.isatty() else 10_000)
        said.write_dl([(name, named.question) for name, named in sorted(named_queries().items())])
        click.echo(said.getvalue(), nl=False)
        return
    values: dict[str, str] = {}
    for pair in params:
        name, equals, value = pair.partition("=")
        if not equals:
            raise click.BadParameter(f"{pair!r} is not NAME=VALUE", param_hint="--param")
        values[name] = value
    values |= {k: v for k, v in (("model", model), ("problem_set", problem_set)) if v is not None}
    rows = ask(DataHome.from_environment(), query, values, select_rows, timeout, _leave)
    form = style or _BY_NAME.get(output.suffix if output else "", "table")
    is_seen = output is None and sys.stdout.isatty()
    text = format_rows(rows, form, get_terminal_size().columns if is_seen else None)
    if output is None:
        click.echo(text, nl=False)
    else:
        with replacing(output) as part:
            part.write_text(text, encoding="utf-8")
        click.echo(f"{len(rows.values):,} rows: {output}")


def _leave(reason: str) -> None:
    """End this process: some functions of DuckDB cannot be interrupted."""
    os.write(2, f"Error: {reason}\n".encode())
    os._exit(1)


def format_rows(rows: Rows, form: Format = "table", width: int | None = None) -> str:
    """The rows as text that ends in a line break.

    Args:
        rows: What a SELECT gave.
        form: ``table``: aligned columns, NULL as an empty cell, the number of rows below. ``csv``: a header, NULL as
            an empty field. ``json``: a list of objects, one per line.
        width: Columns of the screen that a table is for: what all rows hold is said above it, and an interval is in
            the cell of its value. None: every column at its full width.

    Raises:
        ValueError: The format is unknown.
    """
    rows = replace(rows, values=_unsigned(rows.values))
    if form == "table":
        return _table(rows, width)
    if form == "csv":
        return _csv(rows)
    if form == "json":
        objects = (_plain(dict(zip(rows.columns, row, strict=True))) for row in rows.values)
        lines = ",\n".join(json.dumps(each, allow_nan=False) for each in objects)
        return f"[{lines}]\n"
    raise ValueError(f"format {form!r} is not one of table, csv, json")


class _Column(NamedTuple):
    name: str
    is_number: bool
    cells: list[str]

    @property
    def least(self) -> int:
        """The narrowest that it can be: numbers are never wrapped."""
        return max(_width([self.name]), min(_width(self.cells), sys.maxsize if self.is_number else _NARROW))

    def narrow(self) -> _Column:
        """The same with a name that is parted after underscores where it is wider than the cells."""
        most = max(_width(self.cells), 6)
        lines = textwrap.wrap(self.name.replace("_", "_ "), most, break_long_words=False)
        return self._replace(name="\n".join(lines).replace("_ ", "_"))

    def folded(self) -> _Column:
        """The same with intervals below their values."""
        return self._replace(cells=[c.replace(" [", "\n[") for c in self.cells]) if self.is_number else self


def _width(texts: list[str]) -> int:
    return max((cell_len(line) for text in texts for line in text.split("\n")), default=0)


def _table(rows: Rows, width: int | None) -> str:
    kinds = zip(rows.columns, rows.are_numbers, strict=True)
    columns = [
        _Column(printable(name), is_number, [_cell(row[at]) for row in rows.values])
        for at, (name, is_number) in enumerate(kinds)
    ]
    end = f"({counted(len(rows.values), 'row')})\n"
    if width is None:
        return _below_names(columns, _ENDLESS) + end
    columns = _with_intervals(columns)
    same = [column for column in columns if len(rows.values) > 1 and len(set(column.cells)) == 1]
    above = _one_by_one([column._replace(cells=[column.cells[0] or "NULL"]) for column in same], width)
    columns = [column for column in columns if column not in same]
    shapes = (columns, [c.narrow() for c in columns], [c.folded().narrow() for c in columns])
    fit = next((shape for shape in shapes if sum(c.least + 2 for c in shape) - 2 <= width), None)
    return above + (_one_by_one(columns, width) if fit is None else _below_names(fit, width)) + end


def _with_intervals(columns: list[_Column]) -> list[_Column]:
    """The columns, those of an interval's ends in the cells of its value."""
    numbers = {column.name: column.cells for column in columns if column.is_number}
    found = intervals([*numbers])
    ends = {end for pair in found.values() for end in pair}
    for value, pair in found.items():
        cells = zip(*(numbers[name] for name in (value, *pair)), strict=True)
        numbers[value] = [f"{cell} [{low}, {high}]" if low and high else cell for cell, low, high in cells]
    kept = (column for column in columns if column.name not in ends)
    return [c._replace(cells=numbers[c.name]) if c.name in found else c for c in kept]


def _below_names(columns: list[_Column], width: int) -> str:
    """A table; texts that are too long for it are wrapped."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1, 0, 0))
    for column in columns:
        justify = "right" if column.is_number else "left"
        table.add_column(Text(column.name), justify=justify, no_wrap=column.is_number, overflow="fold")
    for cells in zip(*(column.cells for column in columns), strict=True):
        table.add_row(*map(Text, cells))  # markup in a cell means nothing
    return _drawn(table, width)


def _one_by_one(columns: list[_Column], width: int) -> str:
    """Row after row, a line for each column: what a screen is too narrow for."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for cells in zip(*(column.cells for column in columns), strict=True):
        for column, cell in zip(columns, cells, strict=True):
            table.add_row(Text(column.name), Text(cell))
        table.add_row()
    return _drawn(table, width)


def _drawn(table: Table, width: int) -> str:
    buffer = io.StringIO()
    console = Console(file=buffer, width=width, no_color=True, force_terminal=False, legacy_windows=False)
    console.print(table)
    return "".join(f"{line.rstrip()}\n" for line in buffer.getvalue().splitlines())


def _csv(rows: Rows) -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow([printable(name) for name in rows.columns])
    for row in rows.values:
        writer.writerow(["" if v is None else _field(v) for v in row])
    return buffer.getvalue()


def _cell(value: Any) -> str:
    if isinstance(value, float) and math.isfinite(value):
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


def _unsigned(value: Any) -> Any:
    """The value, and what it holds, with no -0.0."""
    if isinstance(value, list | tuple):
        return [_unsigned(each) for each in value]
    if isinstance(value, dict):
        return {key: _unsigned(each) for key, each in value.items()}
    return value + 0.0 if isinstance(value, float) else value


def _plain(value: Any) -> Any:
    """The value in terms of JSON."""
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_plain(v) for v in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if isinstance(value, str | int | None) else str(value)
