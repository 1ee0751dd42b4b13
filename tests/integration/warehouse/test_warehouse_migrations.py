"""Old databases on disk, brought to a newer schema."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest
from warehouse_rows import rows

from cot_assets.study import DataHome
from cot_assets.warehouse import TABLES, Warehouse, WarehouseError, migrations
from cot_assets.warehouse.migrations import prepare
from cot_assets.warehouse.schema import TableSchema, describe, read_tables

ADD_COLUMN = """
ALTER TABLE tangents ADD COLUMN is_recovered BOOLEAN DEFAULT false;
ALTER TABLE tangents ALTER COLUMN is_recovered SET NOT NULL;
ALTER TABLE tangents ALTER COLUMN is_recovered DROP DEFAULT;
"""


def without_is_recovered() -> str:
    """The DDL of tangents as it would have been before it had its last column."""
    lines = [line for line in TABLES["tangents"].ddl.splitlines() if "is_recovered" not in line]
    return "\n".join(lines)


@pytest.fixture
def old_file(tmp_path: Path) -> Path:
    """A database of version 1 with a row in an old table, written to disk and closed."""
    (tmp_path / "old").mkdir()
    (tmp_path / "none").mkdir()
    for name, table in TABLES.items():
        ddl = without_is_recovered() if name == "tangents" else table.ddl
        (tmp_path / "old" / f"{name}.sql").write_text(ddl)
    path = tmp_path / "warehouse.duckdb"
    with connection(path) as con:
        prepare(con, read_tables(tmp_path / "old"), tmp_path / "none")
        con.register("old_rows", rows("tangents", trace_id="t").drop("is_recovered"))
        con.execute("INSERT INTO tangents BY NAME SELECT * FROM old_rows")
    return path


@contextmanager
def connection(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    con = duckdb.connect(path)
    try:
        yield con
    finally:
        con.close()


def steps(tmp_path: Path, **files: str) -> Path:
    folder = tmp_path / "steps"
    folder.mkdir()
    for name, sql in files.items():
        (folder / f"{name[1:]}.sql").write_text(sql)
    return folder


def columns(tables: dict[str, TableSchema], name: str) -> set[object]:
    return {(c.name, c.type, c.is_nullable, c.comment) for c in tables[name].columns}


def test_an_old_file_becomes_what_a_new_one_would_be(old_file: Path, tmp_path: Path) -> None:
    folder = steps(tmp_path, _0002_is_recovered=ADD_COLUMN)
    with connection(old_file) as con:
        prepare(con, TABLES, folder)
        found = describe(con)
        assert columns(found, "tangents") == columns(dict(TABLES), "tangents")
        assert con.execute("SELECT trace_id, is_recovered FROM tangents").fetchall() == [("t", False)]
        history = con.execute("SELECT version, name FROM schema_version ORDER BY version").fetchall()
        assert history == [(1, "created"), (2, "0002_is_recovered")]
        prepare(con, TABLES, folder)  # and nothing the second time
        assert len(con.execute("FROM schema_version").fetchall()) == 2


def test_a_failed_migration_leaves_the_version_before_it(old_file: Path, tmp_path: Path) -> None:
    folder = steps(
        tmp_path, _0002_fine=ADD_COLUMN, _0003_wrong="DELETE FROM tangents; ALTER TABLE nothing DROP a;"
    )
    with connection(old_file) as con:
        with pytest.raises(WarehouseError, match=r"0003_wrong\.sql failed .* still at version 2"):
            prepare(con, TABLES, folder)
        assert con.execute("SELECT max(version), count(*) FROM schema_version").fetchall() == [(2, 2)]
        assert con.execute("SELECT count(*) FROM tangents").fetchall() == [(1,)]


def test_a_forgotten_migration_is_noticed(old_file: Path, tmp_path: Path) -> None:
    with (
        connection(old_file) as con,
        pytest.raises(WarehouseError, match=r"in place of is_recovered BOOLEAN NOT NULL.*rebuild"),
    ):
        prepare(con, TABLES, tmp_path / "none")


def test_older_code_refuses_the_migrated_file(old_file: Path, tmp_path: Path) -> None:
    with connection(old_file) as con:
        prepare(con, TABLES, steps(tmp_path, _0002_is_recovered=ADD_COLUMN))
        with pytest.raises(
            WarehouseError, match="version 2, made by a newer cot-assets; this one knows version 1"
        ):
            prepare(con, TABLES, tmp_path / "none")


def test_the_warehouse_migrates_what_it_opens(
    old_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "sql"
    folder.mkdir()
    steps(tmp_path, _0002_is_recovered=ADD_COLUMN).rename(folder / "migrations")
    monkeypatch.setattr(migrations, "sql_folder", lambda: folder)
    monkeypatch.setattr(migrations, "SCHEMA_VERSION", 2)
    warehouse = Warehouse(DataHome(tmp_path))
    assert old_file == warehouse.home.warehouse
    assert warehouse.read_table("tangents")["is_recovered"].to_list() == [False]


def test_the_migrations_of_the_package_lead_to_its_tables() -> None:
    """Each migration must end in the DDL of ``sql/tables``: they are described in two places."""
    con = duckdb.connect(":memory:")
    prepare(con)
    assert describe(con).keys() - {"schema_version"} == set(TABLES)
    con.close()
