r"""Rows as text: a table to look at, CSV or JSON for other programs.

Belongs here: formatting a frame. Does not belong here: where its rows come from.

Text from models is hostile: in every format control characters are escaped, so that no cell can steer a
terminal. A table and CSV write them as ``\x1b``; JSON has its own escapes and keeps every value exact.
"""

from __future__ import annotations

import csv
import io
import json
import math
from datetime import datetime
from typing import Any, Literal

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cot_assets.warehouse.errors import printable
from cot_assets.warehouse.reading import Rows

Format = Literal["table", "csv", "json"]


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
