"""The report's queries fit the tables as they are declared, and frames that do not fit are refused."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
from synthetic_report import PROTOCOL

from cot_assets.report import ReportData, ReportError, load_report_data
from cot_assets.report.data import COLUMNS, empty_frame

_TABLES = sorted((Path(__file__).parents[3] / "sql" / "tables").glob("*.sql"))
_FILLERS = {
    "VARCHAR": "",
    "INTEGER[]": [],
    "INTEGER": 0,
    "BIGINT": 0,
    "DOUBLE": 0.0,
    "BOOLEAN": False,
    "TIMESTAMP": None,
}


@pytest.fixture
def database() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(":memory:")
    for path in _TABLES:
        connection.execute(path.read_text())
    return connection


def _read(connection: duckdb.DuckDBPyConnection) -> Any:
    def read(sql: str, params: Sequence[Any]) -> pl.DataFrame:
        return connection.sql(sql, params=list(params)).pl()

    return read


def _insert(connection: duckdb.DuckDBPyConnection, table: str, frame: pl.DataFrame) -> None:
    """Insert the frame; columns that only the table has get a value of their type."""
    declared = connection.execute(
        "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = ? ORDER BY ordinal_position",
        [table],
    ).fetchall()
    rows = []
    for number, row in enumerate(frame.iter_rows(named=True)):
        fill = {**_FILLERS, "TIMESTAMP": "2026-01-01"}
        values = {name: row.get(name, fill[kind]) for name, kind in declared}
        if table == "sampling_runs":
            values["sampling_run_id"] = str(number)
        rows.append(list(values.values()))
    marks = ", ".join("?" for _ in declared)
    connection.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)


def test_the_data_of_a_database_are_those_that_were_put_in(
    database: duckdb.DuckDBPyConnection, small: ReportData
) -> None:
    potentials = small.curves.filter(pl.col("prefix_id").is_not_null()).unique(["model", "prefix_id"])
    _insert(database, "trace_cuts", small.curves)
    _insert(database, "potentials", potentials)
    other = small.traces.with_columns(
        pl.lit("other").alias("problem_set"), pl.format("o{}", "trace_id").alias("trace_id")
    )
    for table, frame in (
        ("problems", small.problems),
        ("traces", pl.concat([small.traces, other])),
        ("tangents", small.tangents),
        ("spikes", small.spikes),
        ("lucky_guesses", small.lucky_guesses),
        ("monotonicity", small.monotonicity),
        ("pattern_rates", small.pattern_rates),
        ("transfer_potentials", small.transfer_potentials),
        ("transfer_curve", small.transfer_curve),
        ("unlocks", small.unlocks),
        ("pass_at_k", small.pass_at_k),
        ("sampling_runs", small.sampling_runs),
    ):
        _insert(database, table, frame)
    loaded = load_report_data(_read(database), "demo", protocol=PROTOCOL)

    assert set(loaded.traces["problem_set"].to_list()) == {"demo"}
    assert not {"token_ids", "prompt_token_ids"} & set(loaded.traces.columns)
    assert loaded.traces["is_in_words"].all(), "no token ids were put in"
    key = ["trace_id", "cut_policy", "cut_index"]
    columns = [*key, "n", "n_correct", "potential", "is_end", "char_end"]
    assert loaded.curves.sort(key).select(columns).rows() == small.curves.sort(key).select(columns).rows()
    assert loaded.curves.filter("is_end")["potential"].null_count() == small.monotonicity.height
    curve_key = ["reader", "writer", "control", "trace_filter", "leaks", "fraction"]
    expected, found = (
        d.transfer_curve.sort(curve_key).select(*curve_key, "potential", "n_traces") for d in (small, loaded)
    )
    assert found.rows() == expected.rows()
    columns = ["model", "k", "guesses", "pass_at_k", "n_problems"]
    assert loaded.pass_at_k.select(columns).rows() == small.pass_at_k.select(columns).rows()


def test_an_empty_database_gives_an_empty_report(database: duckdb.DuckDBPyConnection) -> None:
    loaded = load_report_data(_read(database), "nothing")
    for name in COLUMNS:
        assert getattr(loaded, name).is_empty(), name


@pytest.mark.parametrize("name", sorted(COLUMNS))
def test_a_frame_that_lacks_a_column_is_refused_by_name(name: str) -> None:
    column = next(iter(COLUMNS[name]))
    with pytest.raises(ReportError, match=rf"'demo'.*'{name}' lacks {column}"):
        ReportData("demo", **{name: empty_frame(name).drop(column)})


def test_every_column_of_a_table_that_the_report_needs_is_declared(
    database: duckdb.DuckDBPyConnection,
) -> None:
    derived = {"curves", "optimized_curves"}
    for name, columns in COLUMNS.items():
        if name not in derived:
            declared = database.sql(f"SELECT * FROM {name}").columns
            assert set(columns) <= set(declared), name
