"""Fixtures for importers: the real published files beside the repository, and the tables in DuckDB."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from support.extras import shared_data

from cot_assets.importing import Imported

_TABLES = Path(__file__).parents[3] / "sql" / "tables"


@pytest.fixture(scope="session")
def published() -> Path:
    return shared_data("recorded")


@pytest.fixture
def store() -> Callable[[Imported], dict[str, int]]:
    """Inserts every frame by position into its table as the DDL makes it; returns the rows per table.

    Column order, types, NOT NULL and primary keys are those of the warehouse.
    """

    def insert(imported: Imported) -> dict[str, int]:
        with duckdb.connect() as connection:
            stored: dict[str, int] = {}
            for table, frame in imported.frames.items():
                connection.execute((_TABLES / f"{table}.sql").read_text())
                columns = [row[0] for row in connection.execute(f"DESCRIBE {table}").fetchall()]
                assert columns == frame.columns, table
                connection.register("frame", frame.to_arrow())
                connection.execute(f"INSERT INTO {table} SELECT * FROM frame")
                (stored[table],) = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
            return stored

    return insert
