"""Views of frames that no warehouse holds, in a database in memory."""

from collections.abc import Mapping

import duckdb
import polars as pl

from cot_assets.warehouse.reading import select
from cot_assets.warehouse.schema import conform, polars_schema, tables, views


def _empty() -> duckdb.DuckDBPyConnection:
    """A database with every table and view and no rows."""
    con = duckdb.connect(":memory:")
    for schema in (*tables().values(), *views().values()):
        con.execute(schema.ddl)
    return con


_STUDY = _empty()  # once, and not in the time of the first test


def shown(view: str, tables: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """The rows of a view where tables hold these frames; keys must hold, as in a warehouse."""
    con = _STUDY
    con.execute("BEGIN")
    try:
        for table, frame in tables.items():
            con.register("incoming", conform(table, frame))
            con.execute(f"INSERT INTO {table} BY NAME SELECT * FROM incoming")
        return select(con, f"FROM {view} ORDER BY ALL").cast(polars_schema(view))
    finally:
        con.execute("ROLLBACK")


def shown_estimates(view: str, estimates: pl.DataFrame) -> pl.DataFrame:
    """The rows of a view of the table ``estimates``."""
    return shown(view, {"estimates": estimates})
