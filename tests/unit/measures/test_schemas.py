"""The frames that are returned have exactly the columns and types of the table definitions."""

import re
from pathlib import Path

import polars as pl
import pytest

from cot_assets.measures import frames

TABLES = Path(__file__).parents[3] / "sql" / "tables"
TYPES = {"VARCHAR": pl.String, "INTEGER": pl.Int32, "DOUBLE": pl.Float64, "BOOLEAN": pl.Boolean}


def columns_of(table: str) -> dict[str, object]:
    body = (TABLES / f"{table}.sql").read_text().split("(", 1)[1]
    found = re.findall(r"^\s+([a-z_0-9]+)\s+(VARCHAR|INTEGER|DOUBLE|BOOLEAN)\b", body, re.MULTILINE)
    return {name: TYPES[kind] for name, kind in found}


@pytest.mark.parametrize(
    "table",
    [
        *("unlocks", "shortest_unlocks", "transfer_steps"),
    ],
)
def test_schema_equals_the_table(table):
    assert dict(getattr(frames, table.upper())) == columns_of(table)


def test_curves_hold_every_column_of_trace_cuts():
    assert {**dict(frames.CURVES), **columns_of("trace_cuts")} == dict(frames.CURVES)
