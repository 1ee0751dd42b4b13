"""Rows for tests: any table, with defaults for the columns that a test does not care about."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import polars as pl

from cot_assets.warehouse.schema import polars_schema, tables

_DEFAULTS = {
    "VARCHAR": "x",
    "INTEGER": 0,
    "BIGINT": 0,
    "DOUBLE": 0.0,
    "BOOLEAN": False,
    "TIMESTAMP": datetime(2026, 1, 1),
    "INTEGER[]": [1, 2],
    "DOUBLE[]": [0.0, 0.0],
}
ROOT = Path(__file__).parents[3]


def rows(table: str, **columns: object) -> pl.DataFrame:
    """A frame of a table: lists are columns, other values are repeated, nullable columns default to NULL."""
    height = max((len(v) for v in columns.values() if isinstance(v, list)), default=1)
    values: dict[str, list[object]] = {}
    for column in tables()[table].columns:
        default = None if column.is_nullable else _DEFAULTS[column.type]
        value = columns.pop(column.name, default)
        is_whole = isinstance(value, list) and not (column.type.endswith("[]") and value == default)
        values[column.name] = value if is_whole else [value] * height
    assert not columns, f"{table} has no {columns}"
    return pl.DataFrame(values, schema=polars_schema(table))


def problems(*ids: str, problem_set: str = "s", **columns: object) -> pl.DataFrame:
    """Problems with the given ids."""
    return rows("problems", problem_set=problem_set, problem_id=list(ids), **columns)
